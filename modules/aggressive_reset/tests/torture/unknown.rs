//! What nobody knows beside what Kubernetes made, by default: it stays, at both levels, and is named.

use serde_json::json;

use super::layout::{Layout, layouts};

layouts! {
    unknown_entries_beside_the_kubelets => Layout::partly("cd /var/lib/kubelet; mkdir seccomp backup pods/p1/volumes/v; echo x | tee notes.txt config.json seccomp/profile.json backup/config.yaml config.yaml.bak pki/vpn.key pods/p1/volumes/v/f > /dev/null", &["/var/lib/kubelet"])
        .only(json!({})).verify("cd /var/lib/kubelet; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './backup/config.yaml ./config.json ./config.yaml.bak ./notes.txt ./pki/vpn.key ./seccomp/profile.json '");
    unknown_entries_of_etc_kubernetes => Layout::clean("cd /etc/kubernetes; mkdir patches; echo x | tee encryption.yaml audit-policy.yaml patches/p.yaml pki/users.crt manifests/notes admin.conf > /dev/null; printf 'kind: Pod\\n' > manifests/nginx-proxy.yml")
        .only(json!({})).verify("cd /etc/kubernetes; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './audit-policy.yaml ./encryption.yaml ./manifests/notes ./patches/p.yaml ./pki/users.crt '; test -e /var/backups/kubejoin/*/etc/kubernetes/manifests/nginx-proxy.yml; test $(stat -c %a /var/backups/kubejoin) = 700");
    unknown_entries_of_etc_kubernetes_gently => Layout::partly("cd /etc/kubernetes; echo x | tee encryption.yaml pki/users.crt manifests/notes admin.conf > /dev/null", &["/var/lib/containerd", "/run/containerd"])
        .only(json!({"level": "gentle"})).verify("cd /etc/kubernetes; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './encryption.yaml ./manifests/notes ./pki/users.crt '");
    unknown_conflists_of_the_administrator => Layout::clean(r#"cd /etc/cni/net.d; echo '{"name":"lab","plugins":[{"type":"macvlan"}]}' > 20-lab.conflist; echo notes > README; cp 10-flannel.conf 10-flannel.conf.orig; echo '{"name":"cbr0","plugins":[{"type":"flannel"}]}' > mine.conflist"#)
        .only(json!({})).verify("test \"$(ls /etc/cni/net.d | tr '\\n' ' ')\" = '20-lab.conflist README '; test -e /var/backups/kubejoin/*/etc/cni/net.d/10-flannel.conf");
    unknown_leases_and_notes_of_cni => Layout::partly("cd /var/lib/cni; mkdir old; echo x | tee notes old/x > /dev/null", &["/var/lib/cni"]).only(json!({})).verify("cd /var/lib/cni; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './notes ./old/x '");
    unknown_disk_images_beside_containerds => Layout::partly("mkdir /var/lib/containerd/devmapper; echo x > /var/lib/containerd/devmapper/data", &["/var/lib/containerd"]).only(json!({})).verify("test -e /var/lib/containerd/devmapper/data; test ! -e /var/lib/containerd/io.containerd.content.v1.content");
    unknown_things_of_the_right_name => Layout::partly("cd /var/lib/kubelet; rm -r pods config.yaml; mkdir config.yaml /home/user/pods; echo x | tee config.yaml/mine /home/user/pods/mine > /dev/null; ln -s /home/user/pods pods", &["/var/lib/kubelet"]).only(json!({})).verify("test -e /var/lib/kubelet/config.yaml/mine; test -L /var/lib/kubelet/pods; test -e /home/user/pods/mine");
    unknown_disk_mounted_beside_the_kubelets_files => Layout::partly("mkdir /var/lib/kubelet/photos; mount -t tmpfs photos /var/lib/kubelet/photos; echo x > /var/lib/kubelet/photos/1", &["/var/lib/kubelet"]).only(json!({})).verify("findmnt /var/lib/kubelet/photos > /dev/null; test -e /var/lib/kubelet/photos/1; umount /var/lib/kubelet/photos");
    a_clean_node_leaves_nothing_by_default => Layout::clean("true").only(json!({})).verify("test -z \"$(find /etc/kubernetes /etc/cni/net.d -type f)\"");
}
