//! The built binary on a booted node: faults made for real are found by name, and go when they are taken back.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::time::Instant;
use testkit::{Node, require};

const CONF: &str = "/etc/cni/net.d/10-flannel.conflist";
const FLANNEL: &str = r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel","delegate":{"hairpinMode":true}},{"type":"portmap"}]}"#;
const PLACEHOLDER: &str = r#"{"name":"cni0","cniVersion":"0.3.1","plugins":[{"type":"bridge","bridge":"cni0",
    "isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.244.0.0/16"}}]}"#;
const UNIT: &str = "[Service]\nExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf\n[Install]\nWantedBy=multi-user.target\n";
const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
    clusters:\n- name: k\n  cluster:\n    server: https://127.0.0.1:6443\n\
    contexts:\n- name: c\n  context: {cluster: k, user: u}\nusers: []\n";
const SUBNET_ENV: &str = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\nFLANNEL_MTU=1450\n";
/// What a machine's kernel and firewall give every container alike: no fault of the tests' making.
const AMBIENT: [&str; 6] = [
    "br_netfilter_missing",
    "forwarding_off",
    "filesystem_low",
    "forward_dropped",
    "iptables_backends_mixed",
    "runtime_too_old_soon",
];

struct Patient {
    node: Node,
    module: String,
}

impl Patient {
    /// A node that looks joined: a kubelet that runs with --kubeconfig and has no health port, flannel's traces, a bridge.
    fn joined() -> Self {
        let node = Node::boot();
        let module = node.install(env!("CARGO_BIN_EXE_node_diagnose"));
        node.write("/usr/bin/kubelet", "#!/bin/sh\nwhile :; do sleep 1000; done\n");
        node.write("/etc/systemd/system/kubelet.service", UNIT);
        node.write("/var/lib/kubelet/config.yaml", "cgroupDriver: cgroupfs\nhealthzPort: 0\nfailSwapOn: false\n");
        node.write("/etc/kubernetes/kubelet.conf", KUBECONFIG);
        node.write("/run/flannel/subnet.env", SUBNET_ENV);
        node.write(CONF, FLANNEL);
        node.sh("chmod 755 /usr/bin/kubelet && chmod 600 /etc/kubernetes/kubelet.conf");
        // An API server that can be reached; there is no kubectl to ask it with.
        node.sh("systemd-run --quiet socat TCP-LISTEN:6443,fork,reuseaddr /dev/null");
        node.sh("cp /usr/lib/cni/bridge /usr/lib/cni/flannel");
        node.sh("systemctl daemon-reload && systemctl enable --now kubelet && systemctl restart containerd");
        node.sh("ip link add cni0 type bridge && ip addr add 10.244.2.1/24 dev cni0 && ip link set cni0 up");
        Patient { node, module }
    }

    fn diagnose(&self) -> Value {
        self.node.module(&self.module, json!({}), true)
    }
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().filter_map(|f| f["code"].as_str()).collect()
}

/// A fault: its name, how it is made, how it is taken back.
const FAULTS: [(&str, &str, &str); 29] = [
    ("containerd_stopped", "systemctl stop containerd", "systemctl start containerd"),
    (
        "containerd_masked",
        "systemctl stop containerd; systemctl mask --runtime containerd",
        "systemctl unmask --runtime containerd; systemctl start containerd",
    ),
    ("containerd_hung", "kill -STOP $(pidof containerd)", "kill -CONT $(pidof containerd)"),
    (
        "cri_disabled",
        "echo 'disabled_plugins = [\"cri\"]' > /etc/containerd/config.toml; systemctl restart containerd",
        "cp /root/c /etc/containerd/config.toml; systemctl restart containerd",
    ),
    (
        "containerd_config_invalid",
        "echo 'x = = 1' >> /etc/containerd/config.toml; systemctl restart containerd",
        "cp /root/c /etc/containerd/config.toml; systemctl reset-failed containerd; systemctl restart containerd",
    ),
    (
        "cri_not_loaded",
        "printf 'version = 2\\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\\ndefault_runtime_name = \"nope\"\\n' \
         > /etc/containerd/config.toml; systemctl restart containerd",
        "cp /root/c /etc/containerd/config.toml; systemctl restart containerd",
    ),
    (
        "cgroup_driver_mismatch",
        "sed -i s/cgroupfs/systemd/ /var/lib/kubelet/config.yaml",
        "sed -i s/systemd/cgroupfs/ /var/lib/kubelet/config.yaml",
    ),
    ("cni_config_missing", "rm /etc/cni/net.d/*; sleep 1", "cp /root/f /etc/cni/net.d/10-flannel.conflist; sleep 1"),
    (
        "cni_config_invalid",
        "echo '{' > /etc/cni/net.d/00-a.conflist; sleep 1",
        "rm /etc/cni/net.d/00-a.conflist; systemctl restart containerd",
    ),
    (
        "cni_loopback_only",
        "echo '{\"name\":\"lo\",\"plugins\":[{\"type\":\"loopback\"}]}' > /etc/cni/net.d/00-lo.conflist; sleep 1",
        "rm /etc/cni/net.d/00-lo.conflist; systemctl restart containerd",
    ),
    (
        "cni_placeholder_shadows",
        "cp /root/p /etc/cni/net.d/00-placeholder.conflist",
        "rm /etc/cni/net.d/00-placeholder.conflist; systemctl restart containerd",
    ),
    ("cni_plugins_missing", "mv /usr/lib/cni/flannel /root/", "mv /root/flannel /usr/lib/cni/"),
    (
        "cni_not_loaded",
        "rm /etc/cni/net.d/*; systemctl restart containerd; cp /root/f /run/f; cp /root/f /etc/other; \
         mv /etc/other /etc/cni/net.d/10-flannel.conflist; sleep 1",
        "systemctl restart containerd",
    ),
    (
        "kubelet_masked",
        "systemctl stop kubelet; mv /etc/systemd/system/kubelet.service /root/; systemctl mask kubelet",
        "systemctl unmask kubelet; mv /root/kubelet.service /etc/systemd/system/; systemctl daemon-reload; \
         systemctl enable --now kubelet",
    ),
    (
        "kubelet_standalone",
        "sed -i 's/ --kubeconfig.*//' /etc/systemd/system/kubelet.service; systemctl daemon-reload; systemctl restart kubelet",
        "sed -i 's|kubelet$|kubelet --kubeconfig=/etc/kubernetes/kubelet.conf|' /etc/systemd/system/kubelet.service; \
         systemctl daemon-reload; systemctl restart kubelet",
    ),
    ("kubelet_stopped", "systemctl stop kubelet", "systemctl start kubelet"),
    (
        "kubelet_failing",
        "sed -i 's|^ExecStart.*|ExecStart=/bin/false --kubeconfig=x\\nRestart=always|' /etc/systemd/system/kubelet.service; \
         systemctl daemon-reload; systemctl restart kubelet; sleep 2",
        "sed -i 's|^ExecStart.*|ExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf|; /^Restart/d' \
         /etc/systemd/system/kubelet.service; systemctl daemon-reload; systemctl reset-failed kubelet; systemctl restart kubelet",
    ),
    ("flannel_not_running", "mv /run/flannel/subnet.env /root/", "mv /root/subnet.env /run/flannel/"),
    (
        "bridge_address_wrong",
        "ip addr flush dev cni0; ip addr add 10.244.0.1/16 dev cni0",
        "ip addr flush dev cni0; ip addr add 10.244.2.1/24 dev cni0",
    ),
    ("bridge_down", "ip link set cni0 down", "ip link set cni0 up"),
    (
        "bridge_is_no_bridge",
        "ip link del cni0; ip link add cni0 type veth peer name v1",
        "ip link del cni0; ip link add cni0 type bridge; ip addr add 10.244.2.1/24 dev cni0; ip link set cni0 up",
    ),
    (
        "api_unreachable",
        "iptables -I OUTPUT -o lo -p tcp --dport 6443 -j DROP",
        "iptables -D OUTPUT -o lo -p tcp --dport 6443 -j DROP",
    ),
    (
        "mtu_mismatch",
        "ip link add v0 type veth peer name v1; ip link set v0 master cni0; ip link set v0 up",
        "ip link del v0",
    ),
    (
        "leases_stale",
        "mkdir -p /var/lib/cni/networks/cbr0; printf 'gone\\neth0' > /var/lib/cni/networks/cbr0/10.244.2.9",
        "rm -r /var/lib/cni/networks",
    ),
    ("permissions_wrong", "chmod 666 /etc/kubernetes/kubelet.conf", "chmod 600 /etc/kubernetes/kubelet.conf"),
    (
        "filesystem_full",
        "mount -t tmpfs -o size=1m tmpfs /var/log; dd if=/dev/zero of=/var/log/x 2>/dev/null",
        "umount -l /var/log",
    ),
    (
        "inodes_exhausted",
        "mount -t tmpfs -o nr_inodes=3 tmpfs /var/log; touch /var/log/a /var/log/b",
        "umount -l /var/log",
    ),
    ("filesystem_read_only", "mount -t tmpfs -o ro tmpfs /var/log", "umount -l /var/log"),
    ("machine_id_missing", "cp /etc/machine-id /root/; : > /etc/machine-id", "cp /root/machine-id /etc/machine-id"),
];

#[test]
fn faults_made_for_real_are_found_by_name_and_gone_when_they_are_taken_back() {
    if !require("node") {
        return;
    }
    let patient = Patient::joined();
    let node = &patient.node;
    node.write("/root/f", FLANNEL);
    node.write("/root/p", PLACEHOLDER);
    node.sh("cp /etc/containerd/config.toml /root/c");
    // Each fault restarts containerd at once: on a fast machine systemd's start limit would become a fault of its own.
    node.sh("mkdir -p /etc/systemd/system/containerd.service.d && \
         printf '[Unit]\\nStartLimitIntervalSec=0\\n' > /etc/systemd/system/containerd.service.d/often.conf && \
         systemctl daemon-reload");
    let before = patient.diagnose();
    let ambient = codes(&before);
    if ambient.contains(&"inotify_exhausted") {
        assert_ne!(std::env::var("STRICT").as_deref(), Ok("1"), "this machine is out of inotify instances");
        eprintln!("SKIP: this machine is out of inotify instances, and containerd cannot run on one node more");
        return;
    }
    assert!(ambient.iter().all(|c| AMBIENT.contains(c)), "a node without a fault: {}", before["findings"]);
    let mut wrong = Vec::new();
    for (code, make, undo) in FAULTS {
        node.run(make);
        let answer = patient.diagnose();
        node.run(undo);
        let primary = answer["primary_cause"]["code"].as_str().unwrap_or_default();
        // What this machine has anyway may come first: it is more of a cause than a mere warning.
        if primary != code && !(codes(&answer).contains(&code) && ambient.contains(&primary)) {
            wrong.push(format!("{code}: primary cause is {primary:?} of {}", answer["findings"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(codes(&patient.diagnose()), ambient, "everything was taken back");
}

#[test]
fn it_changes_nothing_answers_in_seconds_and_reports_what_it_saw() {
    if !require("node") {
        return;
    }
    let node = Node::boot();
    let module = node.install(env!("CARGO_BIN_EXE_node_diagnose"));
    let files = "find /etc /var/lib /opt /root /home /run -xdev -type f -newer /run/mark \
                 -not -path '/run/systemd/*' -not -path '/run/log/*' -not -path '/run/udev/*'";
    node.sh("systemctl stop containerd; touch /run/mark; sleep 0.1");
    let began = Instant::now();
    let answer = node.module(&module, json!({}), false);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!(answer["changed"], false);
    assert_eq!((&answer["joined"], &answer["healthy"]), (&json!(false), &json!(false)));
    assert_eq!(answer["primary_cause"]["code"], "containerd_stopped", "{answer}");
    let report = answer["report"].as_str().unwrap();
    assert!(
        report.starts_with("# Node ") && report.contains("**Primary cause**: containerd is not running"),
        "{report}"
    );
    let metrics = answer["metrics"].as_str().unwrap();
    assert!(
        metrics.contains("kubejoin_node_finding{code=\"containerd_stopped\",severity=\"critical\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("kubejoin_node_finding{code=\"cni_config_invalid\",severity=\"critical\"} 0\n"),
        "{metrics}"
    );
    assert_eq!(node.sh(files), "", "no file was written");
    let wrong = node.module(&module, json!({"timeout": 1}), false);
    assert!(wrong["msg"].as_str().unwrap().contains("option timeout is 1: use seconds from 5 to 600"), "{wrong}");
}
