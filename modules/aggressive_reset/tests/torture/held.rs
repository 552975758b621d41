//! Refusals with a way out: busy mounts of somebody's directories, and mounts that share their events with a preserved path.

use serde_json::json;

use super::layout::{Layout, layouts};

layouts! {
    held_bind_of_somebodys_directory_is_detached => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /home/user m; cd m; sleep 600 >/dev/null 2>&1 &").only(json!({}))
        .verify("p=$(pgrep -x sleep | head -1); test \"$(cat /proc/$p/cwd/note1)\" = 'note 1'; test -e /home/user/note1");
    held_file_of_somebodys_directory_is_detached => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /home/user m; sleep 600 3<m/note2 >/dev/null 2>&1 &").only(json!({})).verify("p=$(pgrep -x sleep | head -1); test \"$(cat /proc/$p/fd/3)\" = 'note 2'");
    held_tmpfs_is_detached => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount -t tmpfs t m; echo x > m/x; cd m; sleep 600 >/dev/null 2>&1 &").only(json!({})).verify("p=$(pgrep -x sleep | head -1); test \"$(cat /proc/$p/cwd/x)\" = x");
    held_two_on_one_point_are_detached => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /home/user m; (cd m; sleep 600 >/dev/null 2>&1 &); mount -t tmpfs t m; echo x > m/x; cd m; sleep 600 >/dev/null 2>&1 &").only(json!({}));
    held_bind_of_a_preserved_path_is_not => Layout::failed("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /srv/media/films m; cd m; sleep 600 >/dev/null 2>&1 &", "busy, held by process", "/var/lib/kubelet").only(json!({}));
    held_bind_of_what_a_preserved_path_lies_in_is_not => Layout::failed("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /home m; cd m; sleep 600 >/dev/null 2>&1 &", "busy, held by process", "/var/lib/kubelet").only(json!({"preserve": ["/home/user"]}));
    held_unmount_that_reaches_a_preserved_path => Layout::refused("mkdir /var/lib/kubelet/pods/share; mount --bind /var/lib/kubelet/pods/share /srv/media; echo x > /srv/media/x", "is another view of /var/lib/kubelet").only(json!({}));
    held_unmount_that_reaches_somebodys_mount => Layout::refused("mount --make-shared /var; mkdir -p /home/user/var /var/lib/kubelet/pods/v; mount --bind /var /home/user/var; mount -t tmpfs t /var/lib/kubelet/pods/v; echo x > /var/lib/kubelet/pods/v/x; findmnt /home/user/var/lib/kubelet/pods/v > /dev/null", "would unmount /home/user/var/lib/kubelet/pods/v as well")
        .only(json!({})).moved(&["/home/user/var"]).verify("test -e /home/user/var/lib/kubelet/pods/v/x");
    held_unmount_that_reaches_a_slave => Layout::refused("mount --make-shared /var; mkdir -p /home/user/var /var/lib/kubelet/pods/v; mount --bind /var /home/user/var; mount --make-slave /home/user/var; mount -t tmpfs t /var/lib/kubelet/pods/v; echo x > /var/lib/kubelet/pods/v/x; findmnt /home/user/var/lib/kubelet/pods/v > /dev/null", "would unmount /home/user/var/lib/kubelet/pods/v as well").only(json!({})).moved(&["/home/user/var"]).verify("test -e /home/user/var/lib/kubelet/pods/v/x");
    held_unmount_of_a_private_copy => Layout::clean("mount --make-shared /var; mkdir -p /home/user/var /var/lib/kubelet/pods/v; mount --bind /var /home/user/var; mount --make-private /home/user/var; mount -t tmpfs t /var/lib/kubelet/pods/v; echo x > /var/lib/kubelet/pods/v/x").only(json!({})).moved(&["/home/user/var"]);
}
