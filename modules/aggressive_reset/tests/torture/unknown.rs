//! What nobody knows beside what Kubernetes made, by default: it stays, at both levels, and is named.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::layout::{Expect, Layout, layouts};

layouts! {
    unknown_entries_beside_the_kubelets => Layout::partly("cd /var/lib/kubelet; mkdir seccomp backup pods/p1/volumes/v; echo x | tee notes.txt config.json seccomp/profile.json backup/config.yaml config.yaml.bak pki/vpn.key pods/p1/volumes/v/f > /dev/null", &["/var/lib/kubelet"])
        .only(json!({})).verify("cd /var/lib/kubelet; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './backup/config.yaml ./config.json ./config.yaml.bak ./notes.txt ./pki/vpn.key ./seccomp/profile.json '")
        .says(&["/var/lib/kubelet/notes.txt: 2 B, 0 minutes old, not known to be Kubernetes' (unknown: delete deletes it)", "/var/lib/kubelet/backup: a directory of ", "/var/lib/kubelet/pki/vpn.key"]);
    unknown_entries_of_etc_kubernetes => Layout::clean("cd /etc/kubernetes; mkdir patches; echo x | tee encryption.yaml audit-policy.yaml patches/p.yaml pki/users.crt manifests/notes admin.conf > /dev/null; printf 'kind: Pod\\n' > manifests/nginx-proxy.yml")
        .only(json!({})).verify("cd /etc/kubernetes; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './audit-policy.yaml ./encryption.yaml ./manifests/notes ./patches/p.yaml ./pki/users.crt '; test -e /var/backups/kubejoin/*/etc/kubernetes/manifests/nginx-proxy.yml; test $(stat -c %a /var/backups/kubejoin) = 700").says(&["\"backup\":\"/var/backups/kubejoin/2", "/etc/kubernetes/encryption.yaml: "]);
    unknown_entries_of_etc_kubernetes_gently => Layout::partly("cd /etc/kubernetes; echo x | tee encryption.yaml pki/users.crt manifests/notes admin.conf > /dev/null", &["/var/lib/containerd", "/run/containerd"])
        .only(json!({"level": "gentle"})).verify("cd /etc/kubernetes; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './encryption.yaml ./manifests/notes ./pki/users.crt '");
    unknown_conflists_of_the_administrator => Layout::clean(r#"cd /etc/cni/net.d; echo '{"name":"lab","plugins":[{"type":"macvlan"}]}' > 20-lab.conflist; echo notes > README; cp 10-flannel.conf 10-flannel.conf.orig; echo '{"name":"cbr0","plugins":[{"type":"flannel"}]}' > mine.conflist"#)
        .only(json!({})).verify("test \"$(ls /etc/cni/net.d | tr '\\n' ' ')\" = '10-flannel.conf.orig 20-lab.conflist README '; test -e /var/backups/kubejoin/*/etc/cni/net.d/10-flannel.conf");
    unknown_leases_and_notes_of_cni => Layout::partly("cd /var/lib/cni; mkdir old; echo x | tee notes old/x > /dev/null", &["/var/lib/cni"]).only(json!({})).verify("cd /var/lib/cni; test \"$(find . -type f | sort | tr '\\n' ' ')\" = './notes ./old/x '");
    unknown_disk_images_beside_containerds => Layout::partly("mkdir /var/lib/containerd/devmapper; echo x > /var/lib/containerd/devmapper/data", &["/var/lib/containerd"]).only(json!({})).verify("test -e /var/lib/containerd/devmapper/data; test ! -e /var/lib/containerd/io.containerd.content.v1.content");
    unknown_things_of_the_right_name => Layout::partly("cd /var/lib/kubelet; rm -r pods config.yaml; mkdir config.yaml /home/user/pods; echo x | tee config.yaml/mine /home/user/pods/mine > /dev/null; ln -s /home/user/pods pods", &["/var/lib/kubelet"]).only(json!({})).verify("test -e /var/lib/kubelet/config.yaml/mine; test -L /var/lib/kubelet/pods; test -e /home/user/pods/mine");
    unknown_disk_mounted_beside_the_kubelets_files => Layout::partly("mkdir /var/lib/kubelet/photos; mount -t tmpfs photos /var/lib/kubelet/photos; echo x > /var/lib/kubelet/photos/1", &["/var/lib/kubelet"]).only(json!({})).verify("findmnt /var/lib/kubelet/photos > /dev/null; test -e /var/lib/kubelet/photos/1; umount /var/lib/kubelet/photos");
    a_clean_node_leaves_nothing_by_default => Layout::clean("true").only(json!({})).verify("test -z \"$(find /etc/kubernetes /etc/cni/net.d -type f)\"");
    told_a_preserved_path_that_is_not_there => Layout::clean("true").only(json!({"preserve": ["/srv/media", "/srv/medai"]})).says(&["preserved path /srv/medai does not exist, so nothing there is compared"]);
    told_a_preserved_path_that_is_a_pattern => Layout::clean("true").only(json!({"preserve": ["/srv/med*"]})).says(&["preserved path /srv/med* does not exist", "it is taken as it is written, not as a pattern"]);
    told_a_recorder_that_writes_while_the_reset_runs => Layout { during: Some(record), races: true, expect: Expect::Clean, ..Layout::clean("mkdir -p /srv/other/media; mkdir -p /var/lib/kubelet/pods/t/{1..40}/{1..40}") }.only(json!({"preserve": ["/srv/other/media"]})).moved(&["/srv/other/media"]);
    told_where_a_bind_mount_comes_from => Layout::clean("mkdir /var/lib/kubelet/pods/v; mount --bind /home/user /var/lib/kubelet/pods/v").only(json!({})).says(&["bind of "]);
    told_who_holds_what_was_detached => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /home/user m; cd m; sleep 600 >/dev/null 2>&1 &").only(json!({})).says(&["(sleep, working directory)", "it sees that file system until it ends"]);
}

fn record(stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let _ = std::fs::write(format!("/srv/other/media/{}.ts", number % 50), vec![0; number % 1000]);
        let _ = std::fs::write("/srv/other/media/now.ts", vec![0; number % 1000]);
    }
}
