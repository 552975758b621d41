//! Whose containerd and whose kubeconfig it is, and other distributions of Kubernetes at work.

use serde_json::json;

use super::layout::{Expect, Layout, layouts};

const CONTAINERD: &[&str] = &["/var/lib/containerd", "/run/containerd"];
/// A kubeconfig: `config SERVER CA NAME`, and this node's own cluster. CAs of the crate kubeadm's test data, where `root` puts
/// them.
macro_rules! kubeconfig {
    ($rest:expr) => {
        concat!(
            "ca=/usr/local/lib/under-test/ca.crt; other=/usr/local/lib/under-test/ca-ec.crt\n",
            r#"config() { printf 'apiVersion: v1\nkind: Config\ncurrent-context: %s\nclusters:\n- name: %s\n  cluster:\n    server: %s\n    certificate-authority-data: %s\ncontexts:\n- name: %s\n  context: {cluster: %s, user: %s}\nusers:\n- name: %s\n  user: {token: secret}\n' $3 $3 $1 "$(base64 -w0 $2)" $3 $3 $3 $3; }
            config https://10.0.0.1:6443 $ca here > /etc/kubernetes/kubelet.conf
            "#,
            $rest
        )
    };
}

fn kept(setup: &'static str) -> Layout {
    Layout::clean(setup).verify("cmp /root/.kube/config /srv/keep")
}

layouts! {
    a_database_that_cannot_be_read => Layout::partly("d=/var/lib/containerd/io.containerd.metadata.v1.bolt; mkdir $d; head -c 65536 /dev/urandom > $d/meta.db", CONTAINERD);
    an_empty_database_file => Layout::partly("d=/var/lib/containerd/io.containerd.metadata.v1.bolt; mkdir $d; : > $d/meta.db", CONTAINERD);
    a_database_that_is_a_pipe => Layout::partly("d=/var/lib/containerd/io.containerd.metadata.v1.bolt; mkdir $d; mkfifo $d/meta.db", CONTAINERD);
    a_database_that_is_a_directory => Layout::partly("mkdir -p /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", CONTAINERD);
    state_of_another_namespaces_container => Layout::partly("mkdir -p /run/containerd/io.containerd.runtime.v2.task/moby/c1", CONTAINERD);
    state_of_an_old_runtimes_container => Layout::partly("mkdir -p /run/containerd/io.containerd.runtime.v1.linux/moby/c1", CONTAINERD);
    a_shim_of_another_namespace => Layout::partly("printf '#include <unistd.h>\nint main() { sleep(600); }' > /tmp/s.c; cc -o /srv/containerd-shim-runc-v2 /tmp/s.c; /srv/containerd-shim-runc-v2 -namespace moby -address /run/containerd/containerd.sock >/dev/null 2>&1 & until pgrep -f -- '-namespace moby' >/dev/null; do :; done", CONTAINERD)
        .needs(&["root", "program:cc"]);
    a_shim_of_another_containerd => Layout::clean("printf '#include <unistd.h>\nint main() { sleep(600); }' > /tmp/s.c; cc -o /srv/containerd-shim-runc-v2 /tmp/s.c; /srv/containerd-shim-runc-v2 -namespace moby -address /run/docker/containerd/containerd.sock >/dev/null 2>&1 & until pgrep -f -- '-namespace moby' >/dev/null; do :; done")
        .needs(&["root", "program:cc"]);
    a_database_that_a_containerd_has_open => Layout::clean("d=/var/lib/containerd/io.containerd.metadata.v1.bolt; mkdir $d; python3 - <<'P'
import struct
M=0xED0CDAED; P=4096
def meta(i,t):
    m=struct.pack('<IIIIQQQQQ',M,2,P,0,2,0,9,4,t)
    h=0xcbf29ce484222325
    for b in m: h=((h^b)*0x100000001b3)&(2**64-1)
    return struct.pack('<QHHI',i,4,0,0)+m+struct.pack('<Q',h)
f=open('/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db','wb')
for i in (0,1): f.write(meta(i,i+1).ljust(P,b'\\0'))
f.write(struct.pack('<QHHI',2,2,0,0).ljust(P,b'\\0')); f.close()
P
        flock $d/meta.db sleep 600 >/dev/null 2>&1 & until ! flock -n $d/meta.db true; do :; done").expect(Expect::Either).verify("test -s /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db; test -e /var/lib/containerd/io.containerd.content.v1.content/blobs/1").needs(&["root", "program:python3"]);

    kubeconfig_of_this_cluster_alone => Layout::clean(kubeconfig!("cp /etc/kubernetes/kubelet.conf /root/.kube/config; cp /root/.kube/config /srv/keep"))
        .verify("cmp /var/backups/kubejoin/*Z/root/.kube/config /srv/keep; test \"$(ls -A /root/.kube | tr '\\n' ' ')\" = 'cache config '; grep -q 'kind: Config' /root/.kube/config; test -z \"$(grep secret /root/.kube/config)\"; test \"$(stat -c %a /root/.kube/config /var/backups/kubejoin/*Z/root/.kube/config | tr '\\n' ' ')\" = '600 600 '");
    kubeconfig_of_another_cluster_behind_the_same_address => kept(kubeconfig!("config https://10.0.0.1:6443 $other prod > /root/.kube/config; cp /root/.kube/config /srv/keep"));
    kubeconfig_of_another_address_with_the_same_ca => kept(kubeconfig!("config https://10.9.9.9:6443 $ca prod > /root/.kube/config; cp /root/.kube/config /srv/keep"));
    kubeconfig_of_two_clusters => Layout::clean(kubeconfig!("config https://10.0.0.1:6443 $ca here > /root/.kube/config; sed -i \"s|^contexts:|- name: prod\\n  cluster: {server: 'https://prod:6443', certificate-authority-data: $(base64 -w0 $other)}\\ncontexts:\\n- name: prod\\n  context: {cluster: prod, user: prod}|; s|^users:|users:\\n- name: prod\\n  user: {token: theirs}|\" /root/.kube/config"))
        .verify("grep -q 'https://prod:6443' /root/.kube/config; grep -q theirs /root/.kube/config; test -z \"$(grep -e 10.0.0.1 -e secret /root/.kube/config)\"");
    kubeconfig_with_a_tab => kept(kubeconfig!("sed 's/^  cluster:/\\tcluster:/' /etc/kubernetes/kubelet.conf > /root/.kube/config; cp /root/.kube/config /srv/keep"));
    kubeconfig_of_several_documents => kept(kubeconfig!("{ config https://10.0.0.1:6443 $ca here; echo ---; config https://prod:6443 $other prod; } > /root/.kube/config; cp /root/.kube/config /srv/keep"));
    kubeconfig_with_a_byte_order_mark => kept(kubeconfig!("{ printf '\\xef\\xbb\\xbf'; config https://prod:6443 $other prod; } > /root/.kube/config; cp /root/.kube/config /srv/keep"));
    kubeconfig_with_merge_keys => kept(kubeconfig!("{ config https://10.0.0.1:6443 $ca here; printf 'x: &x {a: 1}\\ny: {<<: *x}\\n'; } > /root/.kube/config; cp /root/.kube/config /srv/keep"));
    kubeconfig_in_utf_16 => kept(kubeconfig!("config https://prod:6443 $other prod | iconv -t UTF-16 > /root/.kube/config; cp /root/.kube/config /srv/keep")).needs(&["root", "program:iconv"]);
    kubeconfig_that_is_none => kept(kubeconfig!("echo 'remember the milk' > /root/.kube/config; cp /root/.kube/config /srv/keep"));
    kubectls_cache_of_another_cluster => Layout::clean(kubeconfig!("c=/root/.kube/cache; rm -r $c; mkdir -p $c/http $c/discovery/10.0.0.1_6443/v1 $c/discovery/prod_6443/v1; touch $c/discovery/10.0.0.1_6443/v1/x $c/discovery/prod_6443/v1/x $c/http/1f"))
        .verify("test -e /root/.kube/cache/discovery/prod_6443/v1/x; test -e /root/.kube/cache/http/1f; test ! -e /root/.kube/cache/discovery/10.0.0.1_6443/v1");
    kubectls_cache_of_this_cluster => Layout::clean(kubeconfig!("c=/root/.kube/cache; rm -r $c; mkdir -p $c/http $c/discovery/10.0.0.1_6443/v1; touch $c/http/1f"))
        .verify("test -z \"$(ls -A /root/.kube/cache)\"");

    k3s_at_work => distribution("/srv/k3s", "k3s is at work here (process ");
    k3s_containers_that_outlived_it => distribution("/var/lib/rancher/k3s/data/1f/bin/containerd-shim-runc-v2", "k3s is at work here");
    rke2_at_work => distribution("/var/lib/rancher/rke2/bin/kubelet", "rke2 is at work here");
    k0s_at_work => distribution("/var/lib/k0s/bin/kubelet", "k0s is at work here");
    microk8s_at_work => distribution("/var/snap/microk8s/common/kubelite", "microk8s is at work here");
    k3s_at_work_gentle => distribution("/srv/k3s", "to do that, set allow_other_kubernetes").options(json!({"level": "gentle"}));
    k3s_that_may_go => Layout::clean("cp /bin/sleep /srv/k3s; /srv/k3s 600 >/dev/null 2>&1 & until pgrep -x k3s; do :; done").options(json!({"allow_other_kubernetes": true}));
    k3s_that_was_uninstalled => Layout::clean("mkdir -p /var/lib/rancher/k3s/server; echo x > /var/lib/rancher/k3s/server/token").verify("test -e /var/lib/rancher/k3s/server/token");
}

/// A program of a distribution that runs.
fn distribution(program: &'static str, why: &'static str) -> Layout {
    let setup = format!(
        "mkdir -p $(dirname {program}); cp /bin/sleep {program}; {program} 600 >/dev/null 2>&1 & until pgrep -f '^{program}' >/dev/null; do :; done"
    );
    Layout { expect: Expect::Refused(why), ..Layout::clean(Box::leak(setup.into_boxed_str())) }
}
