use super::*;
use crate::args::tests::args;
use kubeadm::gate::Unit;
use kubeadm::kubelet::Kubelet;
use kubeadm::version::Version;
use proptest::prelude::*;
use serde_json::json;

const HASH: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const OTHER: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn healthy() -> State {
    State {
        kubeadm: Version::parse("v1.31.0").ok(),
        unit: Unit {
            name: "kubelet.service".into(),
            load: "loaded".into(),
            file_state: "enabled".into(),
            fragment: None,
            active: "active".into(),
            masked: false,
            gated: false,
            remembered: None,
        },
        kubelet: Kubelet {
            active: "active".into(),
            pid: 7,
            args: vec!["kubelet".into(), "--kubeconfig=/etc/kubernetes/kubelet.conf".into()],
            ..Kubelet::default()
        },
        health: Health::Ok,
        conf: Some(Ok(Kubeconfig {
            server: "https://10.0.0.1:6443".into(),
            ca_hash: Some(HASH.into()),
            ..Kubeconfig::default()
        })),
        asked_ca: None,
        client: Some(Client::Good { node: Some("w1".into()) }),
        server_clock: None,
        registered: Some(node("", true)),
        socket_kept_here: false,
        foreign_node_ips: vec![],
        configured: true,
        control_plane: false,
        node_name: "w1".into(),
        kubelet_name: "w1".into(),
    }
}

/// The API's answer: the Node with this machine id (this machine's own for an empty one), with or without kubeadm's note.
fn node(machine: &str, noted: bool) -> Answer {
    let id = if machine.is_empty() { identity::machine_id() } else { machine.to_owned() };
    let annotations = if noted { json!({"kubeadm.alpha.kubernetes.io/cri-socket": "unix:///x"}) } else { json!({}) };
    Answer::Node(Box::new(json!({"metadata": {"annotations": annotations}, "status": {"nodeInfo": {"machineID": id}}})))
}

fn at(text: &str) -> SystemTime {
    time::parse(text).unwrap()
}

fn class(result: anyhow::Result<Plan>) -> String {
    format!("{:?}", result.unwrap_err().downcast::<Failure>().unwrap())
}

#[test]
fn joined_and_healthy_is_nothing_to_do_under_any_address_of_the_cluster() {
    for endpoint in ["10.0.0.1", "lb.example:6443"] {
        let args = args(json!({"control_plane_endpoint": endpoint, "ca_cert_hashes": [OTHER, HASH]}));
        assert_eq!(plan(&args, &healthy()).unwrap(), Plan::Nothing, "{endpoint}");
    }
}

#[test]
fn without_a_hash_another_address_of_the_same_cluster_is_known_by_the_ca_it_shows() {
    let args = args(json!({"control_plane_endpoint": "lb.example:6443"}));
    let same = State { asked_ca: Some(HASH.into()), ..healthy() };
    assert_eq!(plan(&args, &same).unwrap(), Plan::Nothing);
    let other = State { asked_ca: Some(OTHER.into()), ..healthy() };
    assert!(class(plan(&args, &other)).contains("joined_elsewhere"));
}

#[test]
fn a_node_of_another_cluster_is_refused() {
    let by_hash = args(json!({"control_plane_endpoint": "10.0.0.1", "ca_cert_hashes": [OTHER]}));
    assert!(class(plan(&by_hash, &healthy())).contains("joined_elsewhere"));
    let by_address = args(json!({"control_plane_endpoint": "10.9.9.9"}));
    assert!(class(plan(&by_address, &healthy())).contains("joined_elsewhere"));
}

#[test]
fn a_kubeconfig_without_its_certificate_is_a_join_that_broke_off() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let state = State { client: Some(Client::Missing("/x".into())), ..healthy() };
    assert_eq!(plan(&args, &state).unwrap(), Plan::Join { leftovers: true });
    let state = State { conf: Some(Err("reading".into())), ..healthy() };
    assert_eq!(plan(&args, &state).unwrap(), Plan::Join { leftovers: true });
    let state = State { conf: None, ..healthy() };
    assert_eq!(plan(&args, &state).unwrap(), Plan::Join { leftovers: false });
}

#[test]
fn a_joined_node_is_mended_and_not_joined_again() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let mut state = healthy();
    state.unit.masked = true;
    state.kubelet = Kubelet::default();
    state.configured = false;
    assert_eq!(plan(&args, &state).unwrap(), Plan::Mend(vec![Mend::Release, Mend::FetchConfig, Mend::Start]));
}

#[test]
fn a_join_that_was_killed_before_its_last_step_gets_that_step() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let state = State { registered: Some(node("", false)), ..healthy() };
    assert_eq!(plan(&args, &state).unwrap(), Plan::Mend(vec![Mend::Annotate]));
    let mut state = State { registered: Some(Answer::NoNode), ..healthy() };
    state.unit.gated = true;
    assert_eq!(plan(&args, &state).unwrap(), Plan::Mend(vec![Mend::Release, Mend::Annotate]));
}

#[test]
fn a_deleted_node_is_registered_again_by_a_restart() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let mut state = State { registered: Some(Answer::NoNode), ..healthy() };
    assert_eq!(plan(&args, &state).unwrap(), Plan::Mend(vec![Mend::Register, Mend::Annotate]));
    state.socket_kept_here = true;
    assert_eq!(plan(&args, &state).unwrap(), Plan::Mend(vec![Mend::Register]));
    // Who cannot ask does not restart.
    state.registered = Some(Answer::Unknown("refused".into()));
    assert_eq!(plan(&args, &state).unwrap(), Plan::Nothing);
}

#[test]
fn a_node_that_was_off_for_too_long_joins_again_and_one_whose_clock_is_ahead_does_not() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let mut state = State { client: Some(Client::Expired(at("2026-01-01T00:00:00Z"))), registered: None, ..healthy() };
    assert_eq!(plan(&args, &state).unwrap(), Plan::Join { leftovers: true });
    state.server_clock = Some(at("2026-06-01T00:00:00Z"));
    assert_eq!(plan(&args, &state).unwrap(), Plan::Join { leftovers: true });
    state.server_clock = Some(at("2025-06-01T00:00:00Z"));
    let said = class(plan(&args, &state));
    assert!(said.contains("clock_ahead_or_certificate_expired") && said.contains("2026-01-01"), "{said}");
    let state = State { control_plane: true, server_clock: None, ..state };
    let said = class(plan(&args, &state));
    assert!(said.contains("kubelet_certificate_expired") && said.contains("kubeadm kubeconfig user"), "{said}");
}

#[test]
fn what_the_api_knows_under_this_name_must_be_this_machine() {
    let wanted = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let twin = State { registered: Some(node("1111", true)), ..healthy() };
    assert!(class(plan(&wanted, &twin)).contains("node_of_another"));
    let renamed = State { kubelet_name: "w9".into(), ..healthy() };
    let said = class(plan(&wanted, &renamed));
    assert!(said.contains("node_renamed") && said.contains("w1") && said.contains("w9"), "{said}");
    let otherwise = args(json!({"control_plane_endpoint": "10.0.0.1", "node_name": "w2"}));
    assert!(class(plan(&otherwise, &healthy())).contains("node_renamed"));
    let refused = State { registered: Some(Answer::Rejected("Unauthorized".into())), ..healthy() };
    let said = class(plan(&wanted, &refused));
    assert!(said.contains("credentials_rejected") && said.contains("\"clean\""), "{said}");
    let late = "x509: certificate has expired or is not yet valid: current time A is before B";
    let refused = State { registered: Some(Answer::Rejected(late.into())), ..healthy() };
    assert!(class(plan(&wanted, &refused)).contains("clock_behind"));
}

#[test]
fn a_control_plane_is_not_joined_as_a_worker_and_a_bare_machine_is_told_what_it_lacks() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let state = State { control_plane: true, conf: None, ..healthy() };
    assert!(class(plan(&args, &state)).contains("control_plane"));
    assert!(class(plan(&args, &State { kubeadm: None, ..healthy() })).contains("kubeadm_missing"));
    let mut state = healthy();
    state.unit.load = "not-found".into();
    assert!(class(plan(&args, &state)).contains("kubelet_unit_missing"));
}

#[test]
fn an_address_that_the_machine_has_not_is_not_given_to_its_node() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    let state = State { conf: None, foreign_node_ips: vec!["10.9.9.9".into()], ..healthy() };
    let said = class(plan(&args, &state));
    assert!(said.contains("node_ip_invalid") && said.contains("10.9.9.9"), "{said}");
    // A node that has joined is not judged by it.
    assert_eq!(plan(&args, &State { conf: healthy().conf, ..state }).unwrap(), Plan::Nothing);
}

/// The node as a plan that was carried out leaves it.
fn done(plan: &Plan, state: &State) -> State {
    let mut after = state.clone();
    match plan {
        Plan::Nothing => {}
        Plan::Join { .. } => after = State { unit: healthy().unit, ..healthy() },
        Plan::Mend(steps) => {
            for step in steps {
                match step {
                    Mend::Release => after.unit = healthy().unit,
                    Mend::FetchConfig => after.configured = true,
                    Mend::Start | Mend::Restart | Mend::Register => {
                        (after.kubelet, after.health) = (healthy().kubelet, Health::Ok);
                        if after.registered == Some(Answer::NoNode) {
                            after.registered = Some(node("", false));
                        }
                    }
                    Mend::Annotate => after.registered = Some(node("", true)),
                }
            }
        }
    }
    after
}

fn any_state() -> impl Strategy<Value = State> {
    let answers =
        vec![None, Some(node("", true)), Some(node("", false)), Some(node("2222", true)), Some(Answer::NoNode)];
    let answer = proptest::sample::select(answers).boxed();
    let flags = (any::<[bool; 6]>(), any::<[bool; 4]>(), 0..4u8, 0..3u8, answer);
    flags.prop_map(
        |(
            [masked, gated, remembered, running, standalone, well],
            [certificate, configured, plane, missing],
            conf,
            ca,
            registered,
        )| {
            let mut state = State { configured, control_plane: plane, registered, ..healthy() };
            if !certificate {
                state.client = Some(Client::Missing("/x".into()));
            }
            (state.unit.masked, state.unit.gated) = (masked, gated);
            state.unit.remembered = remembered.then(|| "enabled".to_owned());
            if missing {
                state.unit.load = "not-found".into();
            }
            if standalone {
                state.kubelet.args = vec!["kubelet".into()];
            }
            if !running {
                state.kubelet = Kubelet::default();
            }
            state.health = if well { Health::Ok } else { Health::Not("refused".into()) };
            let other = Kubeconfig {
                server: "https://10.9.9.9:6443".into(),
                ca_hash: Some(OTHER.into()),
                ..Kubeconfig::default()
            };
            state.conf = [state.conf, Some(Ok(other)), Some(Err("reading".into())), None][usize::from(conf)].clone();
            state.asked_ca = [None, Some(HASH.to_owned()), Some(OTHER.to_owned())][usize::from(ca)].clone();
            state
        },
    )
}

proptest! {
    #[test]
    fn what_was_planned_and_done_leaves_nothing_to_plan(state in any_state(), pinned in any::<bool>()) {
        let hashes = if pinned { vec![HASH] } else { vec![] };
        let args = args(json!({"control_plane_endpoint": "10.0.0.1", "ca_cert_hashes": hashes}));
        // A refusal touches nothing, and is the same the next time.
        if let Ok(first) = plan(&args, &state) {
            prop_assert_eq!(plan(&args, &done(&first, &state)).unwrap(), Plan::Nothing, "after {:?}", first);
        }
    }
}
