//! Whatever is wrong with a node: done as planned, nothing is left to do but what the plan named, and no pod that was right
//! has gone. `done` is what each step brings about, by the kernel's, the kubelet's and flannel's part.

use super::tests::args;
use super::*;
use crate::findings::findings;
use crate::findings::tests::{healthy, lease};
use crate::observe::Pod;
use host::links::Address;
use proptest::prelude::*;

/// As `apply` goes through it.
const ROUNDS: usize = 4;

fn address(text: &str) -> Address {
    let (ip, prefix) = text.split_once('/').unwrap();
    Address { ip: ip.parse().unwrap(), prefix: prefix.parse().unwrap() }
}

/// One of the healthy node's two pods, with what may be wrong with it.
#[derive(Debug, Clone)]
struct Wrong {
    foreign: bool,
    unrecorded: bool,
    veth: (bool, bool, bool),
}

fn wrong() -> impl Strategy<Value = Wrong> {
    let often = |weight| prop::bool::weighted(weight);
    (often(0.2), often(0.2), (often(0.2), often(0.3), often(0.3))).prop_map(|(foreign, unrecorded, veth)| Wrong {
        foreign,
        unrecorded,
        veth,
    })
}

prop_compose! {
    fn node()(
        pods in prop::collection::vec(wrong(), 0..=2),
        bridge in prop::option::weighted(0.8, any::<bool>()),
        addresses in prop::sample::subsequence(vec!["10.244.2.1/24", "10.244.0.1/16", "10.244.2.1/16", "fe80::1/64"], 0..=4),
        others_port in prop::bool::weighted(0.2),
        subnet in prop::bool::weighted(0.9),
        stale in 0..3_u8,
        held in prop::bool::weighted(0.2),
        silent in prop::bool::weighted(0.1),
        vxlan in prop::option::of(any::<bool>()),
        flannel in any::<bool>(),
        (in_the_way, no_subnet, runs) in (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.8)),
    ) -> State {
        let mut state = healthy();
        state.pods.truncate(pods.len());
        state.leases.truncate(pods.len());
        state.links.retain(|link| ["cni0", "docker0"].contains(&link.name.as_str()) || state.pods.iter().any(|pod| pod.veth.as_deref() == Some(&link.name)));
        for (pod, wrong) in state.pods.iter_mut().zip(&pods) {
            let name = pod.veth.clone();
            let (gone, down, loose) = wrong.veth;
            for link in state.links.iter_mut().filter(|link| Some(&link.name) == name.as_ref()) {
                link.up = !down;
                link.master = link.master.filter(|_| !loose);
            }
            state.links.retain(|link| !(gone && Some(&link.name) == name.as_ref()));
            if wrong.foreign {
                pod.ips = vec!["10.244.0.19".parse().unwrap()];
            }
            pod.veth = name.filter(|_| !wrong.unrecorded);
        }
        state.links[0].addresses = addresses.into_iter().map(address).collect();
        state.links[0].up = bridge == Some(true);
        if bridge.is_none() {
            state.links.remove(0);
            state.links.iter_mut().for_each(|link| link.master = None);
        }
        if others_port {
            let master = bridge.map(|_| 3);
            state.links.push(Link { index: 9, name: "vm0".into(), kind: "tun".into(), master, up: true, ..Link::default() });
        }
        if let Some(up) = vxlan {
            state.links.push(Link { index: 10, name: "flannel.1".into(), kind: "vxlan".into(), vxlan: Some(Default::default()), up, ..Link::default() });
        }
        state.wants_vxlan = vxlan.is_none() && flannel;
        state.subnet = state.subnet.filter(|_| subnet);
        (0..stale).for_each(|n| state.leases.push(lease(&format!("10.244.2.{}", 100 + n), "gone", 3600)));
        state.kubelet_held = held;
        if silent {
            (state.runtime_error, state.sandboxes, state.pods) = (Some("no answer".into()), None, Vec::new());
        } else if flannel {
            state.flannel = vec![Pod { id: "f".into(), name: "kube-flannel/kube-flannel-ds-x".into(), host_network: true, ..Pod::default() }];
        }
        state.ahead.kubelet_runs = runs;
        state.ahead.no_subnet = no_subnet;
        if in_the_way {
            state.ahead.in_the_way = vec![("/etc/cni/net.d/00-lo.conf".into(), Code::CniLoopbackOnly, "x".into())];
        }
        state
    }
}

fn each(state: &mut State, name: &str, change: impl FnMut(&mut Link)) {
    state.links.iter_mut().filter(|link| link.name == name).for_each(change);
}

/// The node after a step.
fn done(state: &mut State, step: &Step) {
    let bridge = |state: &State| state.links.iter().find(|link| link.name == "cni0").map(|link| link.index);
    match step {
        Step::ReleaseKubelet => (state.kubelet_held, state.ahead.kubelet_runs) = (false, true),
        Step::HandOver(_) | Step::Announce(_) | Step::LinkPlugins(_) => {}
        Step::Rebuild(rebuild) => {
            let Rebuild { pods, links, .. } = rebuild.as_ref();
            let gone = |id: &str| pods.iter().any(|pod| pod.id == id);
            let veths: Vec<&String> = pods.iter().filter_map(|pod| pod.veth.as_ref()).collect();
            state
                .links
                .retain(|link| !links.iter().any(|gone| gone.index == link.index) && !veths.contains(&&link.name));
            state.pods.retain(|pod| !gone(&pod.id));
            state.leases.retain(|lease| !gone(&lease.container));
        }
        Step::DeleteTunnel(links) => {
            state.links.retain(|link| !links.iter().any(|gone| gone.index == link.index));
            state.wants_vxlan = true;
        }
        Step::DeleteBridge(bridge) => state.links.retain(|link| link.index != bridge.index),
        Step::AddBridge(name) => {
            state.links.push(Link {
                index: 30,
                name: name.clone(),
                kind: "bridge".into(),
                up: true,
                ..Link::default()
            });
        }
        Step::SetUp(name) => each(state, name, |link| link.up = true),
        Step::DeleteAddress(name, address) => {
            each(state, name, |link| link.addresses.retain(|a| a != address));
        }
        Step::AddAddress(name, address) => {
            each(state, name, |link| link.addresses.push(*address));
        }
        Step::Attach(veth, ..) => {
            let master = bridge(state);
            each(state, veth, |link| link.master = master);
        }
        Step::RestartFlannel(..) => {
            (state.ahead.no_subnet, state.wants_vxlan) = (false, false);
            state.links.retain(|link| link.name != "flannel.1");
            let vxlan = Some(Default::default());
            state.links.push(Link {
                index: 31,
                name: "flannel.1".into(),
                kind: "vxlan".into(),
                vxlan,
                up: true,
                ..Link::default()
            });
        }
        Step::SetAside { .. } => state.ahead.in_the_way.clear(),
        Step::DeleteLeases(paths) => state.leases.retain(|lease| !paths.contains(&lease.path)),
    }
}

proptest! {
    #[test]
    fn a_plan_that_was_done_leaves_nothing_to_do_and_pods_that_were_right(node in node(), recreate in any::<bool>()) {
        let args = args(recreate);
        let mut state = node.clone();
        for _ in 0..ROUNDS {
            let plan = plan(&args, &state, &findings(&state));
            for step in &plan.steps {
                done(&mut state, step);
            }
        }
        let found = findings(&state);
        let end = plan(&args, &state, &found);
        prop_assert_eq!(end.describe(), Vec::<String>::new());
        prop_assert!(found.is_empty() || !end.left.is_empty(), "{:?} and nothing said", found);
        let right = |pod: &&Pod| !is_cut_off(&node, pod) && !node.subnet.as_ref().is_some_and(|subnet| is_outside(pod, subnet));
        for pod in node.pods.iter().filter(right) {
            prop_assert!(state.pods.contains(pod), "{} was right and has gone", pod.name);
        }
        let foreign = node.links.iter().filter(|link| ["docker0", "vm0"].contains(&link.name.as_str()));
        for link in foreign {
            prop_assert!(state.links.iter().any(|kept| kept.name == link.name), "{} is somebody else's", link.name);
        }
    }
}
