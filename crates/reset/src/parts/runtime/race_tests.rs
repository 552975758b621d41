//! Looks at a real containerd while others write: what somebody has in it is seen every time, or the look says that it
//! cannot tell. Neither may ever be taken for "Kubernetes' alone".
#![allow(clippy::disallowed_methods, reason = "a test's own files and programs")]

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use host::deadline::Deadline;
use testkit::containerd::{Containerd, PAUSE};
use testkit::{Sandbox, require};

use super::*;

/// How many looks.
const LOOKS: u64 = 1_000;

fn ctr(line: &str) -> bool {
    let mut command = Command::new("ctr");
    command.args(["--address", &Containerd::socket()]).args(line.split(' '));
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// A container of somebody else's comes and goes; the number is odd while it is certainly there.
fn come_and_go(stop: &AtomicBool, epoch: &AtomicU64) {
    while !stop.load(Ordering::SeqCst) {
        assert!(ctr("-n visitor images import /run/containerd-under-test/pause/image.tar"));
        assert!(ctr(&format!("-n visitor containers create {PAUSE} theirs")));
        epoch.fetch_add(1, Ordering::SeqCst);
        assert!(ctr("-n visitor containers ls"));
        epoch.fetch_add(1, Ordering::SeqCst);
        assert!(ctr("-n visitor containers rm theirs"));
        assert!(ctr(&format!("-n visitor images rm --sync {PAUSE}")));
    }
}

/// Kubernetes' own comings and goings, which rewrite the same pages.
fn write_meanwhile(stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        number += 1;
        assert!(ctr(&format!("-n k8s.io images tag {PAUSE} localhost/churn:{number}")));
        if number > 20 {
            assert!(ctr(&format!("-n k8s.io images rm localhost/churn:{}", number - 20)));
        }
    }
}

#[test]
fn a_thousand_looks_while_others_write_are_never_wrong() {
    if !require("containerd") {
        return;
    }
    Sandbox::new().empty("/run").empty("/run/net.d").scratch("/var/lib").run(|| {
        let _containerd = Containerd::start("/run/net.d").with_pause_image();
        let root = std::path::Path::new("/run/containerd-under-test/root");
        let (stop, epoch) = (AtomicBool::new(false), AtomicU64::new(0));
        let (mut seen, mut unsure, mut asked, mut last) = (0, 0, 0, Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| come_and_go(&stop, &epoch));
            scope.spawn(|| write_meanwhile(&stop));
            for look in 0..LOOKS {
                let before = epoch.load(Ordering::SeqCst);
                let by_word = look % 10 == 0;
                let found = if by_word {
                    asked += 1;
                    let foreign = ask(&Containerd::socket(), &Deadline::after(Duration::from_secs(60)));
                    foreign.map_err(|error| error.to_string())
                } else {
                    holdings::namespaces(root).map(|found| found.foreign).map_err(|error| format!("{error:#}"))
                };
                let there = before % 2 == 1 && epoch.load(Ordering::SeqCst) == before;
                match found {
                    Ok(foreign) if there => {
                        assert_eq!(foreign, ["visitor"], "look {look}, by containerd's word: {by_word}");
                        seen += 1;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        unsure += 1;
                        last.push(error);
                    }
                }
            }
            stop.store(true, Ordering::SeqCst);
        });
        eprintln!("{LOOKS} looks, {asked} by containerd's word, {seen} while it was certainly there, {unsure} that could not tell: {last:?}");
        assert!(seen > 0, "the visitor was never there at a look");
        // With containerd at work its database cannot be locked, so nothing is ever proved to be Kubernetes' alone.
        let roots = Roots { root: root.to_owned(), state: "/run/containerd-under-test/state".into(), socket: Containerd::socket() };
        assert!(format!("{:#}", sole::Sole::prove(&roots).err().unwrap()).contains("a containerd has it open"));
    });
}

#[test]
fn containerds_own_word_names_who_has_what() {
    if !require("containerd") {
        return;
    }
    Sandbox::new().empty("/run").empty("/run/net.d").scratch("/var/lib").run(|| {
        let mut containerd = Containerd::start("/run/net.d").with_pause_image();
        let mut client =
            cri::Containerd::connect(&Containerd::socket(), &Deadline::after(Duration::from_secs(60))).unwrap();
        assert!(
            client.snapshotters().unwrap().contains(&"overlayfs".to_owned())
                || client.snapshotters().unwrap().contains(&"native".to_owned())
        );
        let foreign = || ask(&Containerd::socket(), &Deadline::after(Duration::from_secs(60))).unwrap();
        assert_eq!(foreign(), Vec::<String>::new(), "k8s.io is Kubernetes'");
        assert!(ctr("namespaces create empty"));
        assert_eq!(foreign(), Vec::<String>::new(), "a namespace with nothing in it is nobody's loss");
        assert!(
            ctr("-n content content fetch-object x")
                || ctr("-n images images import /run/containerd-under-test/pause/image.tar")
        );
        assert!(ctr("-n snapshots snapshots --snapshotter native prepare mine"));
        assert!(ctr("-n containers images import --no-unpack /run/containerd-under-test/pause/image.tar"));
        assert_eq!(foreign(), ["containers", "images", "snapshots"]);
        assert!(client.holds("snapshots").unwrap().unwrap().contains("native"));
        let root = std::path::Path::new("/run/containerd-under-test/root");
        assert_eq!(holdings::namespaces(root).unwrap().foreign, foreign());
        // Stopped, the database has the last word, and is locked while it is held.
        containerd.signal("KILL");
        let roots = Roots {
            root: root.to_owned(),
            state: "/run/containerd-under-test/state".into(),
            socket: Containerd::socket(),
        };
        let error = format!("{:#}", sole::Sole::prove(&roots).err().unwrap());
        assert_eq!(error, "containers, images, snapshots has something in containerd");
    });
}
