//! What is found, and that a healthy node yields nothing.

use super::*;
use crate::observe::Lease;
use node::cni::Bridged;
use node::flannel::Fault;
use std::time::Duration;

/// A healthy worker: two pods on cni0, in 10.244.2.0/24.
pub(crate) fn healthy() -> State {
    let address = |text: &str| {
        let (ip, prefix) = text.split_once('/').unwrap();
        Address { ip: ip.parse().unwrap(), prefix: prefix.parse().unwrap() }
    };
    let link = |index, name: &str, kind: &str, master| Link {
        index,
        name: name.to_owned(),
        kind: kind.to_owned(),
        master,
        up: true,
        carrier: true,
        ..Link::default()
    };
    let bridge =
        Link { addresses: vec![address("10.244.2.1/24"), address("fe80::1/64")], ..link(3, "cni0", "bridge", None) };
    let pod = |id: &str, ip: &str| Pod {
        id: id.to_owned(),
        name: format!("default/{id}"),
        ips: vec![ip.parse().unwrap()],
        veth: Some(format!("veth{id}")),
        host_network: false,
    };
    State {
        network: Some(Bridged {
            conf: "/etc/cni/net.d/10-flannel.conflist".into(),
            name: "cbr0".into(),
            bridge: "cni0".into(),
            hairpin: true,
            placeholder: false,
        }),
        subnet: Some(Subnet::of("10.244.2.0/24".parse().unwrap(), "Node object")),
        links: vec![
            bridge,
            link(5, "vetha", "veth", Some(3)),
            link(6, "vethb", "veth", Some(3)),
            link(7, "docker0", "bridge", None),
        ],
        pods: vec![pod("a", "10.244.2.5"), pod("b", "10.244.2.6")],
        sandboxes: Some(vec!["a".into(), "b".into()]),
        leases: vec![lease("10.244.2.5", "a", 3600), lease("10.244.2.6", "b", 3600)],
        ..State::default()
    }
}

#[test]
fn what_differs_of_flannels_way_is_told_and_mended_by_its_pod() {
    let words = "flannel.1 has the hardware address 02:00:00:00:00:01, other nodes send to aa:aa:aa:aa:aa:01";
    let pod = Pod { name: "kube-flannel/kube-flannel-ds-x".into(), ..Pod::default() };
    let state = State { flannel_path: vec![Fault::Device(words.to_owned())], flannel: vec![pod], ..healthy() };
    let found = findings(&state);
    assert_eq!(
        found.iter().map(|f| (f.id, f.evidence.as_str())).collect::<Vec<_>>(),
        [(Code::FlannelPathWrong, words)]
    );
}

pub(crate) fn lease(ip: &str, container: &str, age: u64) -> Lease {
    Lease {
        path: format!("/var/lib/cni/networks/cbr0/{ip}").into(),
        container: container.to_owned(),
        age: Duration::from_secs(age),
    }
}

pub(crate) fn set_address(state: &mut State, ip: &str, prefix: u8) {
    state.links[0].addresses = vec![Address { ip: ip.parse().unwrap(), prefix }];
}

fn ids(state: &State) -> Vec<Code> {
    findings(state).iter().map(|finding| finding.id).collect()
}

#[test]
fn a_healthy_node_yields_nothing() {
    assert_eq!(ids(&healthy()), Vec::<Code>::new());
    assert_eq!(ids(&State::default()), Vec::<Code>::new());
    let fresh = State { links: Vec::new(), pods: Vec::new(), leases: Vec::new(), ..healthy() };
    assert_eq!(ids(&fresh), Vec::<Code>::new(), "the first pod makes the bridge");
}

#[test]
fn an_address_that_only_begins_like_the_clusters_is_wrong() {
    let mut state = healthy();
    set_address(&mut state, "10.244.0.1", 16);
    assert_eq!(ids(&state), [Code::BridgeAddressWrong]);
    assert!(findings(&state)[0].evidence.contains("10.244.0.1/16 instead of 10.244.2.1/24"));
    set_address(&mut state, "10.244.2.1", 16);
    assert_eq!(ids(&state), [Code::BridgeAddressWrong], "the prefix counts, too");
    state.links[0].addresses.push(state.subnet.as_ref().unwrap().gateway);
    assert_eq!(ids(&state), [Code::BridgeAddressWrong]);
    state.links[0].addresses.clear();
    assert_eq!(ids(&state), [Code::BridgeAddressMissing]);
}

#[test]
fn what_the_older_document_describes_is_found() {
    // 10.244.0.20 cannot reach 10.244.0.19 on the same node: Destination Host Unreachable.
    let mut state = healthy();
    state.links[1].master = None;
    state.links[2].up = false;
    assert_eq!(ids(&state), [Code::PodsUnattached, Code::VethDown]);
    let mut state = healthy();
    state.links[0].up = false;
    assert_eq!(ids(&state), [Code::BridgeDown]);
    let mut state = healthy();
    state.links.remove(0);
    assert_eq!(ids(&state), [Code::BridgeMissing]);
    let mut state = healthy();
    state.links.remove(1);
    assert_eq!(ids(&state), [Code::VethMissing]);
    let mut state = healthy();
    state.pods[0].ips = vec!["10.244.0.19".parse().unwrap()];
    assert_eq!(ids(&state), [Code::PodAddressesForeign]);
    assert!(findings(&state)[0].evidence.starts_with("pod default/a outside 10.244.2.0/24"));
}

#[test]
fn a_vxlan_that_is_down_or_missing_is_found_where_it_is_flannels_back_end() {
    let vxlan = |up| Link {
        name: "flannel.1".into(),
        kind: "vxlan".into(),
        vxlan: Some(Default::default()),
        up,
        ..Link::default()
    };
    let mut state = healthy();
    state.links.push(vxlan(true));
    assert_eq!(ids(&state), Vec::<Code>::new());
    state.links.pop();
    state.wants_vxlan = true;
    assert_eq!(ids(&state), [Code::VxlanMissing]);
    state.wants_vxlan = false;
    state.links.push(vxlan(false));
    assert_eq!(ids(&state), [Code::VxlanMissing]);
}

#[test]
fn a_lease_is_stale_only_when_the_runtime_says_so_and_no_pod_is_being_made() {
    let mut state = healthy();
    state.leases.push(lease("10.244.2.9", "gone", 3600));
    state.leases.push(lease("10.244.2.10", "being-made", 2));
    assert_eq!(stale_leases(&state).len(), 1);
    state.sandboxes = None;
    state.runtime_error = Some("connecting to the runtime".into());
    assert_eq!(stale_leases(&state).len(), 0);
    assert_eq!(ids(&state), [Code::RuntimeUnreachable]);
}

#[test]
fn a_placeholder_without_a_real_network_is_all_that_can_be_said() {
    let mut state = healthy();
    set_address(&mut state, "10.244.0.1", 16);
    state.network.as_mut().unwrap().placeholder = true;
    assert_eq!(ids(&state), [Code::CniPlaceholderOnly]);
}

#[test]
fn a_placeholder_before_the_real_network_is_handed_over_from() {
    let mut state = healthy();
    state.handover.placeholders = vec!["/etc/cni/net.d/00-placeholder.conflist".into()];
    let found = findings(&state);
    assert_eq!(found.iter().map(|f| f.id).collect::<Vec<_>>(), [Code::CniPlaceholderShadows]);
    let args = crate::plan::tests::args(true);
    assert_eq!(
        crate::plan::plan(&args, &state, &found).steps,
        [crate::plan::Step::HandOver(Box::new(state.handover.clone()))]
    );
}

#[test]
fn a_placeholder_that_is_left_though_flannel_has_run_goes_with_flannels_pod_made_anew() {
    let mut state = healthy();
    state.network.as_mut().unwrap().placeholder = true;
    state.flannel = vec![Pod { name: "kube-flannel/f".into(), ..Pod::default() }];
    (state.ahead.no_network, state.ahead.subnet_file, state.ahead.kubelet_runs) = (true, true, true);
    assert_eq!(ids(&state), [Code::CniPlaceholderLeft]);
    assert_eq!(state.ahead.plan(&state).describe(), ["recreate pod kube-flannel/f"]);
}

#[test]
fn the_documentation_has_a_section_for_every_finding() {
    let page = include_str!("../../../docs/troubleshooting.md");
    for code in Code::ALL.iter().filter(|code| **code != Code::Unknown) {
        assert!(page.contains(&format!("\n### {code}\n")), "no section for {code}");
    }
}
