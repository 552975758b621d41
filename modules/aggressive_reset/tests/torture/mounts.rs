//! Mounts below and on targets, of every kind that a node full of somebody's data has.

use serde_json::json;

use super::layout::{Layout, layouts};

const LOOP: &[&str] = &["root", "file:/dev/loop-control", "program:mkfs.ext4"];
const POD: &str = "/var/lib/kubelet/pods/p1/volumes";

layouts! {
    bind_of_the_same_file_system => Layout::clean("mkdir /var/lib/kubelet/pods/p1/volumes/media; mount --bind /srv/media /var/lib/kubelet/pods/p1/volumes/media");
    bind_at_a_path_with_a_space => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir 'my media'; mount --bind /srv/media 'my media'");
    bind_at_a_path_with_a_tab => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; d=$(printf 'a\\tb'); mkdir \"$d\"; mount --bind /srv/media \"$d\"");
    bind_at_a_path_with_a_newline => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; d=$(printf 'a\\nb'); mkdir \"$d\"; mount --bind /srv/media \"$d\"");
    bind_at_a_path_with_a_backslash => Layout::clean(r"cd /var/lib/kubelet/pods/p1/volumes; mkdir 'a\040b' 'a b'; mount --bind /srv/media 'a\040b'; mount --bind /home/user 'a b'");
    bind_at_a_path_of_other_scripts => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir 'фильмы-映画-🎬'; mount --bind /srv/media 'фильмы-映画-🎬'");
    bind_at_a_path_that_is_no_utf8 => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; d=$(printf 'a\\377b'); mkdir \"$d\"; mount --bind /srv/media \"$d\"");
    bind_at_a_path_that_says_deleted => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir 'x (deleted)' 'y#z'; mount --bind /srv/media 'x (deleted)'; mount --bind /srv/media 'y#z'");
    nested_binds => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir a /srv/media/inner /home/user/inner; mount --bind /srv/media a; mount --bind /home/user a/inner; mount --bind /mnt/media a/inner/inner");
    bind_of_a_file => Layout::clean("touch /var/lib/kubelet/pods/p1/volumes/f; mount --bind /srv/media/films/1 /var/lib/kubelet/pods/p1/volumes/f");
    read_only_bind => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir a; mount --bind /srv/media a; mount -o remount,ro,bind a");
    recursive_bind_of_the_root => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir a; mount --rbind / a");
    recursive_bind_of_a_shared_root => Layout::clean("mount --make-rshared /; cd /var/lib/kubelet/pods/p1/volumes; mkdir a; mount --rbind / a")
        .verify("findmnt /srv >/dev/null; findmnt /proc > /dev/null; findmnt /dev >/dev/null");
    disk_that_came_in_by_propagation => Layout::clean("mount --bind /srv/media /srv/media; mount --make-shared /srv/media; cd /var/lib/kubelet/pods/p1/volumes; mkdir a /srv/media/disk2
        mount --bind /srv/media a; mount -t tmpfs disk2 /srv/media/disk2; echo x > /srv/media/disk2/x; findmnt a/disk2 >/dev/null")
        .verify("findmnt /srv/media/disk2 >/dev/null");
    tmpfs_below => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir a; mount -t tmpfs secret a; echo x > a/token");
    overlay_of_somebody_elses_directories => Layout::clean("mkdir /home/user/{upper,work} /var/lib/kubelet/pods/p1/volumes/o; mount -t tmpfs u /mnt/media; mkdir /mnt/media/{u,w}
        mount -t overlay o -o lowerdir=/srv/media,upperdir=/mnt/media/u,workdir=/mnt/media/w /var/lib/kubelet/pods/p1/volumes/o; echo x > /var/lib/kubelet/pods/p1/volumes/o/new");
    loop_ext4_below => Layout::clean("truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mkdir /mnt/disk; mount -o loop /etc/disk.img /mnt/disk; echo data > /mnt/disk/file
        mkdir /var/lib/kubelet/pods/p1/volumes/d; mount --bind /mnt/disk /var/lib/kubelet/pods/p1/volumes/d; sync").needs(LOOP);
    own_partition => Layout::clean("truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/containerd; mkdir -p /var/lib/containerd/a/b; echo x > /var/lib/containerd/a/b/c")
        .needs(LOOP).verify("mountpoint -q /var/lib/containerd");
    own_tmpfs_with_a_mount_in_it => Layout::clean("mount -t tmpfs own /var/lib/kubelet; cd /var/lib/kubelet; mkdir -p pods/x; echo x > f; mount --bind /srv/media pods/x")
        .verify("mountpoint -q /var/lib/kubelet; umount /var/lib/kubelet; test -e /var/lib/kubelet/config.yaml; rm -rf /var/lib/kubelet/*");
    the_kubelets_own_bind => Layout::clean("mount --bind /var/lib/kubelet /var/lib/kubelet; mount --make-rshared /var/lib/kubelet; mkdir /var/lib/kubelet/pods/p1/volumes/m; mount --bind /srv/media /var/lib/kubelet/pods/p1/volumes/m");
    stack_on_one_point => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir a; mount --bind /srv/media a; mount -t tmpfs t a; mount --bind /home/user a");
    mount_hidden_beneath_another => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir -p a/b; mount --bind /srv/media a/b; mount -t tmpfs t a; mkdir a/c; mount --bind /home/user a/c");
    mount_over_a_preserved_path => Layout::clean("mount -t tmpfs cover /srv/media; echo x > /srv/media/x; mkdir /var/lib/kubelet/pods/p1/volumes/a; mount --bind /srv/media /var/lib/kubelet/pods/p1/volumes/a")
        .verify("test $(cat /srv/media/x) = x; umount /srv/media; test -e /srv/media/films/1");
    export_mounted_back_on_the_same_host => Layout::clean("truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /srv/media; echo film > /srv/media/film; sync
        mount --bind /srv/media /mnt/media; mkdir /var/lib/kubelet/pods/p1/volumes/nfs; mount --bind /mnt/media /var/lib/kubelet/pods/p1/volumes/nfs").needs(LOOP).verify("grep -q film /mnt/media/film");
    preserved_path_in_a_pod_volume => Layout::clean("mkdir -p /var/lib/kubelet/pods/p1/volumes/v /var/lib/kubelet/pods/p1/volume-subpaths/v/c/0; mount --bind /srv/media /var/lib/kubelet/pods/p1/volumes/v; mount --bind /srv/media/films /var/lib/kubelet/pods/p1/volume-subpaths/v/c/0");
    other_preserved_paths => Layout::clean("mkdir /home/user/photos /var/lib/kubelet/pods/p1/volumes/v; mount --bind /home/user/photos /var/lib/kubelet/pods/p1/volumes/v; echo x > /home/user/photos/x").options(json!({"preserve": ["/home/user/photos", "/nowhere"]}));
    two_hundred_mounts => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; for i in $(seq 200); do mkdir v$i; mount --bind /srv/media v$i; done");
    busy_mount => Layout::failed("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /srv/media m; cd m; sleep 600 >/dev/null 2>&1 &", "busy, held by process", "/var/lib/kubelet")
        .verify("test -e /var/lib/kubelet/config.yaml");
    file_open_on_a_mount => Layout::failed("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /srv/media m; sleep 600 3<m/films/1 >/dev/null 2>&1 &", "(sleep, open file)", "/var/lib/kubelet");
}

#[test]
fn the_volume_directory_is_the_one_the_layouts_use() {
    assert!(POD.starts_with("/var/lib/kubelet/pods/"));
}
