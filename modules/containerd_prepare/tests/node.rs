//! The built binary on a booted node: real systemd, real containerd 1.6, real CNI directory.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::time::Instant;
use testkit::{Node, require};

const CONFIG: &str = "/etc/containerd/config.toml";
const PLACEHOLDER: &str = r#"{"name":"cni0","cniVersion":"0.3.1","plugins":[{"type":"bridge","bridge":"cni0",
    "isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.244.0.0/16"}}]}"#;

struct Prepared {
    node: Node,
    module: String,
}

impl Prepared {
    fn run(&self, options: Value) -> Value {
        self.node.module(&self.module, options, false)
    }

    fn check(&self, options: Value) -> Value {
        self.node.module(&self.module, options, true)
    }

    fn config(&self) -> String {
        self.node.sh(&format!("cat {CONFIG}"))
    }

    /// Seconds of monotonic time at which containerd was last started, by systemd's account.
    fn started(&self) -> String {
        self.node.sh("systemctl show -p ExecMainStartTimestampMonotonic --value containerd")
    }
}

fn booted() -> Prepared {
    let node = Node::boot();
    let module = node.install(env!("CARGO_BIN_EXE_containerd_prepare"));
    Prepared { node, module }
}

fn with_cni() -> Prepared {
    let prepared = booted();
    prepared.node.write("/etc/cni/net.d/00-placeholder.conflist", PLACEHOLDER);
    prepared
}

fn msg(answer: &Value) -> &str {
    answer["msg"].as_str().unwrap()
}

#[test]
fn a_fresh_node_is_refused_without_cni_prepared_with_it_and_then_left_alone() {
    if !require("node") {
        return;
    }
    let p = booted();
    let (before, started) = (p.config(), p.started());
    for answer in [p.check(json!({})), p.run(json!({}))] {
        assert!(
            msg(&answer).contains("there is no CNI configuration in /etc/cni/net.d; run cni_placeholder first"),
            "{answer}"
        );
    }
    assert_eq!((p.config(), p.started()), (before.clone(), started.clone()));
    p.node.write("/etc/cni/net.d/00-placeholder.conflist", PLACEHOLDER);

    let check = p.check(json!({}));
    assert_eq!((p.config(), p.started()), (before, started.clone()));
    let answer = p.run(json!({}));
    assert_eq!(
        (&answer["changed"], &answer["diff"], &answer["steps"]),
        (&json!(true), &check["diff"], &check["steps"])
    );
    assert_ne!(p.started(), started);
    assert_eq!(answer["cri"]["systemd_cgroup"], true, "{answer}");
    assert_eq!(
        (&answer["cri"]["network_ready"], &answer["cri"]["network"]),
        (&json!(true), &json!("cni0")),
        "{answer}"
    );
    // Oracles of their own: containerd's dump, stat(1) of the directory CRI named.
    let dump = p.node.sh(&format!("containerd --config {CONFIG} config dump"));
    assert!(dump.contains("SystemdCgroup = true") && dump.contains("bin_dir = \"/usr/lib/cni\""), "{dump}");
    let path = answer["image_filesystem"]["path"].as_str().unwrap();
    let blocks = p.node.sh(&format!("stat -f -c '%b %S' {path}"));
    let product: u64 = blocks.split_whitespace().map(|n| n.parse::<u64>().unwrap()).product();
    assert_eq!(answer["image_filesystem"]["bytes"].as_u64(), Some(product));
    assert_eq!(p.node.sh("cat /etc/crictl.yaml").matches("unix:///run/containerd/containerd.sock").count(), 2);

    let started = p.started();
    let began = Instant::now();
    assert_eq!(p.run(json!({}))["changed"], false);
    assert!(began.elapsed().as_secs() < 5);
    assert_eq!(p.started(), started, "nothing to do: not restarted");
}

#[test]
fn a_containerd_that_does_not_answer_is_brought_back_whatever_happened_to_it() {
    if !require("node") {
        return;
    }
    let p = with_cni();
    p.run(json!({}));
    for (what, script, why) in [
        ("stopped", "systemctl stop containerd", "no such socket"),
        ("killed, its socket left", "systemctl kill -s KILL containerd; systemctl stop containerd", "nobody listens"),
        ("hung", "kill -STOP $(pidof containerd)", "no answer for"),
    ] {
        p.node.sh(script);
        let answer = p.run(json!({"timeout": 30}));
        let step = answer["steps"][0].as_str().unwrap_or_default();
        assert!(answer["changed"] == true && step.contains(why), "{what}: {answer}");
        assert_eq!(answer["cri"]["runtime_ready"], true, "{what}: {answer}");
        assert_eq!(p.run(json!({}))["changed"], false, "{what}");
    }
}

#[test]
fn a_disabled_cri_plugin_is_enabled() {
    if !require("node") {
        return;
    }
    let p = with_cni();
    p.node.write(CONFIG, "# from the vendor\ndisabled_plugins = [\"cri\"]\n\n#root = \"/data\"\n");
    p.node.sh("systemctl restart containerd");
    // restrict_oom_score_adj: what containerd needs in a container without CAP_SYS_RESOURCE; see the lab.
    let answer = p.run(json!({"restrict_oom_score_adj": true}));
    assert!(answer["steps"].to_string().contains("CRI plugin is disabled"), "{answer}");
    assert_eq!(answer["cri"]["systemd_cgroup"], true, "{answer}");
    let config = p.config();
    assert!(config.starts_with("# from the vendor\ndisabled_plugins = []\nversion = 2\n"), "{config}");
    assert!(config.contains("#root = \"/data\"\n"), "{config}");
}

#[test]
fn a_configuration_that_does_not_come_up_is_taken_back_and_the_answer_is_one_line() {
    if !require("node") {
        return;
    }
    let p = with_cni();
    p.run(json!({}));
    // Somebody broke it without restarting; our edit would only be the messenger.
    p.node.sh(&format!("sed -i '1i root = \"/proc/nowhere\"' {CONFIG}"));
    let broken = p.config();
    let answer = p.run(json!({"sandbox_image": "example.org/pause:1"}));
    assert!(msg(&answer).contains("mkdir /proc/nowhere") && !msg(&answer).contains('\n'), "{answer}");
    assert!(msg(&answer).contains("config.toml.rejected"), "{answer}");
    assert_eq!(p.config(), broken, "the file is as it was found");
    assert!(p.node.sh(&format!("cat {CONFIG}.rejected")).contains("example.org/pause:1"));

    // A CRI section that containerd refuses while it goes on running: no CRI, and the reason is in the journal.
    p.node.write(
        CONFIG,
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\ndefault_runtime_name = \"nope\"\n",
    );
    let answer = p.run(json!({"timeout": 30}));
    assert!(msg(&answer).contains("no corresponding runtime configured"), "{answer}");
    assert!(answer["failed"] == true && !msg(&answer).contains('\n'), "{answer}");
}

#[test]
fn bad_input_and_a_bad_node_are_one_sentence_and_change_nothing() {
    if !require("node") {
        return;
    }
    let p = with_cni();
    let before = p.config();
    for (options, words) in [
        (json!({"socket": "tcp://127.0.0.1:1"}), vec!["option socket is", "unix://"]),
        (json!({"cni_bin_dir": "opt/cni"}), vec!["option cni_bin_dir is \"opt/cni\"", "auto or an absolute path"]),
        (json!({"config_path": "config.toml"}), vec!["option config_path is \"config.toml\"", "absolute path"]),
        (json!({"timeout": 0}), vec!["option timeout is 0", "1 to 86400"]),
        (json!({"sandbox_image": "a\"b"}), vec!["option sandbox_image is", "registry.k8s.io/pause"]),
        (json!({"systemd_cgrup": true}), vec!["systemd_cgrup", "Did you mean systemd_cgroup"]),
    ] {
        let answer = p.run(options);
        assert!(answer["failed"] == true && words.iter().all(|w| msg(&answer).contains(w)), "{answer}");
    }
    p.node.sh("mount --bind /etc/containerd /etc/containerd && mount -o remount,ro,bind /etc/containerd");
    let answer = p.run(json!({}));
    assert!(
        msg(&answer).starts_with("writing /etc/containerd/config.toml: ") && msg(&answer).contains("Read-only"),
        "{answer}"
    );
    p.node.sh("umount /etc/containerd");
    p.node.sh(&format!("echo 'x = = 1' >> {CONFIG}"));
    let answer = p.run(json!({}));
    let place = format!("reading {CONFIG}: line {}, column 5: ", before.lines().count() + 1);
    assert!(msg(&answer).starts_with(&place), "{answer}");
    p.node.write(CONFIG, &before);
    p.node.sh("systemctl stop containerd && systemctl mask --runtime containerd");
    assert!(msg(&p.run(json!({}))).contains("systemctl unmask containerd"));
    assert_eq!(p.config(), before);
    assert_eq!(p.node.sh("ls -A /etc/containerd"), "config.toml\n", "no temporary file stays");
}

#[test]
fn the_plugin_directory_is_the_one_that_has_them_all() {
    if !require("node") {
        return;
    }
    let p = with_cni();
    let answer = p.run(json!({"cni_bin_dir": "auto"}));
    assert_eq!(answer["cri"]["plugin_dirs"], json!(["/usr/lib/cni"]), "{answer}");
    p.node.sh("mkdir -p /opt/cni/bin && ln -s /usr/lib/cni/* /opt/cni/bin/");
    let answer = p.run(json!({"cni_bin_dir": "auto"}));
    assert_eq!(answer["cri"]["plugin_dirs"], json!(["/opt/cni/bin"]), "{answer}");
    assert_eq!(p.run(json!({"cni_bin_dir": "auto"}))["changed"], false);
    p.node.write(
        "/etc/cni/net.d/00-placeholder.conflist",
        r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel"},{"type":"portmap"}]}"#,
    );
    let answer = p.run(json!({"cni_bin_dir": "auto"}));
    assert_eq!(
        answer["warnings"][0],
        "/opt/cni/bin lacks the CNI plugins flannel: pods stay without network until they are there"
    );
    p.node.sh("rm -rf /opt/cni && mv /usr/lib/cni /usr/lib/cni.gone");
    let answer = p.run(json!({"cni_bin_dir": "auto"}));
    assert!(msg(&answer).contains("no CNI plugin is in /opt/cni/bin, /usr/lib/cni"), "{answer}");
}

#[test]
fn the_file_that_the_unit_starts_with_is_the_one_that_is_edited() {
    if !require("node") {
        return;
    }
    let p = with_cni();
    let elsewhere = "/data/containerd/own.toml";
    p.node.sh(&format!("mkdir -p /data/containerd && cp {CONFIG} {elsewhere}"));
    p.node.write(
        "/etc/systemd/system/containerd.service.d/own.conf",
        &format!("[Service]\nExecStart=\nExecStart=/usr/bin/containerd --config={elsewhere}\n"),
    );
    p.node.sh("systemctl daemon-reload && systemctl restart containerd");
    let usual = p.config();
    let refused = p.run(json!({"config_path": CONFIG}));
    assert!(
        msg(&refused).starts_with(&format!("option config_path is {CONFIG:?}: containerd.service starts")),
        "{refused}"
    );
    assert!(msg(&refused).contains(elsewhere), "{refused}");
    assert_eq!(p.config(), usual);

    let answer = p.run(json!({}));
    assert_eq!(answer["cri"]["systemd_cgroup"], true, "{answer}");
    assert_eq!(p.config(), usual, "the usual file is not the one in force");
    assert!(p.node.sh(&format!("cat {elsewhere}")).contains("SystemdCgroup = true"));
    let started = p.started();
    assert_eq!(p.run(json!({}))["changed"], false);
    assert_eq!(p.started(), started, "a second run does not restart it again");

    // The unit names another file by now, and nobody restarted: what runs is not what the unit says.
    p.node.sh("rm /etc/systemd/system/containerd.service.d/own.conf && systemctl daemon-reload");
    let answer = p.run(json!({}));
    assert!(answer["steps"].to_string().contains("restart containerd"), "{answer}");
    assert_eq!(p.node.sh("tr '\\0' ' ' </proc/$(pidof containerd)/cmdline").trim(), "/usr/bin/containerd");
}
