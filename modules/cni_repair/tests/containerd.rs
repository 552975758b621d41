//! The built binary on pods that a real containerd made with the real bridge plugin; judged by `ip` and by new pods.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an oracle does not share the code it judges"
)]

use cri::{Client, NewSandbox};
use host::deadline::{Deadline, Look};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use testkit::containerd::Containerd;
use testkit::{Sandbox, require};

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn module(mut options: Value, check: bool) -> Value {
    options["socket"] = json!(Containerd::socket());
    options["pod_cidr"] = json!("10.244.2.0/24");
    testkit::run_module(env!("CARGO_BIN_EXE_cni_repair"), options, check)
}

fn minute() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// Puts the network in place and waits until containerd has it.
fn network(subnet: &str) {
    let conf = json!({"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "bridge", "bridge": "cni0",
        "isGateway": true, "hairpinMode": true, "mtu": 1400,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": subnet}]], "routes": [{"dst": "0.0.0.0/0"}]}}]});
    sh("mkdir -p /etc/cni/net.d");
    host::files::write_atomic("/etc/cni/net.d/10-bridge.conflist", conf.to_string().as_bytes(), 0o644).unwrap();
    let loaded = || Client::connect(&Containerd::socket(), &minute()).unwrap().status().unwrap().network();
    let wait = minute().poll(Duration::from_millis(50), "containerd to load the network", || {
        let source = loaded().map(|network| network.source).unwrap_or_default();
        Ok(if source.contains(subnet) { Look::Ready(()) } else { Look::NotYet(source) })
    });
    wait.unwrap();
}

/// A pod; its address and its network namespace.
fn pod(name: &str) -> (String, String) {
    let mut cri = Client::connect(&Containerd::socket(), &minute()).unwrap();
    let new = NewSandbox { name: name.into(), namespace: "default".into(), uid: name.into(), ..NewSandbox::default() };
    let id = cri.run_pod_sandbox(&new).unwrap_or_else(|e| panic!("{e}: {}", Containerd::log()));
    let status = cri.pod_sandbox_status(&id).unwrap();
    (status.ips[0].clone(), status.netns.unwrap())
}

fn pods_now() -> usize {
    Client::connect(&Containerd::socket(), &minute()).unwrap().list_pod_sandbox().unwrap().len()
}

fn reaches(netns: &str, to: &str) -> bool {
    let line = format!("nsenter --net={netns} timeout 2 bash -c ': < /dev/tcp/{to}/9'");
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    String::from_utf8_lossy(&output.stderr).contains("Connection refused")
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

/// systemd's part: a kubelet that is not running.
const SYSTEMCTL: &str = "#!/bin/sh
[ \"$1\" = show ] && printf 'LoadState=loaded\\nUnitFileState=enabled\\nFragmentPath=/usr/lib/systemd/system/kubelet.service\\nActiveState=inactive\\n'
exit 0
";

fn ready() -> bool {
    require("containerd") && require("file:/usr/lib/cni/bridge") && require("program:nsenter")
}

/// Started with the files it copies into every pod.
fn containerd() -> Containerd {
    sh("touch /etc/hosts /etc/resolv.conf; mkdir -p /etc/cni/net.d");
    Containerd::start("/etc/cni/net.d").with_pause_image()
}

fn machine() -> Sandbox {
    Sandbox::new().empty("/etc").empty("/run").empty("/var/lib").empty("/usr/local")
}

#[test]
fn a_deleted_bridge_is_made_again_under_pods_that_containerd_made() {
    if !ready() {
        return;
    }
    machine().run(|| {
        let _containerd = containerd();
        network("10.244.2.0/24");
        let ((_, a), (b_ip, _)) = (pod("a"), pod("b"));
        assert!(reaches(&a, &b_ip) && reaches(&a, "10.244.2.1"));
        assert_eq!(module(json!({}), false)["healthy"], true);
        sh("ip link del cni0");
        assert!(!reaches(&a, &b_ip));
        let answer = module(json!({}), false);
        assert_eq!((ids(&answer), &answer["failed"]), (vec!["bridge_missing"], &Value::Null), "{answer}");
        assert!(reaches(&a, &b_ip) && reaches(&a, "10.244.2.1"), "{answer}");
        assert!(sh("ip -d link show master cni0").contains("hairpin on"));
        assert_eq!(module(json!({}), false)["changed"], false);
        assert!(reaches(&pod("c").1, &b_ip), "a new pod gets onto the bridge we made");
    });
}

#[test]
fn pods_of_another_network_go_with_their_bridge_and_new_ones_get_the_right_addresses() {
    if !ready() {
        return;
    }
    machine().run(|| {
        sh("mkdir -p /usr/local/bin");
        std::fs::write("/usr/local/bin/systemctl", SYSTEMCTL).unwrap();
        sh("chmod 755 /usr/local/bin/systemctl");
        let _containerd = containerd();
        network("10.244.0.0/16");
        assert_eq!((pod("a").0.as_str(), pod("b").0.as_str()), ("10.244.0.2", "10.244.0.3"));
        network("10.244.2.0/24");
        let check = module(json!({}), true);
        assert_eq!((ids(&check), pods_now()), (vec!["bridge_address_wrong", "pod_addresses_foreign"], 2), "{check}");
        let answer = module(json!({}), false);
        assert_eq!((&answer["failed"], &answer["steps"]), (&Value::Null, &check["steps"]), "{answer}");
        assert_eq!(pods_now(), 0);
        assert_eq!(sh("ip -br link").lines().count(), 1, "neither bridge nor veth is left");
        assert_eq!(sh("ls /var/lib/cni/networks/cbr0 | grep -c '^10' || true").trim(), "0");
        let (ip, netns) = pod("c");
        assert_eq!((ip.as_str(), reaches(&netns, "10.244.2.1")), ("10.244.2.2", true));
        let again = module(json!({}), false);
        assert_eq!((&again["healthy"], &again["changed"]), (&json!(true), &json!(false)), "{again}");
    });
}
