//! Order, omissions and idempotence of the plan, on states made up for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::mounts;
use host::remove::{self, Removed};
use proptest::prelude::*;

use super::*;
use crate::parts::network::Network;
use crate::parts::runtime::Containerd;
use crate::trees::targets;

fn nothing() -> State {
    let containerd = Containerd {
        load: "loaded".into(),
        active: "active".into(),
        sandboxes: Ok(Vec::new()),
        ..Containerd::default()
    };
    State {
        args: Args::of(Level::Aggressive),
        kubelet: "inactive".into(),
        processes: Vec::new(),
        containerd,
        control_plane: Vec::new(),
        stacked_etcd: false,
        targets: Vec::new(),
        unsafe_targets: Vec::new(),
        netns: Vec::new(),
        pod_netns: Default::default(),
        other_kubernetes: Vec::new(),
        kubeconfig: None,
        network: Network::default(),
        drop_ins: Vec::new(),
        failed: Vec::new(),
        kept: Vec::new(),
        proved: Default::default(),
        conflicts: Vec::new(),
        preserved: Vec::new(),
        mounts: Vec::new(),
        unfinished: None,
        temporary: Vec::new(),
        left_by_last_reset: None,
    }
}

/// Every target, full, with a mount below.
fn full(level: Level) -> State {
    let line = b"9 1 8:1 / /below rw - ext4 /dev/sda rw\n";
    let found = |target| Found {
        target,
        survey: Removed { entries: 3, bytes: 4096, complete: true, ..Removed::default() },
        mounts: mounts::parse(line).unwrap(),
        held: Arc::new(remove::Target::open(Path::new("/usr/bin")).unwrap().unwrap()),
        spare: Vec::new(),
        known: None,
        users: Vec::new(),
    };
    let sandbox = Sandbox { id: "1".into(), name: "a".into(), namespace: "b".into(), uid: "c".into(), ready: true };
    let mut state =
        State { kubelet: "active".into(), targets: targets::all(level).into_iter().map(found).collect(), ..nothing() };
    state.containerd.sandboxes = Ok(vec![sandbox]);
    state.stacked_etcd = true;
    state.failed = vec!["kubelet.service".into()];
    state
}

fn names(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::name).collect()
}

#[test]
fn a_clean_node_has_nothing_to_do_and_what_a_start_script_imported_again_is_no_work() {
    assert!(plan(&Args::of(Level::Aggressive), &nothing()).is_empty());
    let mut state = State { targets: full(Level::Aggressive).targets, ..nothing() };
    state.targets.retain(|found| found.target.part == Part::Containerd);
    state.targets.iter_mut().for_each(|found| found.mounts.clear());
    state.containerd.kubernetes.insert("images".into(), vec!["pause".into()]);
    assert!(!plan(&Args::of(Level::Aggressive), &state).is_empty());
    state.left_by_last_reset = Some(state.containerd.kubernetes.clone());
    assert!(plan(&Args::of(Level::Aggressive), &state).is_empty());
}

#[test]
fn the_order_is_the_one_that_works() {
    let names = names(&plan(&Args::of(Level::Aggressive), &full(Level::Aggressive)));
    let at = |name: &str| {
        names.iter().position(|step| step.starts_with(name)).unwrap_or_else(|| panic!("{name}: {names:?}"))
    };
    let order = [
        "leave etcd",
        "stop kubelet",
        "remove pods",
        "stop containerd",
        "unmount below",
        "delete /",
        "reset failed",
        "start containerd",
    ];
    assert!(order.map(at).is_sorted(), "{names:?}");
    let last_unmount = names.iter().rposition(|step| step.starts_with("unmount")).unwrap();
    assert!(last_unmount < at("delete /"), "nothing is deleted before everything is unmounted");
    assert_eq!(names.last().unwrap(), "start containerd");
}

#[test]
fn gentle_never_touches_containerd() {
    let names = names(&plan(&Args::of(Level::Gentle), &full(Level::Gentle)));
    assert!(!names.iter().any(|step| step.contains("containerd")), "{names:?}");
    assert!(names.contains(&"remove pods".to_owned()));
}

#[test]
fn a_containerd_that_others_use_is_neither_stopped_nor_started() {
    let mut state = full(Level::Aggressive);
    state.containerd.foreign = vec!["moby".into()];
    state.targets.retain(|found| found.target.part != Part::Containerd);
    let names = names(&plan(&Args::of(Level::Aggressive), &state));
    assert!(!names.iter().any(|step| step.contains("stop containerd") || step.contains("start")), "{names:?}");
}

#[test]
fn a_run_that_died_with_containerd_stopped_starts_it_and_what_hung_on_it() {
    let mut state = nothing();
    state.containerd.active = "inactive".into();
    state.containerd.sandboxes = Err("no socket".into());
    let begun = crate::journal::Begun {
        at: 1,
        level: Level::Aggressive,
        parts: Vec::new(),
        preserved: Vec::new(),
        bound: vec!["docker.service".into()],
        pod_networks: Vec::new(),
        proved: Default::default(),
    };
    state.unfinished = Some((begun, Some("stop containerd".into())));
    let steps = plan(&Args::of(Level::Aggressive), &state);
    assert!(
        matches!(steps.as_slice(), [Step::StartContainerd(bound)] if *bound == ["docker.service"]),
        "{:?}",
        names(&steps)
    );
}

proptest! {
    #[test]
    fn only_what_is_asked_for_is_deleted(picked in proptest::sample::subsequence(vec![Part::Kubelet, Part::Kubernetes, Part::Cni, Part::Etcd, Part::Kubectl], 1..5)) {
        let args = Args { scope: Some(picked.clone()), ..Args::of(Level::Aggressive) };
        let mut state = full(Level::Aggressive);
        // As observe does.
        state.targets.retain(|found| args.wants(found.target.part));
        let allowed: Vec<PathBuf> = targets::all(Level::Aggressive).into_iter().filter(|target| picked.contains(&target.part)).map(|target| target.path).collect();
        for step in plan(&args, &state) {
            if let Step::Delete(found) | Step::Unmount(found) = step {
                prop_assert!(allowed.contains(&found.target.path));
            }
        }
    }
}

#[test]
fn a_mere_repair_of_containerds_configuration_wipes_nothing() {
    let steps = [Step::StopContainerd, Step::StartContainerd(Vec::new())];
    assert!(!wipes(&steps), "{:?}", names(&steps));
    assert!(wipes(&plan(&Args::of(Level::Aggressive), &full(Level::Aggressive))));
}
