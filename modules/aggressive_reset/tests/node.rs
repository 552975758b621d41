//! On a node of the practice lab: real systemd, containerd, runc and CNI plugins, with living pods.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "test code")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cri::{Client, NewSandbox};
use host::deadline::Deadline;
use serde_json::{Value, json};
use testkit::{Node, require};

/// A joined worker with two pods, somebody's data and somebody's firewall.
const JOINED: &str = r#"
ctr -n k8s.io images import /root/image.tar >/dev/null; ctr -n k8s.io images tag localhost/pause:testkit registry.k8s.io/pause:3.6 >/dev/null
cat > /etc/cni/net.d/10-test.conflist <<X
{"cniVersion":"0.3.1","name":"cni0","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,
"ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.3.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
X
mkdir -p /srv/media; for i in 1 2 3; do echo film$i > /srv/media/$i; done
mkdir -p "/var/lib/kubelet/pods/p1/volumes/my media" /var/lib/kubelet/pods/p1/token /etc/kubernetes/pki /etc/kubernetes/manifests /root/.kube
mount --bind /srv/media "/var/lib/kubelet/pods/p1/volumes/my media"; mount -t tmpfs t /var/lib/kubelet/pods/p1/token
touch /var/lib/kubelet/config.yaml /etc/kubernetes/kubelet.conf /etc/kubernetes/pki/ca.crt /root/.kube/config
iptables -N mine; iptables -A mine -p tcp --dport 22 -m comment --comment 'KUBE-SERVICES is none of mine' -j ACCEPT; iptables -A INPUT -j mine
for t in filter nat mangle; do iptables -t $t -N KUBE-KUBELET-CANARY; done; iptables -t nat -N KUBE-SERVICES; iptables -t nat -A OUTPUT -j KUBE-SERVICES
ip link add vxlan7 type vxlan id 7 dstport 8472 dev lo 2>/dev/null || ip link add mine0 type bridge
ip link add flannel.1 type bridge 2>/dev/null; ip link del flannel.1
cp /bin/sleep /usr/bin/kubelet
mkdir -p /usr/lib/systemd/system/kubelet.service.d /etc/systemd/system/kubelet.service.d
printf '[Service]\nExecStart=/usr/bin/kubelet 100000\nRestart=always\n' > /usr/lib/systemd/system/kubelet.service
printf '[Service]\nEnvironment=X=--kubeconfig=/etc/kubernetes/kubelet.conf\n' > /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf
printf '[Service]\nEnvironment=X=old\n' > /etc/systemd/system/kubelet.service.d/10-kubeadm.conf
printf '[Service]\nEnvironment=HTTPS_PROXY=http://proxy\n' > /etc/systemd/system/kubelet.service.d/20-proxy.conf
systemctl daemon-reload; systemctl start kubelet
bash -c 'exec -a "tail -f kubelet.log containerd flannel" sleep 100001' >/dev/null 2>&1 &
for i in $(seq 50); do grep -q cni0 /dev/null; KUBEJOIN_PODS=a,b /usr/local/sbin/inside --ignored --exact make_pods >/tmp/pods 2>&1 && break; done; cat /tmp/pods
# containerd collects what the import left over when it likes; now, so that a snapshot does not see it later.
ctr -n k8s.io images tag localhost/pause:testkit last >/dev/null; ctr -n k8s.io images rm --sync last >/dev/null
ctr -n k8s.io containers ls -q | wc -l
"#;

/// Everything of the node that check mode could touch.
const SNAPSHOT: &str = r"findmnt -rn; ip -o -4 addr; ip -o link | cut -d: -f1,2; iptables-save | grep -v '^#' | sed 's/\[.*\]//'; ctr -n k8s.io c ls; ctr -n k8s.io i ls -q
ps axo pid,comm | grep -vE ' (ps|sh|grep|sed|find|sort|sha256sum|awk|xargs)$'
find /etc /srv /root /var/lib/kubelet /var/lib/cni /var/lib/containerd /run/containerd /run/kubejoin /var/lib/kubejoin -xdev ! -name '*.db' -printf '%p %y %m %s %T@ %l\n' 2>/dev/null | sort";

/// What must be the same after any reset.
const OTHERS: &str = r"iptables-save -t filter | grep -E 'mine'; ip -o link | grep -E ' (vxlan7|mine0)' | cut -d: -f2; cat /srv/media/*; pgrep -f '^tail -f kubelet.log'; cat /etc/systemd/system/kubelet.service.d/20-proxy.conf";

fn joined() -> (Node, String) {
    let node = Node::boot();
    let directory = tempfile::tempdir().unwrap();
    let archive = testkit::containerd::pause_archive(directory.path().to_str().unwrap());
    node.copy(&archive, "/root/image.tar");
    node.copy(std::env::current_exe().unwrap().to_str().unwrap(), "/usr/local/sbin/inside");
    let module = node.install(env!("CARGO_BIN_EXE_aggressive_reset"));
    let pods = node.sh(JOINED);
    assert!(pods.trim().ends_with('2'), "two pods: {pods}");
    (node, module)
}

/// Lines that are in one text only.
fn changes(before: &str, after: &str) -> Vec<String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    lines(before).symmetric_difference(&lines(after)).cloned().collect()
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_node_with_living_pods_is_clean_and_nobody_elses_things_are_touched() {
    if !require("node") {
        return;
    }
    let (node, module) = joined();
    let (before, others) = (node.sh(SNAPSHOT), node.sh(OTHERS));
    let checked = node.module(&module, json!({}), true);
    assert_eq!(changes(&before, &node.sh(SNAPSHOT)), Vec::<String>::new(), "check mode touches nothing");
    let started = Instant::now();
    let done = node.module(&module, json!({}), false);
    println!("reset took {:?}", started.elapsed());
    for field in ["steps", "diff", "pods", "links", "unmounted", "firewall", "drop_ins"] {
        assert_eq!(checked[field], done[field], "check mode says what is done: {field}");
    }
    assert_eq!(
        (done["failed"].clone(), done["changed"].as_bool(), done["problems"].clone()),
        (Value::Null, Some(true), json!([])),
        "{done}"
    );
    assert_eq!(others, node.sh(OTHERS));
    assert_eq!(strings(&done["pods"]), BTreeSet::from(["default/a".to_owned(), "default/b".to_owned()]));
    let left = node.sh(
        "ls -A /var/lib/kubelet /var/lib/cni /etc/cni/net.d /etc/kubernetes/manifests | grep -v :; ls /etc/kubernetes; findmnt -rn -o TARGET | grep -E 'pods|shm$|rootfs|netns/' | grep -v /dev/shm; \
         ip -o link | grep -E 'cni0|veth'; iptables-save | grep -E 'KUBE-[A-Z]|CNI-' | grep -v mine; pgrep -x kubelet; pgrep -x pause; pgrep -f '^[^ ]*containerd-shim'; systemctl is-active kubelet; \
         ctr -n k8s.io c ls -q; ctr -n k8s.io i ls -q; ls /etc/systemd/system/kubelet.service.d; ls /root/.kube; true",
    );
    assert_eq!(
        left.split_whitespace().collect::<Vec<_>>(),
        ["manifests", "inactive", "20-proxy.conf", "config"],
        "{left}"
    );
    assert_eq!(node.sh("systemctl is-active containerd").trim(), "active");
    assert_eq!(node.sh("stat -c %a /etc/cni/net.d").trim(), "700");
    let again = node.module(&module, json!({}), false);
    assert_eq!((again["changed"].as_bool(), again["steps"].clone()), (Some(false), json!([])), "{again}");
}

#[test]
fn gentle_removes_the_pods_and_leaves_containerd_running() {
    if !require("node") {
        return;
    }
    let (node, module) = joined();
    let others = node.sh(OTHERS);
    let containerd = "systemctl show -p MainPID containerd; ctr -n k8s.io i ls -q; cat /etc/cni/net.d/*; iptables-save -t nat | grep -c KUBE-SERVICES";
    let before = node.sh(containerd);
    let done = node.module(&module, json!({"level": "gentle"}), false);
    assert_eq!((done["failed"].clone(), done["problems"].clone()), (Value::Null, json!([])), "{done}");
    assert_eq!((before, others), (node.sh(containerd), node.sh(OTHERS)));
    let left = node.sh("ls -A /var/lib/kubelet; ls /etc/kubernetes; ctr -n k8s.io c ls -q; pgrep -x kubelet; pgrep -x pause; findmnt -rn -o TARGET | grep pods; true");
    assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["manifests", "pki"], "{left}");
    assert_eq!(node.module(&module, json!({"level": "gentle"}), false)["changed"], false);
}

#[test]
fn containers_of_others_in_the_same_containerd_survive() {
    if !require("node") {
        return;
    }
    let (node, module) = joined();
    node.sh("ctr -n moby images import /root/image.tar >/dev/null; ctr -n moby run --detach --null-io localhost/pause:testkit theirs");
    let theirs = "ctr -n moby tasks ls | grep theirs; ctr -n moby i ls -q; systemctl show -p MainPID containerd; cat /proc/$(ctr -n moby tasks ls | awk '/theirs/ {print $2}')/stat | cut -d' ' -f22";
    let before = node.sh(theirs);
    let done = node.module(&module, json!({}), false);
    assert_eq!((done["failed"].clone(), done["problems"].clone()), (Value::Null, json!([])), "{done}");
    assert_eq!(before, node.sh(theirs));
    assert_eq!(node.sh("ctr -n k8s.io c ls -q; ctr -n k8s.io i ls -q; ls -A /var/lib/kubelet").trim(), "");
    assert!(done["images"].as_array().unwrap().iter().any(|name| name == "localhost/pause:testkit"), "{done}");
    // What both had, moby still has: every byte of it.
    node.sh("ctr -n moby run --detach --null-io localhost/pause:testkit second; ctr -n moby images check -q | grep -q pause; ctr -n moby content ls -q | while read -r d; do ctr -n moby content get $d | sha256sum | grep -q ${d#sha256:}; done");
    let mut kept: BTreeSet<String> =
        ["/var/lib/containerd", "/run/containerd"].map(|path| format!("{path}: containerd is shared with moby")).into();
    kept.insert("/root/.kube/config: it is not a kubeconfig".to_owned());
    assert_eq!(strings(&done["kept"]), kept, "{done}");
    let again = node.module(&module, json!({}), false);
    assert_eq!(again["changed"], false, "{again}");
}

#[test]
fn a_containerd_that_speaks_no_cri_is_mended_and_the_rest_of_its_configuration_stays() {
    if !require("node") {
        return;
    }
    let node = Node::boot();
    let module = node.install(env!("CARGO_BIN_EXE_aggressive_reset"));
    let config = || node.sh("cat /etc/containerd/config.toml");
    node.sh("cd /etc/containerd; { echo '# mine'; echo 'disabled_plugins = [\"io.containerd.grpc.v1.cri\"]'; cat config.toml; } > c; mv c config.toml; systemctl restart containerd");
    let mine = config();
    let checked = node.module(&module, json!({}), true);
    assert_eq!(config(), mine, "check mode touches nothing");
    let kept = node.module(&module, json!({"scope": ["containerd"], "containerd_config": "keep"}), false);
    assert_eq!((config(), kept["failed"].clone()), (mine.clone(), json!(true)), "keep keeps it: {kept}");
    let done = node.module(&module, json!({}), false);
    assert_eq!((done["failed"].clone(), done["problems"].clone()), (Value::Null, json!([])), "{done}");
    let said = done["containerd_config"][0].as_str().unwrap().to_owned();
    assert!(said.contains("SystemdCgroup") && checked["containerd_config"] == done["containerd_config"], "{said}");
    let lost: Vec<String> = mine.lines().filter(|line| !config().contains(line)).map(str::to_owned).collect();
    assert_eq!(lost, ["disabled_plugins = [\"io.containerd.grpc.v1.cri\"]"], "{}", config());
    assert_eq!(node.module(&module, json!({}), false)["changed"], false);

    node.sh(
        "systemctl stop containerd; echo '[half' >> /etc/containerd/config.toml; systemctl start containerd || true",
    );
    let broken = config();
    let done = node.module(&module, json!({}), false);
    assert_eq!((done["failed"].clone(), done["problems"].clone()), (Value::Null, json!([])), "{done}");
    assert_eq!(node.sh("cat /etc/containerd/config.toml.rejected"), broken);
    assert_eq!(node.sh("systemctl is-active containerd").trim(), "active");
    assert_eq!(node.module(&module, json!({}), false)["changed"], false);
}

#[test]
fn killed_on_the_way_the_next_run_finishes_and_a_second_one_at_once_says_who_is_at_it() {
    if !require("node") {
        return;
    }
    let (node, module) = joined();
    let others = node.sh(OTHERS);
    for step in ["remove pods", "stop containerd", "delete /var/lib/containerd", "start containerd"] {
        // The journal is written before the work.
        node.sh(&format!(
            "echo '{{}}' | {module} - >/dev/null 2>&1 & p=$!; until grep -q 'intent\":\"{step}' /var/lib/kubejoin/reset.journal 2>/dev/null || ! kill -0 $p 2>/dev/null; do :; done; kill -9 $p 2>/dev/null; wait $p; true"
        ));
    }
    node.sh(&format!("echo '{{}}' > /tmp/o; flock /run/kubejoin/reset.lock sleep 3 & sleep 0.3; {module} - < /tmp/o > /tmp/second; true"));
    let second: Value = serde_json::from_str(&node.sh("cat /tmp/second")).unwrap();
    assert!(
        second["msg"]
            .as_str()
            .unwrap()
            .starts_with("locking /run/kubejoin/reset.lock: another reset is running on this node: process "),
        "{second}"
    );
    node.sh("while ! flock -n /run/kubejoin/reset.lock true; do :; done");
    let done = node.module(&module, json!({"level": "gentle"}), false);
    assert_eq!(
        (done["failed"].clone(), done["level"].as_str()),
        (Value::Null, Some("aggressive")),
        "what was begun is finished: {done}"
    );
    assert_eq!(others, node.sh(OTHERS));
    assert_eq!(
        node.sh(
            "systemctl is-active containerd; ls -A /var/lib/kubelet /etc/cni/net.d | grep -v :; ctr -n k8s.io c ls -q"
        )
        .trim(),
        "active"
    );
    assert_eq!(node.module(&module, json!({}), false)["changed"], false);
}

#[test]
#[ignore = "runs on a node"]
fn make_pods() {
    let Ok(names) = std::env::var("KUBEJOIN_PODS") else { return };
    let deadline = Deadline::after(Duration::from_secs(60));
    let mut client = Client::connect("unix:///run/containerd/containerd.sock", &deadline).unwrap();
    for name in names.split(',') {
        let pod = NewSandbox {
            name: name.to_owned(),
            namespace: "default".to_owned(),
            uid: format!("uid-{name}"),
            hostname: name.to_owned(),
            cgroup_parent: "/kubepods/besteffort".to_owned(),
            ..NewSandbox::default()
        };
        client.run_pod_sandbox(&pod).unwrap();
    }
}
