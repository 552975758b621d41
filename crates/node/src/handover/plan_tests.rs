//! What is taken away, and what is left to the real network.

use super::*;
use crate::placeholder::Placeholder;
use ansible::Plan as _;
use host::cni::{Conf, parse};
use host::links::{Address, Link};

fn usual() -> Placeholder {
    Placeholder::usual("/run/containerd/containerd.sock")
}

fn bridge_network(subnet: &str) -> host::cni::Network {
    let conf = format!(
        r#"{{"name":"cni0","plugins":[{{"type":"bridge","bridge":"cni0","isDefaultGateway":true,"ipMasq":true,"ipam":{{"type":"host-local","subnet":"{subnet}"}}}}]}}"#
    );
    parse(conf.as_bytes(), true).unwrap()
}

fn attachment(container: &str) -> Attachment {
    let network = bridge_network("10.244.0.0/16");
    Attachment {
        container: container.into(),
        interface: "eth0".into(),
        network,
        cni_version: "0.3.1".into(),
        file: format!("/r/{container}").into(),
    }
}

fn real() -> Conf {
    let network = parse(br#"{"name":"cbr0","plugins":[{"type":"flannel"}]}"#, true);
    Conf { path: "/etc/cni/net.d/10-flannel.conflist".into(), network }
}

fn bridge(address: &str, prefix: u8) -> Link {
    let addresses = vec![Address { ip: address.parse().unwrap(), prefix }];
    Link { index: 7, name: "cni0".into(), kind: "bridge".into(), addresses, ..Link::default() }
}

fn port(index: u32) -> Link {
    Link { index, name: format!("veth{index}"), kind: "veth".into(), master: Some(7), ..Link::default() }
}

fn state() -> State {
    let bridge = bridge("10.244.0.1", 16);
    State {
        placeholders: vec!["/etc/cni/net.d/00-placeholder.conflist".into()],
        real: Some(real()),
        attachments: vec![attachment("aa")],
        sandboxes: vec![("aa".into(), "default/old".into()), ("bb".into(), "default/new".into())],
        bridges: vec![bridge.clone()],
        links: vec![bridge, port(8)],
        leases: vec![
            ("/n/10.244.0.3".into(), "aa".into()),
            ("/n/10.244.1.3".into(), "bb".into()),
            ("/n/10.244.0.9".into(), "dead".into()),
        ],
    }
}

#[test]
fn pods_of_the_placeholder_are_recreated_and_pods_of_the_real_network_are_left_alone() {
    let plan = plan(&usual(), &state());
    assert_eq!(plan.sandboxes, [("aa".to_owned(), "default/old".to_owned())]);
    assert_eq!(plan.leases, [PathBuf::from("/n/10.244.0.3"), PathBuf::from("/n/10.244.0.9")]);
    assert_eq!((plan.bridges.len(), plan.network.as_deref()), (1, Some("cbr0")));
}

#[test]
fn a_bridge_that_the_real_network_uses_stays() {
    let mut state = state();
    state.links.push(port(9));
    assert!(plan(&usual(), &state).bridges.is_empty());
    let mut state = self::state();
    state.bridges = vec![bridge("10.244.2.1", 24)];
    assert!(plan(&usual(), &state).bridges.is_empty());
}

#[test]
fn without_the_real_configuration_the_placeholder_stays() {
    let plan = plan(&usual(), &State { real: None, ..state() });
    assert!(plan.placeholders.is_empty() && plan.sandboxes.is_empty() && plan.is_empty());
    assert!(plan.reason.contains("until the real configuration comes"), "{}", plan.reason);
}

#[test]
fn a_node_without_any_trace_of_a_placeholder_is_unchanged() {
    let plan = plan(&usual(), &State { real: Some(real()), ..State::default() });
    assert!(plan.is_empty() && plan.reason.contains("no placeholder is left"), "{}", plan.reason);
}

#[test]
fn what_a_killed_run_left_behind_is_still_found() {
    // The file went first; the pods, the bridge and the leases are still the placeholder's.
    let plan = plan(&usual(), &State { placeholders: Vec::new(), ..state() });
    assert!(!plan.is_empty() && plan.sandboxes.len() == 1 && plan.bridges.len() == 1);
}
