//! The built binary on a machine whose real containerd has no pod: sandboxes for the checks, and nothing left of them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use cri::Client;
use host::deadline::Deadline;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::containerd::Containerd;
use testkit::{Sandbox, require};

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The pod network, and containerd with the pause image.
fn runtime() -> Containerd {
    sh("mkdir -p /etc/cni/net.d; touch /etc/hosts /etc/resolv.conf");
    let conf = json!({"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "bridge", "bridge": "cni0",
        "isGateway": true, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.2.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]});
    std::fs::write("/etc/cni/net.d/10-bridge.conflist", conf.to_string()).unwrap();
    Containerd::start("/etc/cni/net.d").with_pause_image()
}

fn check(more: &Value) -> Value {
    let mut options = json!({"socket": Containerd::socket(), "outside": [], "dns_server": "", "fail": false});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    testkit::run_module(env!("CARGO_BIN_EXE_pod_connectivity"), options, false)
}

/// Does `body` while each `period` every sandbox is stopped and removed that has been there for `grace`: the kubelet does
/// so with those that are no pod of its own, whatever their labels (every 2 s: kubelet.go, housekeepingPeriod). Gives back
/// how many were.
fn tidied<T>(period: Duration, grace: Duration, body: impl FnOnce() -> T) -> (T, usize) {
    let (done, removed) = (AtomicBool::new(false), AtomicUsize::new(0));
    let tidy = || {
        let mut seen: HashMap<String, Instant> = HashMap::new();
        while !done.load(Ordering::Relaxed) {
            std::thread::sleep(period);
            let mut cri = Client::connect(&Containerd::socket(), &Deadline::after(Duration::from_secs(20))).unwrap();
            for sandbox in cri.list_pod_sandbox().unwrap().iter().filter(|sandbox| sandbox.ready) {
                if seen.entry(sandbox.id.clone()).or_insert_with(Instant::now).elapsed() < grace {
                    continue;
                }
                let stopped = cri.stop_pod_sandbox(&sandbox.id).and_then(|()| cri.remove_pod_sandbox(&sandbox.id));
                removed.fetch_add(usize::from(stopped.is_ok()), Ordering::Relaxed);
            }
        }
    };
    let answer = std::thread::scope(|scope| {
        scope.spawn(tidy);
        let answer = body();
        done.store(true, Ordering::Relaxed);
        answer
    });
    (answer, removed.into_inner())
}

/// A web server on the bridge that takes its time, less than a check waits.
fn slow_server() {
    let listener = TcpListener::bind("10.244.2.1:82").unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut stream = stream;
                let _request = stream.read(&mut [0; 1024]);
                std::thread::sleep(Duration::from_millis(400));
                let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            });
        }
    });
}

#[test]
fn sandboxes_that_the_kubelet_removes_are_made_again_and_no_failure_is_made_up() {
    if !require("containerd") || !require("file:/usr/lib/cni/bridge") || !require("program:iptables-nft") {
        return;
    }
    Sandbox::new().empty("/etc").empty("/run").empty("/var/lib").run(|| {
        let _containerd = runtime();
        let (answer, _) = tidied(Duration::from_secs(2), Duration::ZERO, || check(&json!({})));
        assert_eq!(
            (&answer["msg"], &answer["warnings"]),
            (&json!("4 checks from 2 pods passed"), &Value::Null),
            "{answer}"
        );
        // What is silent takes longer than what answers, and is a failure all the same.
        sh("iptables-nft -I INPUT -p tcp --dport 81 -j DROP");
        let silent = json!({"targets": ["tcp://10.244.2.1:81"]});
        let (answer, _) = tidied(Duration::from_secs(2), Duration::ZERO, || check(&silent));
        let failed = |answer: &Value| -> Vec<String> {
            answer["failures"].as_array().unwrap().iter().map(|row| row["to"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(failed(&answer), ["tcp://10.244.2.1:81"; 2], "{answer}");
        // Mostly in mid-check: what got lost is checked again or said, and no failure is made up.
        slow_server();
        let slow = json!({"targets": ["http://10.244.2.1:82/"]});
        let (answer, removed) = tidied(Duration::from_millis(20), Duration::from_millis(150), || check(&slow));
        assert!(removed > 0 && failed(&answer).is_empty(), "{removed}: {answer}");
        let said = answer["warnings"][0].as_str().unwrap_or_default().contains("the kubelet does so");
        assert!(said || answer["msg"] == "6 checks from 2 pods passed", "{answer}");
        assert_eq!(sh("ip -br link show type veth; ls /run/netns || true"), "");
    });
}

#[test]
fn sandboxes_made_for_the_checks_reach_each_other_and_are_gone_afterwards() {
    if !require("containerd") || !require("file:/usr/lib/cni/bridge") {
        return;
    }
    Sandbox::new().empty("/etc").empty("/run").empty("/var/lib").run(|| {
        let _containerd = runtime();
        let answer = check(&json!({}));
        assert_eq!(answer["msg"], "4 checks from 2 pods passed", "{answer}");
        assert_eq!((&answer["pods"], &answer["changed"]), (&json!([]), &json!(false)));
        let ports = || sh("ip -br link show type veth");
        assert_eq!((ports(), sh("ls /run/netns || true")), (String::new(), String::new()));
        let list = format!("ctr --address {} --namespace k8s.io containers list --quiet", Containerd::socket());
        assert_eq!(sh(&list), "");
        let answer = check(&json!({"targets": ["tcp://10.244.2.1:81"]}));
        assert_eq!(answer["failures"][0]["hop"], "target", "{answer}");
        assert_eq!(ports(), "", "gone also after a failure");
    });
}
