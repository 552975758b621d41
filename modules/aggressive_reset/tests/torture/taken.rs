//! A mount that is a target: what people know under another name, disks of their own, links to data disks. A name decides
//! nothing, and what is not known to be Kubernetes' stays. What Kubernetes works in is `working.rs`.

use serde_json::json;

use super::layout::{Layout, layouts};

layouts! {
    taken_an_admins_pki_bound_over_kubernetes => Layout::refused("mkdir -p /home/admin/pki; for i in 1 2 3 4 5; do echo key > /home/admin/pki/vpn$i.key; done; echo x > /home/admin/pki/ca.key; mount --bind /home/admin/pki /etc/kubernetes/pki",
        "/etc/kubernetes/pki is another view of /home/admin/pki").only(json!({"level": "gentle"})).verify("test $(ls /home/admin/pki | wc -l) = 6");
    taken_a_picnic_at_the_cni_state => Layout::refused("mkdir -p /home/picnic/cni; for i in 1 2 3 4 5; do echo x > /home/picnic/$i.jpg; done; mount --bind /home/picnic /var/lib/cni", "/var/lib/cni is another view of /home/picnic").only(json!({}));
    taken_a_cache_of_everybodys_at_kubectls => Layout::partly("mkdir -p /var/cache/apt; echo x > /var/cache/apt/x; mount --bind /var/cache /root/.kube/cache", &[]).only(json!({})).verify("test -e /var/cache/apt/x");
    taken_manifests_of_a_git_repository => Layout::refused("mkdir -p /home/user/manifests; echo 'kind: Pod' > /home/user/manifests/mine.yaml; mount --bind /home/user/manifests /etc/kubernetes/manifests", "/etc/kubernetes/manifests is another view of /home/user/manifests").only(json!({"level": "gentle"}));
    taken_the_whole_of_etc_kubernetes_is_a_backup => Layout::refused("mkdir -p /home/backup/kubernetes/pki; echo x > /home/backup/kubernetes/pki/ca.key; mount --bind /home/backup/kubernetes /etc/kubernetes", "/etc/kubernetes/pki is another view of /home/backup/kubernetes").only(json!({"level": "gentle"}));
    taken_a_node_without_a_mark_in_its_backup => Layout::refused("mkdir -p /home/backup/kubelet; echo x > /home/backup/kubelet/config.yaml; mount --bind /home/backup/kubelet /var/lib/kubelet", "/var/lib/kubelet is another view of /home/backup/kubelet").only(json!({}));
    taken_a_disk_named_as_kubernetes_own_is_emptied => Layout::clean("mount -t tmpfs disk /var/lib/kubelet; cd /var/lib/kubelet; mkdir photos; echo x > config.yaml; echo jpg > photos/1")
        .only(json!({"unknown": "delete", "own_paths": ["/var/lib/kubelet"]})).verify("umount /var/lib/kubelet; rm -r /var/lib/kubelet/*");
    taken_a_directory_of_a_data_disk_named_as_kubernetes_own => Layout::partly("mkdir -p /home/data/kubelet/photos; echo x | tee /home/data/kubelet/{config.yaml,photos/1} > /dev/null; mount --bind /home/data/kubelet /var/lib/kubelet", &["/var/lib/kubelet"])
        .only(json!({"own_paths": ["/home/data/kubelet"]})).moved(&["/home/data/kubelet"]).verify("test -e /home/data/kubelet/photos/1 -a ! -e /home/data/kubelet/config.yaml");
    taken_a_link_to_a_data_disk_says_what_to_set => Layout::refused("mkdir -p /home/data; mv /var/lib/kubelet /home/data/kubelet; ln -s /home/data/kubelet /var/lib/kubelet", "set own_paths: [/home/data/kubelet]").only(json!({}));
    taken_a_link_to_a_data_disk_that_is_named => Layout::partly("mkdir -p /home/data; mv /var/lib/kubelet /home/data/kubelet; mkdir /home/data/kubelet/photos /home/data/films; echo x | tee /home/data/kubelet/photos/1 /home/data/films/1 > /dev/null; ln -s /home/data/kubelet /var/lib/kubelet", &["/var/lib/kubelet"])
        .only(json!({"own_paths": ["/home/data/kubelet"]})).moved(&["/home/data/kubelet"]).verify("test -e /home/data/kubelet/photos/1 -a ! -e /home/data/kubelet/config.yaml; test -L /var/lib/kubelet");
    taken_a_link_whose_end_is_another_than_named => Layout::refused("mkdir -p /home/data; mv /var/lib/kubelet /home/data/other; ln -s /home/data/other /var/lib/kubelet", "set own_paths: [/home/data/other]").only(json!({"own_paths": ["/home/data/kubelet"]}));
}
