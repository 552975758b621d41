//! The built binary on a machine whose real containerd has no pod: sandboxes for the checks, and nothing left of them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::json;
use std::process::Command;
use testkit::containerd::Containerd;
use testkit::{Sandbox, require};

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn sandboxes_made_for_the_checks_reach_each_other_and_are_gone_afterwards() {
    if !require("containerd") || !require("file:/usr/lib/cni/bridge") {
        return;
    }
    Sandbox::new().empty("/etc").empty("/run").empty("/var/lib").run(|| {
        sh("mkdir -p /etc/cni/net.d; touch /etc/hosts /etc/resolv.conf");
        let conf = json!({"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "bridge", "bridge": "cni0",
            "isGateway": true, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.2.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]});
        std::fs::write("/etc/cni/net.d/10-bridge.conflist", conf.to_string()).unwrap();
        let _containerd = Containerd::start("/etc/cni/net.d").with_pause_image();
        let options = json!({"socket": Containerd::socket(), "outside": [], "dns_server": "", "fail": false});
        let answer = testkit::run_module(env!("CARGO_BIN_EXE_pod_connectivity"), options.clone(), false);
        assert_eq!(answer["msg"], "4 checks from 2 pods passed", "{answer}");
        assert_eq!((&answer["pods"], &answer["changed"]), (&json!([]), &json!(false)));
        let ports = || sh("ip -br link show type veth");
        assert_eq!((ports(), sh("ls /run/netns || true")), (String::new(), String::new()));
        let list = format!("ctr --address {} --namespace k8s.io containers list --quiet", Containerd::socket());
        assert_eq!(sh(&list), "");
        let bad = json!({"targets": ["tcp://10.244.2.1:81"]});
        let merged = options.as_object().unwrap().iter().chain(bad.as_object().unwrap()).map(|(k, v)| (k.clone(), v.clone()));
        let answer = testkit::run_module(env!("CARGO_BIN_EXE_pod_connectivity"), merged.collect(), false);
        assert_eq!(answer["failures"][0]["hop"], "target", "{answer}");
        assert_eq!(ports(), "", "gone also after a failure");
    });
}
