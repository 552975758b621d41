//! Mounts below and on targets, of every kind that a node full of somebody's data has.

use serde_json::json;

use super::layout::{Layout, layouts};

const LOOP: &[&str] = &["root", "file:/dev/loop-control", "program:mkfs.ext4"];
const BTRFS: &[&str] = &["root", "file:/dev/loop-control", "fs:btrfs", "program:mkfs.btrfs"];
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
    own_partition => Layout::partly("truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/containerd; mkdir -p /var/lib/containerd/a/b; echo x > /var/lib/containerd/a/b/c", &["/var/lib/containerd"])
        .needs(LOOP).verify("mountpoint -q /var/lib/containerd; test \"$(ls -A /var/lib/containerd)\" = lost+found")
        .options(json!({"own_paths": ["/var/lib/containerd"]}));
    own_tmpfs_with_a_mount_in_it => Layout::clean("mount -t tmpfs own /var/lib/kubelet; cd /var/lib/kubelet; mkdir -p pods/x; echo x > f; mount --bind /srv/media pods/x")
        .verify("mountpoint -q /var/lib/kubelet; umount /var/lib/kubelet; test -e /var/lib/kubelet/config.yaml; rm -rf /var/lib/kubelet/*")
        .options(json!({"own_paths": ["/var/lib/kubelet"]}));
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
    btrfs_with_subvolumes => Layout::clean("truncate -s 128M /etc/disk.img; mkfs.btrfs -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/containerd; cd /var/lib/containerd; btrfs -q subvolume create theirs; btrfs -q subvolume create theirs/in
        echo x > theirs/in/x; btrfs -q subvolume snapshot theirs again; mkdir d; btrfs -q subvolume create d/deep; echo x > d/deep/x").needs(BTRFS).verify("mountpoint -q /var/lib/containerd; test -z \"$(btrfs subvolume list /var/lib/containerd)\"")
        .options(json!({"own_paths": ["/var/lib/containerd"]}));
    btrfs_with_a_read_only_snapshot => Layout::failed("truncate -s 128M /etc/disk.img; mkfs.btrfs -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/containerd; cd /var/lib/containerd; btrfs -q subvolume create v; echo x > v/x; btrfs -q subvolume snapshot -r v frozen",
        "on a read-only file system", "/var/lib/containerd").needs(BTRFS)
        .options(json!({"own_paths": ["/var/lib/containerd"]}));
    own_partition_with_lost_and_found => Layout::partly("truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/kubelet; cd /var/lib/kubelet; mkdir -p pods/p1/volumes/m pods/lost+found; echo x > pods/p1/x; mount --bind /srv/media pods/p1/volumes/m", &["/var/lib/kubelet"])
        .needs(LOOP).verify("mountpoint -q /var/lib/kubelet; test \"$(ls -A /var/lib/kubelet)\" = lost+found")
        .options(json!({"own_paths": ["/var/lib/kubelet"]}));
    lost_and_found_of_no_partition => Layout::clean("mkdir /var/lib/kubelet/lost+found; echo x > /var/lib/kubelet/lost+found/x");
    stack_on_a_target => Layout::clean("mount -t tmpfs one /var/lib/kubelet; echo x > /var/lib/kubelet/one; mount -t tmpfs two /var/lib/kubelet; echo x > /var/lib/kubelet/two; mkdir /var/lib/kubelet/m; mount --bind /srv/media /var/lib/kubelet/m")
        .verify("umount /var/lib/kubelet; test -e /var/lib/kubelet/one; umount /var/lib/kubelet; test -e /var/lib/kubelet/config.yaml; rm -rf /var/lib/kubelet/*")
        .options(json!({"own_paths": ["/var/lib/kubelet"]}));
    target_mounted_in_itself => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir self; mount --rbind /var/lib/kubelet self; mount --bind /srv/media self/plugins");
    target_mounted_in_another => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir c r; mount --rbind /var/lib/containerd c; mkdir /var/lib/containerd/m; mount --bind /srv/media /var/lib/containerd/m; mount --rbind /var/lib r");
    peers_that_share_what_is_mounted => Layout::clean("mount --bind /srv /srv; mount --make-rshared /srv; mkdir -p /srv/other; mount --bind /srv/media /srv/other; cd /var/lib/kubelet/pods/p1/volumes; mkdir a; mount --rbind /srv a; mkdir /srv/media/d; mount -t tmpfs d /srv/media/d; echo x > /srv/media/d/x")
        .verify("test -e /srv/media/d/x; test -e /srv/other/d/x; findmnt /srv/other > /dev/null");
    slave_of_somebodys_mount => Layout::clean("mount --bind /srv/media /srv/media; mount --make-shared /srv/media; cd /var/lib/kubelet/pods/p1/volumes; mkdir a /srv/media/d; mount --bind /srv/media a; mount --make-slave a; mount -t tmpfs d /srv/media/d; echo x > /srv/media/d/x; findmnt a/d >/dev/null")
        .verify("test -e /srv/media/d/x");
    bind_whose_source_is_gone => Layout::clean("mkdir /home/user/gone /var/lib/kubelet/pods/p1/volumes/g; touch /home/user/gonefile /var/lib/kubelet/pods/p1/volumes/f; mount --bind /home/user/gone /var/lib/kubelet/pods/p1/volumes/g
        mount --bind /home/user/gonefile /var/lib/kubelet/pods/p1/volumes/f; rmdir /home/user/gone; rm /home/user/gonefile");
    kernel_file_systems_and_namespaces => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir p s d c m; mount -t proc proc p; mount --rbind /sys s; mount --rbind /dev d; mount -t mqueue mqueue m; touch n; mount --bind /proc/self/ns/mnt n || mount --bind /proc/self/ns/net n");
    read_only_tmpfs_below => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir a b; mount -t tmpfs a a; echo x > a/x; mount -o remount,ro a; mount -t squashfs none b 2>/dev/null || true");
    files_bound_over_files_of_the_kubelet => Layout::clean("cd /var/lib/kubelet; mount --bind /home/user/note1 config.yaml; mount --bind /srv/media/films/2 pki/kubelet.key; mount --bind /home/user/note2 /etc/kubernetes/kubelet.conf").verify("test ! -s /var/lib/kubelet/config.yaml; test ! -e /etc/kubernetes/kubelet.conf");
    // Read-only in the end: the kernel writes inode tables and superblock some seconds later, on a busy machine while this is judged.
    somebodys_disk_image_in_a_target => Layout::refused("truncate -s 16M /var/lib/kubelet/disk.img; mkfs.ext4 -q /var/lib/kubelet/disk.img; mkdir /home/user/disk; mount -o loop /var/lib/kubelet/disk.img /home/user/disk; echo precious > /home/user/disk/x; mount -o remount,ro /home/user/disk; sync", "/home/user/disk is made of /var/lib/kubelet/disk.img").needs(LOOP).verify("umount /home/user/disk; mount -o loop /var/lib/kubelet/disk.img /home/user/disk; grep -q precious /home/user/disk/x");
    somebodys_directory_in_a_target => Layout::refused("mkdir /var/lib/containerd/photos /home/user/photos; echo x > /var/lib/containerd/photos/x; mount --bind /var/lib/containerd/photos /home/user/photos", "/home/user/photos shows /var/lib/containerd/photos");
    busy_mount => Layout::failed("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /srv/media m; cd m; sleep 600 >/dev/null 2>&1 &", "busy, held by process", "/var/lib/kubelet")
        .verify("test -e /var/lib/kubelet/config.yaml");
    file_open_on_a_mount => Layout::failed("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /srv/media m; sleep 600 3<m/films/1 >/dev/null 2>&1 &", "(sleep, open file)", "/var/lib/kubelet");
}

#[test]
fn the_volume_directory_is_the_one_the_layouts_use() {
    assert!(POD.starts_with("/var/lib/kubelet/pods/"));
}
