//! Whose it is: what other programs, other distributions and the pods themselves hold is not left over.

use super::*;

#[test]
fn leases_of_podmans_network_are_nobodys_leftover_even_where_its_conf_is_the_only_one() {
    let mut facts = healthy();
    let text = r#"{"name":"podman","plugins":[{"type":"bridge","bridge":"cni-podman0","ipam":{"type":"host-local"}}]}"#;
    facts.cni.confs = vec![conf("87-podman-bridge.conflist", text)];
    facts.network.leases[0].network = "podman".into();
    facts.network.leases[0].container = "a container of podman's".into();
    let found: Vec<_> = judge(&facts).iter().map(|f| f.kind.code).collect();
    assert!(!found.contains(&Code::LeasesStale) && !found.contains(&Code::AddressesExhausted), "{found:?}");
}

#[test]
fn leases_of_other_programs_networks_are_not_ours_to_judge() {
    let mut facts = healthy();
    for network in ["podman", "bridge", "nerdctl0"] {
        facts.network.leases.push(Lease {
            network: network.into(),
            ip: "10.88.0.2".parse().unwrap(),
            container: "theirs".into(),
            age: Duration::from_secs(1000),
        });
    }
    let found: Vec<_> = judge(&facts).iter().map(|f| f.kind.code).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_range_that_pods_themselves_fill_is_told_with_its_size_and_left_to_a_person() {
    let mut facts = healthy();
    facts.network.leases.clear();
    let pods = &mut facts.runtime.answer.as_mut().unwrap().pods;
    for last in 2..255_u8 {
        let ip = std::net::Ipv4Addr::new(10, 244, 2, last);
        pods.push(pod(&format!("x{last}"), &ip.to_string()));
        let lease =
            Lease { network: "cbr0".into(), ip: ip.into(), container: format!("x{last}"), age: Duration::from_secs(9) };
        facts.network.leases.push(lease);
    }
    let found = judge(&facts);
    let full = found.iter().find(|f| f.kind.code == Code::AddressesExhausted).unwrap();
    assert_eq!(full.evidence, ["the range 10.244.2.0/24 is full: 253 of 253 addresses have a lease, 0 of them stale"]);
    assert_eq!(full.mended_by(), None);
    assert!(!found.iter().any(|f| f.kind.code == Code::LeasesStale));
}

#[test]
fn nothing_of_another_distribution_is_called_left_over() {
    let mut facts = healthy();
    facts.network.leases[0].container = "of-k3s".into();
    let codes = |facts: &Facts| judge(facts).iter().map(|f| f.kind.code).collect::<Vec<_>>();
    assert_eq!(codes(&facts), [Code::LeasesStale]);
    let signs = vec!["process 812 runs /usr/local/bin/k3s".to_owned()];
    facts.distributions = vec![footprint::distributions::Active { distribution: "k3s", signs }];
    assert_eq!(codes(&facts), [Code::OtherDistribution]);
}
