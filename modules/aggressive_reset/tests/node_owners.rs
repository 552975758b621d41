//! Whose containerd it is, on a node with a real one: others come while the reset is at work, keep things in other
//! snapshotters, or the data lies elsewhere.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "test code")]

use serde_json::{Value, json};
use testkit::{Node, require};

/// A node with something of Kubernetes' in containerd, so that there is something to wipe.
fn node() -> (Node, String) {
    let node = Node::boot();
    let directory = tempfile::tempdir().unwrap();
    let archive = testkit::containerd::pause_archive(directory.path().to_str().unwrap());
    node.copy(&archive, "/root/image.tar");
    let module = node.install(env!("CARGO_BIN_EXE_aggressive_reset"));
    node.sh("ctr -n k8s.io images import /root/image.tar >/dev/null");
    (node, module)
}

/// The one container of a namespace: its process with the time it started, and that its root file system is whole.
fn alive(node: &Node, namespace: &str) -> String {
    node.sh(&format!(
        "p=$(ctr -n {namespace} tasks ls | awk '/theirs/ {{print $2}}'); cut -d' ' -f1,22 /proc/$p/stat; sha256sum < /proc/$p/root/pause"
    ))
}

fn kept(answer: &Value) -> String {
    answer["kept"].to_string()
}

#[test]
fn a_container_that_somebody_makes_during_the_run_keeps_its_root_file_system() {
    if !require("node") {
        return;
    }
    let (node, module) = node();
    // The kubelet takes its time: the look is over, and containerd is still up.
    node.sh("cp /bin/sleep /usr/bin/kubelet; printf '[Service]\\nExecStart=/usr/bin/kubelet 100000\\nExecStop=/bin/sleep 5\\n' > /usr/lib/systemd/system/kubelet.service; systemctl daemon-reload; systemctl start kubelet");
    node.sh(&format!(
        "echo '{{}}' | {module} - > /tmp/answer 2>&1 & p=$!; until grep -q 'stop kubelet' /var/lib/kubejoin/reset.journal 2>/dev/null; do :; done; \
         ctr -n moby images import /root/image.tar >/dev/null && ctr -n moby run --detach --null-io localhost/pause:testkit theirs; wait $p; true"
    ));
    let done: Value = serde_json::from_str(&node.sh("cat /tmp/answer")).unwrap();
    let msg = done["msg"].as_str().unwrap();
    assert!(done["failed"] == true && msg.contains("moby has something in containerd"), "{done}");
    assert!(kept(&done).contains("/var/lib/containerd"), "{done}");
    let before = alive(&node, "moby");
    assert_eq!(node.sh("systemctl is-active containerd").trim(), "active", "and containerd is up again");
    // The next run sees it at the first look, and leaves containerd running.
    let again = node.module(&module, json!({}), false);
    assert_eq!((again["failed"].clone(), alive(&node, "moby")), (Value::Null, before), "{again}");
    assert!(kept(&again).contains("containerd is shared with moby"), "{again}");
}

#[test]
fn other_namespaces_with_other_snapshotters_and_a_database_that_cannot_be_read_are_somebodys() {
    if !require("node") {
        return;
    }
    let (node, module) = node();
    node.sh("ctr -n lab snapshots --snapshotter native prepare mine && echo film > /var/lib/containerd/io.containerd.snapshotter.v1.native/snapshots/1/film");
    let film = "cat /var/lib/containerd/io.containerd.snapshotter.v1.native/snapshots/*/film";
    let done = node.module(&module, json!({}), false);
    assert!(kept(&done).contains("containerd is shared with lab"), "{done}");
    assert_eq!(node.sh(film).trim(), "film");
    node.sh("systemctl stop containerd; head -c 16384 /dev/urandom | dd of=/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db conv=notrunc 2>/dev/null");
    let done = node.module(&module, json!({}), false);
    assert!(
        kept(&done).contains(
            "it cannot be told whose it is: reading /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
        ),
        "{done}"
    );
    assert_eq!(node.sh(film).trim(), "film");
}

#[test]
fn what_goes_is_what_the_running_unit_uses_and_not_what_is_called_so() {
    if !require("node") {
        return;
    }
    let (node, module) = node();
    node.sh("systemctl stop containerd; mkdir -p /srv/disk/containerd; echo mine > /srv/disk/containerd/notes.txt; cp -a /var/lib/containerd/. /srv/disk/containerd/; \
             sed -i '/^root *=/d' /etc/containerd/config.toml; sed -i '1i root = \"/srv/disk/containerd\"' /etc/containerd/config.toml; find /var/lib/containerd -mindepth 1 -delete; echo film > /var/lib/containerd/film; systemctl start containerd");
    assert!(node.sh("ctr -n k8s.io images ls -q").contains("pause"), "the image came along");
    let done = node.module(&module, json!({}), false);
    assert_eq!((done["failed"].clone(), done["problems"].clone()), (Value::Null, json!([])), "{done}");
    assert_eq!(node.sh("ctr -n k8s.io images ls -q; ctr -n k8s.io content ls -q").trim(), "");
    assert_eq!(node.sh("cat /var/lib/containerd/film /srv/disk/containerd/notes.txt").trim(), "film\nmine");
    let again = node.module(&module, json!({}), false);
    assert_eq!(again["changed"], false, "{again}");
}
