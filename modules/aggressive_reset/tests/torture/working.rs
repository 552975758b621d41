//! Something else mounted at a target that looks like Kubernetes' own. What lies in it proves nothing, because a backup of a
//! node has the same: proved is what the kubelet, a pod, containerd or etcd of this machine works in.

use serde_json::json;

use super::layout::{Layout, layouts};

const LOOP: &[&str] = &["root", "file:/dev/loop-control", "program:mkfs.ext4"];
const BTRFS: &[&str] = &["root", "file:/dev/loop-control", "fs:btrfs", "program:mkfs.btrfs", "program:python3"];
const FUSE: &[&str] = &["root", "fs:fuse", "file:/dev/fuse", "program:fuse-overlayfs"];
const PYTHON: &[&str] = &["root", "program:python3"];
const KUBELET: &[&str] = &["/var/lib/kubelet"];

/// `backup DIRECTORY`: a node of 2024, in every detail. `kubelet`: a process of that name which watches its plugins, as the
/// kubelet does. `pod DIRECTORY`: a pod's process, in a mount namespace of its own, that sees one of its directories.
macro_rules! node {
    ($rest:expr) => {
        concat!(
            "backup() { mkdir -p $1/{pki,pods/1f2e/volumes,plugins,plugins_registry,device-plugins,pod-resources}; echo key | tee $1/{config.yaml,kubeadm-flags.env,cpu_manager_state,pki/kubelet-client-current.pem,pods/1f2e/etc-hosts,film} > /dev/null; }\n",
            "kubelet() { mkdir -p /var/lib/kubelet/plugins_registry; cp $(readlink -f $(type -P python3)) /srv/kubelet; /srv/kubelet -c 'import ctypes, time; c = ctypes.CDLL(None); c.inotify_add_watch(c.inotify_init(), b\"/var/lib/kubelet/plugins_registry\", 256); open(\"/run/kubejoin/ready\", \"w\"); time.sleep(600)' > /dev/null 2>&1 & until [ -e /run/kubejoin/ready ]; do :; done; }\n",
            "pod() { cp /bin/bash /srv/containerd-shim-runc-v2; /srv/containerd-shim-runc-v2 -c \"unshare --mount --propagation private sh -c 'mount --bind $1 /mnt; echo x > /run/kubejoin/ready; sleep 600'; true\" shim -namespace k8s.io -address /run/containerd/containerd.sock > /dev/null 2>&1 & until [ -e /run/kubejoin/ready ]; do :; done; }\n",
            "whole() { test $(find $1 -type f | wc -l) = 6; test $(cat $1/film) = key; test $(cat $1/pods/1f2e/etc-hosts) = key; }\n",
            $rest
        )
    };
}

/// Everything of what is mounted there stays, and is named with the option.
fn kept(setup: &'static str, verify: &'static str) -> Layout {
    let said = &["Kubernetes of this node does not work in", "set own_paths: [/var/lib/kubelet]"];
    Layout::partly(setup, KUBELET).only(json!({})).verify(verify).says(said)
}

layouts! {
    backup_bound_from_a_sibling_directory => Layout::refused(node!("backup /home/backup/kubelet-2024; mount --bind /home/backup/kubelet-2024 /var/lib/kubelet"), "/var/lib/kubelet is another view of /home/backup/kubelet-2024, which is not Kubernetes' as far as can be proved; if it is, set own_paths: [/var/lib/kubelet]")
        .only(json!({})).verify(node!("whole /home/backup/kubelet-2024"));
    backup_bound_from_a_sibling_directory_gently => Layout::refused(node!("backup /home/backup/kubelet-2024; mount --bind /home/backup/kubelet-2024 /var/lib/kubelet"), "is another view of /home/backup/kubelet-2024")
        .only(json!({"level": "gentle", "unknown": "delete"})).verify(node!("whole /home/backup/kubelet-2024"));
    backup_on_a_disk_of_its_own => kept(node!("truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/kubelet; backup /var/lib/kubelet"), node!("whole /var/lib/kubelet")).needs(LOOP);
    backup_on_a_disk_of_its_own_even_when_unknown_is_deleted => kept(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet"), node!("whole /var/lib/kubelet")).only(json!({"unknown": "delete"}));
    backup_in_a_file_system_of_memory => kept(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet"), node!("whole /var/lib/kubelet"));
    backup_behind_a_server => kept(node!("backup /home/backup/export; mkdir /home/backup/{u,w}; fuse-overlayfs -o lowerdir=/home/backup/export,upperdir=/home/backup/u,workdir=/home/backup/w /var/lib/kubelet; findmnt /var/lib/kubelet > /dev/null"), node!("whole /var/lib/kubelet; whole /home/backup/export")).needs(FUSE);
    backup_in_a_subvolume_that_has_no_other_name => kept(node!("mkdir /home/pool; mount -t tmpfs pool /home/pool; backup /home/pool/@kubelet; mount --bind /home/pool/@kubelet /var/lib/kubelet; umount -l /home/pool"), node!("whole /var/lib/kubelet"));
    backup_in_a_snapshot_of_what_the_kubelet_works_in => kept(node!("truncate -s 128M /etc/disk.img; mkfs.btrfs -q /etc/disk.img 2> /dev/null; mkdir /home/pool; mount -o loop /etc/disk.img /home/pool; btrfs -q subvolume create /home/pool/@kubelet; backup /home/pool/@kubelet; btrfs -q subvolume snapshot /home/pool/@kubelet /home/pool/@2024; mount --bind /home/pool/@kubelet /var/lib/kubelet; kubelet; mount --bind /home/pool/@2024 /var/lib/kubelet; umount -l /home/pool; sync"), node!("whole /var/lib/kubelet")).needs(BTRFS);
    backup_mounted_over_what_the_kubelet_works_in => kept(node!("kubelet; mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet"), node!("whole /var/lib/kubelet; umount /var/lib/kubelet; rm -r /var/lib/kubelet/*")).needs(PYTHON);
    backup_while_a_pod_sees_the_whole_machine => kept(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet; cp /bin/bash /srv/containerd-shim-runc-v2; /srv/containerd-shim-runc-v2 -c \"unshare --mount --propagation private sh -c 'mount --rbind / /mnt; echo x > /run/kubejoin/ready; sleep 600'; true\" shim -namespace k8s.io > /dev/null 2>&1 & until [ -e /run/kubejoin/ready ]; do :; done"), node!("whole /var/lib/kubelet"));
    backup_that_a_link_leads_to => Layout::refused(node!("backup /home/backup/kubelet-2024; rm -r /var/lib/kubelet; ln -s /home/backup/kubelet-2024 /var/lib/kubelet"), "set own_paths: [/home/backup/kubelet-2024]").only(json!({})).verify(node!("whole /home/backup/kubelet-2024"));
    backup_of_containerd_on_a_disk_of_its_own => Layout::partly("mount -t tmpfs disk /var/lib/containerd; mkdir -p /var/lib/containerd/io.containerd.{metadata.v1.bolt,content.v1.content}; echo x > /var/lib/containerd/io.containerd.content.v1.content/blob", &["/var/lib/containerd"])
        .only(json!({})).says(&["set own_paths: [/var/lib/containerd]"]).verify("test -e /var/lib/containerd/io.containerd.content.v1.content/blob");
    backup_of_etcd_on_a_disk_of_its_own => Layout::clean("mount -t tmpfs disk /var/lib/etcd; mkdir -p /var/lib/etcd/member/snap; echo x > /var/lib/etcd/member/snap/db")
        .only(json!({"allow_control_plane": true})).says(&["set own_paths: [/var/lib/etcd]"]).verify("test $(cat /var/lib/etcd/member/snap/db) = x");
    backup_of_kubernetes_configuration_on_a_disk_of_its_own => Layout::clean("mount -t tmpfs disk /etc/kubernetes; mkdir -p /etc/kubernetes/{pki,manifests}; echo x | tee /etc/kubernetes/{kubelet.conf,pki/ca.key,notes} > /dev/null")
        .only(json!({})).says(&["set own_paths: [/etc/kubernetes]"]).verify("test $(cat /etc/kubernetes/{kubelet.conf,pki/ca.key,notes} | wc -l) = 3");
    working_kubelet_on_a_data_disk_with_photos => Layout::partly(node!("truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/kubelet; backup /var/lib/kubelet; mkdir /var/lib/kubelet/photos; echo jpg | tee /var/lib/kubelet/photos/{1,2,3,4,5} > /dev/null; kubelet"), KUBELET)
        .only(json!({})).needs(LOOP).verify("cd /var/lib/kubelet; test $(cat photos/* | wc -l) = 5; test -e film; test ! -e config.yaml -a ! -e pods");
    working_kubelet_in_a_directory_with_another_name => Layout::partly(node!("backup /home/data/kubelet; mount --bind /home/data/kubelet /var/lib/kubelet; kubelet"), KUBELET)
        .only(json!({})).needs(PYTHON).moved(&["/home/data/kubelet"]).verify("cd /var/lib/kubelet; test -e film; test ! -e config.yaml -a ! -e pods");
    working_kubelet_deletes_nothing_unknown_of_a_disk_when_it_is_asked => Layout::partly(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet; kubelet"), KUBELET)
        .only(json!({"unknown": "delete"})).needs(PYTHON).verify("cd /var/lib/kubelet; test -e film; test ! -e config.yaml -a ! -e pods");
    working_pod_proves_the_disk => Layout::partly(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet; pod /var/lib/kubelet/pods/1f2e/volumes"), KUBELET)
        .only(json!({})).verify("cd /var/lib/kubelet; test -e film; test ! -e config.yaml -a ! -e pods");
    working_volume_proves_the_disk => Layout::partly(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet; mount -t tmpfs token /var/lib/kubelet/pods/1f2e/volumes"), KUBELET)
        .only(json!({})).verify("cd /var/lib/kubelet; test -e film; test ! -e config.yaml -a ! -e pods");
    working_kubelet_before_an_interrupted_run => Layout::partly(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet
        printf '{\"begun\":{\"at\":1,\"level\":\"aggressive\",\"parts\":[\"kubelet\"],\"preserved\":[],\"bound\":[],\"pod_networks\":[],\"proved\":{\"/var/lib/kubelet\":[%s]}}}\\n' $(stat -c %d,%i /var/lib/kubelet) > /var/lib/kubejoin/reset.journal"), KUBELET)
        .only(json!({})).verify("cd /var/lib/kubelet; test -e film; test ! -e config.yaml -a ! -e pods");
    working_kubelet_before_an_interrupted_run_of_another_disk => kept(node!("mount -t tmpfs disk /var/lib/kubelet; backup /var/lib/kubelet
        printf '{\"begun\":{\"at\":1,\"level\":\"aggressive\",\"parts\":[\"kubelet\"],\"preserved\":[],\"bound\":[],\"pod_networks\":[],\"proved\":{\"/var/lib/kubelet\":[%s]}}}\\n' $(stat -c %d,%i /var/lib) > /var/lib/kubejoin/reset.journal"), node!("whole /var/lib/kubelet"));
}
