//! Layouts that are refused before anything is stopped.

use serde_json::json;

use super::layout::{Layout, layouts};

layouts! {
    target_is_a_link => Layout::refused("mv /var/lib/kubelet /home/user/kubelet; ln -s /home/user/kubelet /var/lib/kubelet", "/var/lib/kubelet leads elsewhere through a symbolic link");
    target_behind_a_link => Layout::refused("mv /var/lib /home/user/lib; ln -s /home/user/lib /var/lib", "leads elsewhere through a symbolic link");
    target_is_home_by_bind => Layout::refused("mount --bind /home /var/lib/kubelet", "/var/lib/kubelet is another view of /home");
    target_is_the_root_by_bind => Layout::refused("mount --bind / /var/lib/containerd", "/var/lib/containerd is another view of /");
    target_is_etc_by_bind => Layout::refused("mount --bind /etc /var/lib/cni", "/var/lib/cni is another view of /etc");
    target_is_somebodys_photos_by_bind => Layout::refused("mkdir /home/user/photos; echo x > /home/user/photos/x; mount --bind /home/user/photos /run/flannel", "is another view of /home/user/photos");
    preserved_path_in_a_target => Layout::refused("mkdir -p /var/lib/kubelet/media; echo x > /var/lib/kubelet/media/x", "preserved path /var/lib/kubelet/media lies in /var/lib/kubelet")
        .options(json!({"preserve": ["/var/lib/kubelet/media"]}));
    preserved_path_around_a_target => Layout::refused("true", "preserved path /var/lib contains /var/lib/kubelet").options(json!({"preserve": ["/var/lib"]}));
    preserved_path_is_the_root => Layout::refused("true", "preserved path / contains").options(json!({"preserve": ["/"]}));
    preserved_path_is_a_link_into_a_target => Layout::refused("rm -r /srv/media; mkdir /var/lib/kubelet/media; ln -s /var/lib/kubelet/media /srv/media", "preserved path /srv/media (which is /var/lib/kubelet/media) lies in");
    preserved_path_is_a_dangling_link_into_a_target => Layout::refused("rm -r /srv/media; ln -s ../var/lib/kubelet/later /srv/media", "(which is /var/lib/kubelet/later) lies in");
    preserved_path_is_a_bind_of_a_target => Layout::refused("mkdir /var/lib/kubelet/media; mount --bind /var/lib/kubelet/media /srv/media; echo x > /srv/media/x", "is another view of /var/lib/kubelet");
    preserved_path_has_a_bind_of_a_target_in_it => Layout::refused("mkdir /var/lib/containerd/m /srv/media/m; mount --bind /var/lib/containerd/m /srv/media/m; echo x > /srv/media/m/x", "has a mount at /srv/media/m that shows /var/lib/containerd");
    target_lies_on_a_preserved_path => Layout::refused("mkdir /srv/media/containerd; mount --bind /srv/media/containerd /var/lib/containerd; echo x > /var/lib/containerd/x", "preserved path /srv/media is another view of /var/lib/containerd");
    preserved_path_is_a_disk_image_in_a_target => Layout::refused("truncate -s 16M /var/lib/kubelet/disk.img; mkfs.ext4 -q -d /home /var/lib/kubelet/disk.img; mount -o loop,ro,noload /var/lib/kubelet/disk.img /srv/media",
        "preserved path /srv/media is made of /var/lib/kubelet/disk.img in /var/lib/kubelet").needs(&["root", "file:/dev/loop-control", "program:mkfs.ext4"]);
    preserved_path_is_an_overlay_over_a_target => Layout::refused("mkdir /var/lib/containerd/lower; echo x > /var/lib/containerd/lower/x; mkdir /home/user/{u,w}; mount -t tmpfs t /mnt/media; mkdir /mnt/media/{u,w}
        mount -t overlay o -o lowerdir=/var/lib/containerd/lower,upperdir=/mnt/media/u,workdir=/mnt/media/w /srv/media", "is made of /var/lib/containerd/lower in");
    etcd_data => Layout::refused("mkdir -p /var/lib/etcd/member/snap; echo x > /var/lib/etcd/member/snap/db", "this node runs a control plane: etcd data (/var/lib/etcd/member)");
    static_pods_of_a_control_plane => Layout::refused("echo 'kind: Pod' > /etc/kubernetes/manifests/kube-apiserver.yaml", "static pod kube-apiserver");
    several_reasons_at_once => Layout::refused("mkdir -p /var/lib/etcd/member; mount --bind /home /var/lib/cni", "set own_paths: [/var/lib/cni]; this node runs a control plane");
}
