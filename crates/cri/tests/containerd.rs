//! The client against a real containerd, with real pods on a real bridge, in a sandbox.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use cri::{Client, Error, NETWORK_READY, NewSandbox, RUNTIME_READY};
use host::deadline::{Deadline, Look};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::containerd::{Containerd, PAUSE};
use testkit::{Sandbox, require};

const CONF: &str = r#"{"name":"net","cniVersion":"0.3.1","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,
    "ipam":{"type":"host-local","subnet":"10.77.0.0/24","dataDir":"/run/leases"}}]}"#;

fn seconds(n: u64) -> Deadline {
    Deadline::after(Duration::from_secs(n))
}

fn connect() -> Client {
    Client::connect(&Containerd::socket(), &seconds(60)).unwrap()
}

fn sandbox() -> Sandbox {
    Sandbox::new().empty("/run").empty("/run/net.d").scratch("/var/lib")
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn pods_are_made_looked_at_and_removed() {
    if !require("containerd") {
        return;
    }
    sandbox().run(|| {
        let _containerd = Containerd::start("/run/net.d").with_pause_image();
        let mut client = connect();
        assert_eq!((client.version().runtime_name.as_str(), client.version().api), ("containerd", "v1"));
        let said = output("containerd", &["--version"]);
        assert!(said.contains(&client.version().runtime_version), "{said}");

        let status = client.status().unwrap();
        assert!(status.holds(RUNTIME_READY) && !status.holds(NETWORK_READY), "{status:?}");
        assert!(status.last_cni_load_status().unwrap().contains("no network config found in /run/net.d"));
        assert_eq!((status.systemd_cgroup(), status.network()), (Some(false), None));
        std::fs::write("/run/net.d/10-net.conflist", CONF).unwrap();
        let network = seconds(20).poll(Duration::from_millis(50), "the network", || {
            Ok(client.status()?.network().map_or_else(|| Look::NotYet(String::new()), Look::Ready))
        });
        let network = network.unwrap();
        assert_eq!((network.name.as_str(), network.plugins.as_slice()), ("net", &["bridge".to_owned()][..]));
        assert!(client.list_images().unwrap().iter().any(|i| i.tags.contains(&PAUSE.to_owned())));
        let images = client.image_fs_info().unwrap();
        assert!(images[0].mountpoint.starts_with("/run/containerd-under-test/root/"), "{images:?}");

        let new = NewSandbox {
            name: "p".into(),
            namespace: "n".into(),
            uid: "u".into(),
            hostname: "inside".into(),
            labels: vec![("k".into(), "v".into())],
            ..NewSandbox::default()
        };
        let id = client.run_pod_sandbox(&new).unwrap_or_else(|e| panic!("{e}: {}", Containerd::log()));
        let listed = client.list_pod_sandbox().unwrap();
        assert_eq!((listed.len(), listed[0].id.as_str(), listed[0].ready), (1, id.as_str(), true));
        let status = client.pod_sandbox_status(&id).unwrap();
        assert_eq!((status.sandbox.name.as_str(), status.sandbox.namespace.as_str()), ("p", "n"));
        assert!(!status.host_network && status.ips.len() == 1, "{status:?}");
        // The kernel's word: the address is on eth0 in the namespace that CRI names.
        let netns = status.netns.clone().unwrap();
        let inside = output("nsenter", &[&format!("--net={netns}"), "ip", "-o", "addr", "show", "eth0"]);
        assert!(inside.contains(&status.ips[0]), "{inside}");
        let pid = status.pid.unwrap().to_string();
        assert_eq!(output("nsenter", &["-t", &pid, "--uts", "hostname"]).trim(), "inside");
        assert_eq!(
            output("ip", &["-o", "link", "show", "master", "cni0"]).lines().count(),
            1,
            "its veth is on the bridge"
        );
        assert!(client.list_containers().unwrap().is_empty(), "the pause container is none of them");

        client.stop_pod_sandbox(&id).unwrap();
        let stopped = client.pod_sandbox_status(&id).unwrap();
        assert!(!stopped.sandbox.ready && stopped.pid.is_none(), "{stopped:?}");
        client.stop_pod_sandbox(&id).unwrap();
        client.remove_pod_sandbox(&id).unwrap();
        client.remove_pod_sandbox(&id).unwrap();
        assert!(client.list_pod_sandbox().unwrap().is_empty());
        let gone = client.pod_sandbox_status(&id).unwrap_err();
        assert!(matches!(gone, Error::Status { code: 5, .. }), "NotFound is 5: {gone:?}");
    });
}

#[test]
fn a_frozen_and_a_killed_containerd_are_told_apart_in_time() {
    if !require("containerd") {
        return;
    }
    sandbox().run(|| {
        let mut containerd = Containerd::start("/run/net.d");
        drop(connect());
        containerd.signal("STOP");
        let began = Instant::now();
        let frozen =
            Client::connect(&Containerd::socket(), &Deadline::after(Duration::from_millis(500))).err().unwrap();
        assert!(matches!(frozen, Error::Hung { call: "Version", .. }), "{frozen:?}");
        assert!(began.elapsed() < Duration::from_secs(2));
        containerd.signal("CONT");
        let mut client = connect();
        client.status().unwrap();
        containerd.signal("KILL");
        let lost = client.status().unwrap_err();
        assert!(matches!(lost, Error::Broken { .. }), "{lost:?}");
        let killed = Client::connect(&Containerd::socket(), &seconds(5)).err().unwrap();
        assert!(matches!(killed, Error::Refused { .. }), "{killed:?}");
    });
}
