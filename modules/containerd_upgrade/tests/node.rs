//! The built binary on a booted node with Debian's containerd 1.6: what is refused, and that nothing is touched then. What an
//! upgrade does is tested on lab nodes, with containerds of three Debians: tests/runtime.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use testkit::{Node, require};

/// A package of the containerd that is here, in a way, with the architecture or the name that it says.
const MAKE: &str = r#"
set -e
mkdir -p /root/p/DEBIAN /root/p/usr/bin /root/a/bin
printf 'Package: containerd\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' >/root/p/DEBIAN/control
cp /usr/bin/containerd /root/p/usr/bin/
dpkg-deb -Znone --build /root/p /root/same.deb >/dev/null
cp /usr/bin/containerd /usr/bin/containerd-shim-runc-v2 /root/a/bin/
printf '\267' | dd of=/root/a/bin/containerd bs=1 seek=18 conv=notrunc 2>/dev/null
tar -czf /root/other.tar.gz -C /root/a bin
"#;

fn state(node: &Node) -> String {
    node.sh("find /etc /usr/local /var/lib/kubejoin -xdev -type f 2>/dev/null -exec sha256sum {} + | sort -k 2; ls -A /var/lib; systemctl show -p ExecMainStartTimestampMonotonic containerd")
}

#[test]
fn what_cannot_be_right_is_refused_and_nothing_is_touched() {
    if !require("node") {
        return;
    }
    let node = Node::boot();
    let module = node.install(env!("CARGO_BIN_EXE_containerd_upgrade"));
    node.sh(MAKE);
    let hash = |file: &str| node.sh(&format!("sha256sum {file}")).split(' ').next().unwrap().to_owned();
    let before = state(&node);
    let run = |options: Value| node.module(&module, options, false);
    let refused = |options: Value, words: &str| {
        let answer = run(options.clone());
        let said = answer["msg"].as_str().unwrap_or_default().to_owned();
        assert!(answer["failed"] == true && said.contains(words), "{options}: {said}");
        assert!(!said.contains('\n') && answer["changed"] == false, "{said}");
        assert_eq!(state(&node), before, "{options}");
    };
    refused(json!({"source": "/root/same.deb"}), "option sha256 is missing");
    refused(json!({"source": "/root/same.deb", "sha256": "0".repeat(64)}), "and its SHA-256 is");
    refused(json!({"source": "/root/none.deb", "sha256": "0".repeat(64)}), "option source is \"/root/none.deb\"");
    let other = json!({"source": "/root/other.tar.gz", "sha256": hash("/root/other.tar.gz")});
    refused(other, "its containerd is for aarch64");

    let same = json!({"source": "/root/same.deb", "sha256": hash("/root/same.deb")});
    for check in [true, false] {
        let answer = node.module(&module, same.clone(), check);
        assert_eq!((&answer["changed"], &answer["would_change"]), (&json!(false), &json!(false)), "{answer}");
        assert!(answer["msg"].as_str().unwrap().contains("nothing to do"), "{answer}");
        assert_eq!(state(&node), before);
    }

    node.sh("systemctl stop containerd");
    let answer = run(same);
    assert!(answer["msg"].as_str().unwrap().contains("containerd has to work before it is upgraded"), "{answer}");
}
