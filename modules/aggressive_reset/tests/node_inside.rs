//! What runs inside a node for the tests in `node.rs`: nothing unless `KUBEJOIN_INSIDE` is set.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::time::Duration;

use host::cri::{Client, NewSandbox};
use host::deadline::Deadline;

#[test]
#[ignore = "runs inside a node"]
fn make_pods() {
    let Ok(names) = std::env::var("KUBEJOIN_PODS") else { return };
    let mut client =
        Client::connect("unix:///run/containerd/containerd.sock", &Deadline::after(Duration::from_secs(60))).unwrap();
    for name in names.split(',') {
        let new = NewSandbox {
            name: name.to_owned(),
            namespace: "default".to_owned(),
            uid: format!("uid-{name}"),
            hostname: name.to_owned(),
            cgroup_parent: "/kubepods/besteffort".to_owned(),
            ..NewSandbox::default()
        };
        let id = client.run_pod_sandbox(&new).unwrap();
        assert_eq!(id.len(), 64);
    }
}
