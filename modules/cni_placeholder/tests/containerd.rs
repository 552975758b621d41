//! The hand-over on pods that a real containerd made: the placeholder's go, the real network's stay as they are; also when
//! the module is killed at any moment and run again.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an oracle does not share the code it judges"
)]

use cri::{Client, NewSandbox};
use host::deadline::{Deadline, Look};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use testkit::containerd::Containerd;
use testkit::{Sandbox, require};

const REAL: &str = "/etc/cni/net.d/10-real.conflist";
const PLACEHOLDER: &str = "/etc/cni/net.d/00-placeholder.conflist";

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn options() -> Value {
    json!({"state": "handover", "socket": Containerd::socket(), "plugin_dir": "/usr/lib/cni", "timeout": 30})
}

fn module() -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_cni_placeholder"), options(), false)
}

fn cri() -> Client {
    Client::connect(&Containerd::socket(), &Deadline::after(Duration::from_secs(60))).unwrap()
}

/// Writes a configuration, and waits until containerd uses the network of that name.
fn network(path: &str, conf: &Value, name: &str) {
    host::files::write_atomic(path, conf.to_string().as_bytes(), 0o644).unwrap();
    let limit = Deadline::after(Duration::from_secs(60));
    let wait = limit.poll(Duration::from_millis(50), "containerd to load the network", || {
        let loaded = cri().status().unwrap().network().map(|network| network.name).unwrap_or_default();
        Ok(if loaded == name { Look::Ready(()) } else { Look::NotYet(loaded) })
    });
    wait.unwrap();
}

/// A pod; its id, address and network namespace.
fn pod(name: &str) -> (String, String, String) {
    let new = NewSandbox { name: name.into(), namespace: "default".into(), uid: name.into(), ..NewSandbox::default() };
    let id = cri().run_pod_sandbox(&new).unwrap_or_else(|e| panic!("{e}: {}", Containerd::log()));
    let status = cri().pod_sandbox_status(&id).unwrap();
    (id, status.ips[0].clone(), status.netns.unwrap())
}

fn real() -> Value {
    json!({"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "bridge", "bridge": "real0", "isGateway": true,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.2.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]})
}

fn placeholder() -> Value {
    json!({"name": "cni0", "cniVersion": "0.3.1", "plugins": [{"type": "bridge", "bridge": "cni0",
        "isDefaultGateway": true, "ipMasq": true, "ipam": {"type": "host-local", "subnet": "10.244.0.0/16"}}]})
}

/// One pod on the real network, then two on a placeholder that came in front of it. Gives back the real one's.
fn naughty() -> (String, String, String) {
    network(REAL, &real(), "cbr0");
    let kept = pod("kept");
    network(PLACEHOLDER, &placeholder(), "cni0");
    assert_eq!((pod("a").1.as_str(), pod("b").1.as_str()), ("10.244.0.2", "10.244.0.3"));
    kept
}

/// Nothing of the placeholder is left, and the real network's pod is what it was.
fn judge(kept: &(String, String, String), when: &str) {
    let ids: Vec<String> = cri().list_pod_sandbox().unwrap().into_iter().map(|sandbox| sandbox.id).collect();
    assert_eq!(ids, std::slice::from_ref(&kept.0), "{when}");
    let status = cri().pod_sandbox_status(&kept.0).unwrap();
    assert!(status.sandbox.ready && status.ips == std::slice::from_ref(&kept.1), "{when}");
    let reaches = format!("nsenter --net={} timeout 2 bash -c ': < /dev/tcp/10.244.2.1/9' 2>&1 || true", kept.2);
    assert!(sh(&reaches).contains("Connection refused"), "{when}: the pod that was right still reaches its gateway");
    assert!(!sh("ip -br link").contains("cni0"), "{when}");
    assert_eq!(sh("ls /etc/cni/net.d").trim(), "10-real.conflist", "{when}");
    assert_eq!(sh("ls /var/lib/cni/networks/cni0 2>/dev/null | grep -c '^10' || true").trim(), "0", "{when}");
    assert_eq!(sh("ls /var/lib/cni/results | grep -c '^cni0-' || true").trim(), "0", "{when}");
    assert_eq!(sh("ls /var/lib/cni/networks/cbr0 | grep '^10'").trim(), kept.1, "{when}");
    assert!(!sh("iptables-save -t nat").contains("10.244.0."), "{when}: its masquerading is gone");
    assert!(pod("next").1.starts_with("10.244.2."), "{when}");
    let next = cri().list_pod_sandbox().unwrap().into_iter().find(|sandbox| sandbox.name == "next").unwrap().id;
    cri().stop_pod_sandbox(&next).unwrap();
    cri().remove_pod_sandbox(&next).unwrap();
    let again = module();
    assert_eq!((&again["failed"], &again["changed"]), (&Value::Null, &json!(false)), "{when}: {again}");
}

fn ready() -> bool {
    let programs = require("program:nsenter") && require("program:iptables-nft-save");
    require("containerd") && require("file:/usr/lib/cni/bridge") && programs
}

fn machine() -> Sandbox {
    Sandbox::new().empty("/etc").empty("/run").empty("/var/lib")
}

/// Started with the files it copies into every pod, and with the firewall's programs, which Debian chooses below /etc.
fn containerd() -> Containerd {
    let names = ["iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"];
    sh("mkdir /etc/alternatives");
    for name in names {
        sh(&format!("ln -s /usr/sbin/$(echo {name} | sed 's/tables/tables-nft/') /etc/alternatives/{name}"));
    }
    sh("touch /etc/hosts /etc/resolv.conf; mkdir -p /etc/cni/net.d");
    Containerd::start("/etc/cni/net.d").with_pause_image()
}

#[test]
fn pods_of_the_real_network_are_left_alone_and_nothing_of_the_placeholder_is_left() {
    if !ready() {
        return;
    }
    machine().run(|| {
        let _containerd = containerd();
        let kept = naughty();
        let answer = module();
        assert_eq!((&answer["failed"], &answer["changed"]), (&Value::Null, &json!(true)), "{answer}");
        judge(&kept, "in one go");
    });
}

#[test]
fn killed_at_any_moment_it_is_finished_by_the_next_run() {
    if !ready() {
        return;
    }
    machine().run(|| {
        let _containerd = containerd();
        let kept = naughty();
        // Its slowest steps, the plugins' own DEL and the stopping of sandboxes, take some hundred milliseconds.
        for after in [5, 30, 80, 150, 250] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_cni_placeholder"))
                .arg("-")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(options().to_string().as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(after));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let answer = module();
        assert_eq!(answer["failed"], Value::Null, "{answer}");
        judge(&kept, "after five kills");
    });
}
