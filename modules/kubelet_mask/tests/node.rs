//! The built binary on a booted node: only a real systemd shows what masking does.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use testkit::{Node, require};

/// As the packages ship it: enabled, and failing every ten seconds until kubeadm has written a configuration.
const UNIT: &str = "[Service]\nExecStart=/bin/sh -c 'test -e /var/lib/kubelet/config.yaml || exit 1; exec sleep 1000'\n\
                    Restart=always\nRestartSec=1\nStartLimitInterval=0\n[Install]\nWantedBy=multi-user.target\n";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/99-kubejoin-gate.conf";
const STATE: &str = "/var/lib/kubejoin/kubelet-hold.json";

struct Kubelet {
    node: Node,
    module: String,
}

impl Kubelet {
    fn boot() -> Self {
        let node = Node::boot();
        let module = node.install(env!("CARGO_BIN_EXE_kubelet_mask"));
        Kubelet { node, module }
    }

    fn with_unit_in(dir: &str) -> Self {
        let kubelet = Kubelet::boot();
        kubelet.node.write(&format!("{dir}/kubelet.service"), UNIT);
        kubelet.node.sh("systemctl daemon-reload && systemctl enable --now kubelet.service 2>&1");
        kubelet
    }

    fn run(&self, options: Value) -> Value {
        self.node.module(&self.module, options, false)
    }

    fn check(&self, options: Value) -> Value {
        self.node.module(&self.module, options, true)
    }

    /// `systemctl is-enabled` and whether a start has an effect.
    fn enabled(&self) -> String {
        self.node.sh("systemctl is-enabled kubelet.service; true").trim().to_owned()
    }

    fn active(&self) -> String {
        self.node.sh("systemctl is-active kubelet.service; true").trim().to_owned()
    }

    /// What a boot or an impatient administrator would do.
    fn start(&self) -> String {
        self.node.sh("systemctl start kubelet.service >/dev/null 2>&1; true");
        self.active()
    }

    fn files(&self) -> String {
        self.node.sh("find /etc/systemd/system /var/lib/kubejoin -name '*kube*' -not -type d 2>/dev/null | sort; true")
    }
}

#[test]
fn a_unit_of_the_packages_is_masked_stopped_and_given_back_with_its_enablement() {
    if !require("node") {
        return;
    }
    let k = Kubelet::with_unit_in("/usr/lib/systemd/system");
    let before = k.files();
    let check = k.check(json!({}));
    assert_eq!((check["changed"].as_bool(), k.enabled().as_str()), (Some(true), "enabled"), "{check}");
    let answer = k.run(json!({}));
    assert_eq!((&answer["method"], &answer["diff"]), (&json!("mask"), &check["diff"]), "{answer}");
    assert_eq!((k.enabled().as_str(), k.start().as_str()), ("masked", "failed"));
    assert_eq!(k.run(json!({}))["changed"], false);

    let answer = k.run(json!({"state": "unmasked"}));
    assert_eq!((&answer["changed"], answer.get("warnings")), (&json!(true), None), "{answer}");
    assert_eq!((k.enabled(), k.files()), ("enabled".to_owned(), before));
    assert_eq!(k.run(json!({"state": "unmasked"}))["changed"], false);
    k.node.write("/var/lib/kubelet/config.yaml", "x");
    assert_eq!(k.start(), "active");
}

#[test]
fn a_unit_in_etc_is_gated_until_kubeadm_has_written_its_configuration() {
    if !require("node") {
        return;
    }
    let k = Kubelet::with_unit_in("/etc/systemd/system");
    let answer = k.run(json!({}));
    assert_eq!((&answer["method"], &answer["masked"]), (&json!("gate"), &json!(true)), "{answer}");
    assert_eq!((k.enabled().as_str(), k.start().as_str()), ("enabled", "inactive"));
    assert_eq!(k.run(json!({}))["changed"], false);
    k.node.write("/var/lib/kubelet/config.yaml", "x");
    assert_eq!(k.start(), "active", "kubeadm starts it behind the gate");

    assert_eq!(k.run(json!({"state": "unmasked"}))["changed"], true);
    assert_eq!(k.node.sh(&format!("ls {DROP_IN} {STATE} 2>/dev/null; true")), "");
    assert_eq!(k.active(), "active", "letting go does not stop it");
}

#[test]
fn a_kubelet_that_is_not_installed_yet_is_held_back_before_it_comes() {
    if !require("node") {
        return;
    }
    let k = Kubelet::boot();
    let answer = k.run(json!({}));
    assert_eq!((&answer["method"], &answer["enablement"]), (&json!("mask"), &json!("")), "{answer}");
    k.node.write("/usr/lib/systemd/system/kubelet.service", UNIT);
    k.node.sh("systemctl daemon-reload");
    assert_eq!(k.start(), "inactive");
    assert_eq!(k.run(json!({"state": "unmasked"}))["changed"], true);
    assert_eq!(k.enabled(), "disabled", "the package, not this module, enables it");
}

#[test]
fn somebody_elses_mask_is_kept_when_it_is_wanted_and_undone_with_a_warning() {
    if !require("node") {
        return;
    }
    let k = Kubelet::with_unit_in("/usr/lib/systemd/system");
    k.node.sh("systemctl stop kubelet; systemctl mask kubelet 2>&1");
    assert_eq!(k.run(json!({}))["changed"], false);
    let answer = k.run(json!({"state": "unmasked"}));
    assert!(answer["warnings"][0].as_str().unwrap().contains("masked by somebody else"), "{answer}");
    assert_eq!(k.enabled(), "enabled");
}

#[test]
fn a_mask_for_this_boot_is_taken_away_too() {
    if !require("node") {
        return;
    }
    let k = Kubelet::with_unit_in("/usr/lib/systemd/system");
    k.node.sh("systemctl stop kubelet; systemctl mask --runtime kubelet 2>&1");
    k.run(json!({"state": "unmasked"}));
    assert_eq!(k.enabled(), "enabled");
}

#[test]
fn a_kubelet_that_serves_a_cluster_is_left_alone() {
    if !require("node") {
        return;
    }
    let k = Kubelet::boot();
    // Any process with the flag on its command line will do.
    k.node.write("/usr/bin/kubelet", "#!/bin/sh\nwhile sleep 1; do :; done\n");
    let unit = "[Service]\nExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf\n";
    k.node.write("/usr/lib/systemd/system/kubelet.service", unit);
    k.node.write("/var/lib/kubelet/config.yaml", "x");
    k.node.write("/etc/kubernetes/kubelet.conf", "x");
    k.node.sh("chmod +x /usr/bin/kubelet && systemctl daemon-reload && systemctl start kubelet");
    let answer = k.run(json!({}));
    assert_eq!((&answer["changed"], &answer["method"]), (&json!(false), &json!("none")), "{answer}");
    assert_eq!(k.active(), "active");
    assert_eq!(k.run(json!({"force": true}))["changed"], true);
    assert_ne!(k.active(), "active");
}

#[test]
fn bad_input_names_the_option_and_touches_nothing() {
    if !require("node") {
        return;
    }
    let k = Kubelet::with_unit_in("/usr/lib/systemd/system");
    for (options, word) in [
        (json!({"unit": "../../etc/passwd"}), "name of a service"),
        (json!({"state": "held"}), "masked, unmasked"),
        (json!({"stat": "masked"}), "Did you mean state"),
    ] {
        let answer = k.run(options);
        assert!(answer["msg"].as_str().unwrap().contains(word), "{answer}");
    }
    assert_eq!(k.enabled(), "enabled");
}
