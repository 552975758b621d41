//! Another namespace's links, seen from inside; ours, seen before and after.
#![cfg(all(feature = "netns", feature = "links"))]
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod network;

use std::path::Path;
use std::time::Duration;

use host::deadline::Deadline;
use host::{links, netns, routes};
use network::sh;
use testkit::{Sandbox, require};

fn names() -> Vec<String> {
    let all = links::list(&Deadline::after(Duration::from_secs(10))).unwrap();
    all.into_iter().map(|link| link.name).collect()
}

#[test]
fn only_the_work_is_inside() {
    if !require("root") || !require("link:bridge") {
        return;
    }
    Sandbox::new().empty("/run").run(|| {
        sh("ip netns add pod && ip -n pod link add inner0 type bridge && ip link add outer0 type bridge");
        sh("ip -n pod addr add 10.9.0.1/24 dev inner0 && ip -n pod link set inner0 up");
        let pod = Path::new("/run/netns/pod");
        assert_eq!(netns::inside(pod, || Ok(names())).unwrap(), ["lo", "inner0"]);
        let inside = netns::inside(pod, || routes::list(&Deadline::after(Duration::from_secs(10)))).unwrap();
        assert!(inside.iter().any(|route| route.destination.to_string() == "10.9.0.0/24"));
        assert_eq!(names(), ["lo", "outer0"]);
        let error = format!("{:#}", netns::inside(Path::new("/proc/self/ns/mnt"), || Ok(())).unwrap_err());
        assert!(error.starts_with("entering network namespace /proc/self/ns/mnt: "), "{error}");
        assert!(netns::inside(Path::new("/run/netns/none"), || Ok(())).is_err());
    });
}
