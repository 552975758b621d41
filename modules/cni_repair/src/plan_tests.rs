//! What is done about each finding, and that pods which are right stay alive.

use super::*;
use crate::findings::findings;
use crate::findings::tests::{healthy, lease, set_address};
use serde_json::json;

pub(crate) fn args(recreate: bool) -> Args {
    let options = json!({"pod_cidr": null, "recreate_pods": recreate, "socket": "/s", "kubelet_unit": "kubelet.service",
        "containerd_unit": "containerd.service", "backup_dir": "/b", "timeout": 10});
    serde_json::from_value(options).unwrap()
}

fn steps(state: &State) -> Vec<String> {
    plan(&args(true), state, &findings(state)).describe()
}

#[test]
fn a_healthy_node_is_left_alone() {
    assert_eq!(steps(&healthy()), Vec::<String>::new());
    assert!(plan(&args(true), &healthy(), &[]).steps.is_empty());
}

#[test]
fn a_wrong_address_is_exchanged_under_pods_that_are_right() {
    let mut state = healthy();
    set_address(&mut state, "10.244.0.1", 16);
    assert_eq!(steps(&state), ["take 10.244.0.1/16 from cni0", "give cni0 10.244.2.1/24"]);
}

#[test]
fn a_missing_bridge_is_made_again_under_its_pods() {
    let mut state = healthy();
    state.links.remove(0);
    state.links.iter_mut().for_each(|link| link.master = None);
    assert_eq!(
        steps(&state),
        [
            "make bridge cni0",
            "give cni0 10.244.2.1/24",
            "attach vetha to cni0",
            "attach vethb to cni0",
            "announce cni0 to its pods"
        ]
    );
}

#[test]
fn links_are_attached_and_set_up() {
    let mut state = healthy();
    state.links[0].up = false;
    state.links[1].master = None;
    state.links[2].up = false;
    assert_eq!(steps(&state), ["set cni0 up", "attach vetha to cni0", "set vethb up"]);
}

#[test]
fn when_every_pod_is_wrong_the_bridge_goes_with_them() {
    let mut state = healthy();
    set_address(&mut state, "10.244.0.1", 16);
    state.pods[0].ips = vec!["10.244.0.19".parse().unwrap()];
    state.pods[1].ips = vec!["10.244.0.20".parse().unwrap()];
    assert_eq!(
        steps(&state),
        [
            "hold the kubelet back",
            "recreate pod default/a",
            "recreate pod default/b",
            "delete link vetha",
            "delete link vethb",
            "delete link cni0",
            "start the kubelet"
        ]
    );
    let careful = plan(&args(false), &state, &findings(&state));
    assert_eq!((careful.steps.len(), careful.left.len()), (0, 2));
}

#[test]
fn a_pod_that_is_right_keeps_its_bridge_while_another_is_recreated() {
    let mut state = healthy();
    set_address(&mut state, "10.244.0.1", 16);
    state.pods[0].ips = vec!["10.244.0.19".parse().unwrap()];
    let steps = steps(&state);
    assert!(!steps.iter().any(|step| step.contains("delete link") || step.contains("default/b")), "{steps:?}");
    assert!(steps.ends_with(&["take 10.244.0.1/16 from cni0".into(), "give cni0 10.244.2.1/24".into()]), "{steps:?}");
}

#[test]
fn somebody_elses_port_keeps_the_bridge() {
    let mut state = healthy();
    set_address(&mut state, "10.244.0.1", 16);
    state.pods.iter_mut().for_each(|pod| pod.ips = vec!["10.244.0.19".parse().unwrap()]);
    state.links.push(Link {
        index: 9,
        name: "vm0".into(),
        kind: "tun".into(),
        master: Some(3),
        up: true,
        ..Link::default()
    });
    assert!(!steps(&state).iter().any(|step| step.starts_with("delete link")), "{:?}", steps(&state));
}

#[test]
fn a_bridge_that_nobody_is_on_is_left_to_the_network_plugin() {
    let mut state = healthy();
    set_address(&mut state, "10.244.0.1", 16);
    state.pods.clear();
    state.leases.clear();
    state.links.truncate(1);
    assert_eq!(steps(&state), ["delete bridge cni0"]);
}

#[test]
fn a_downed_vxlan_is_left_to_flannel_which_is_restarted() {
    let mut state = healthy();
    state.wants_vxlan = true;
    let left = plan(&args(true), &state, &findings(&state));
    assert_eq!(
        (left.steps.len(), left.left),
        (0, vec!["vxlan_missing: flannel's pod does not run on this node".to_owned()])
    );
    state.flannel = vec![Pod {
        id: "f".into(),
        name: "kube-flannel/kube-flannel-ds-x".into(),
        host_network: true,
        ..Pod::default()
    }];
    assert_eq!(steps(&state), ["recreate pod kube-flannel/kube-flannel-ds-x"]);
}

#[test]
fn stale_leases_go_and_others_stay() {
    let mut state = healthy();
    state.leases.push(lease("10.244.2.9", "gone", 3600));
    assert_eq!(steps(&state), ["delete /var/lib/cni/networks/cbr0/10.244.2.9"]);
}

#[test]
fn a_runtime_that_does_not_answer_is_left_and_said() {
    let mut state = healthy();
    state.pods.clear();
    state.sandboxes = None;
    state.runtime_error = Some("no answer".into());
    set_address(&mut state, "10.244.0.1", 16);
    let plan = plan(&args(true), &state, &findings(&state));
    assert_eq!(plan.left, ["runtime_unreachable: no answer"]);
    assert_eq!(plan.steps, [], "pods may be on the bridge");
    state.links[0].up = false;
    assert_eq!(steps(&state), ["set cni0 up"]);
}

#[test]
fn a_tunnel_that_is_wrong_itself_goes_before_flannel_starts_anew_and_what_lies_on_it_does_not_need_that() {
    let vxlan = Some(host::links::Vxlan { id: 1, ..Default::default() });
    let tunnel = Link { index: 9, name: "flannel.1".into(), kind: "vxlan".into(), up: true, vxlan, ..Link::default() };
    for (fault, wanted) in [
        (Fault::Device("flannel.1 has MTU 1000".into()), vec!["delete link flannel.1", "recreate pod kube-flannel/f"]),
        (Fault::Way("there is no route to 10.244.0.0/24".into()), vec!["recreate pod kube-flannel/f"]),
    ] {
        let mut state = healthy();
        state.links.push(tunnel.clone());
        state.flannel = vec![Pod { name: "kube-flannel/f".into(), ..Pod::default() }];
        state.flannel_path = vec![fault];
        assert_eq!(steps(&state), wanted);
    }
}
