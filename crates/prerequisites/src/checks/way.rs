//! The way to the cluster: through which proxy, and from which of this machine's addresses.

use super::{Check, Status};
use crate::observe::Facts;
use crate::planned::PlannedJoin;

pub(super) fn checks(join: &PlannedJoin, facts: &Facts) -> Vec<Check> {
    vec![proxy(join, facts), node_address(facts)]
}

/// A cluster of the same site is not reached through a proxy: the kubelet has no such variables, and pods have none.
fn proxy(join: &PlannedJoin, facts: &Facts) -> Check {
    let wanted = "none, or one that NO_PROXY excepts the API server and the service network from";
    let way = &facts.way;
    if !way.proxies.any() {
        return Check::ok("proxy", "none", wanted);
    }
    let endpoint = join.endpoint().filter(|endpoint| !way.proxies.excepted(&endpoint.host, endpoint.port));
    let service = way.service_address.filter(|address| !way.proxies.excepted(&address.to_string(), 443));
    let lacking: Vec<String> = endpoint
        .iter()
        .map(|endpoint| format!("{} (the API server)", endpoint.host))
        .chain(service.map(|address| format!("{address} (a service of the cluster)")))
        .collect();
    if lacking.is_empty() {
        return Check::ok("proxy", "HTTPS_PROXY is set, and not used for the cluster", wanted);
    }
    let found = format!("HTTPS_PROXY is used for {}", lacking.join(" and "));
    let mend = "put the API server's address and the service network (kubeadm's default is 10.96.0.0/12) into NO_PROXY, where HTTPS_PROXY comes from";
    Check::bad("proxy", Status::Warn, found, wanted, mend)
}

/// The kubelet takes the address that the host's name has, else that of the default route. On a machine with several
/// networks that is often not the one in which the others are.
fn node_address(facts: &Facts) -> Check {
    let wanted = "the address by which this node reaches the API server";
    match (facts.way.node_address, facts.way.source) {
        (Some(node), Some(source)) if node != source => Check::bad(
            "node_address",
            Status::Warn,
            format!("the Node would get {node}, and the way to the API server goes by {source}"),
            wanted,
            format!(
                "give the kubelet --node-ip={source} (kubelet_extra_args), and flannel the interface of that address (--iface)"
            ),
        ),
        (Some(node), _) => Check::ok("node_address", node.to_string(), wanted),
        (None, _) => Check::ok("node_address", "the default route has none", wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{join, named};
    use super::*;
    use crate::checks::all;
    use crate::observe::Way;
    use kubeadm::proxy::Proxies;

    fn behind(no_proxy: &str) -> Facts {
        let value = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://proxy.example:3128".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        };
        let way = Way { proxies: Proxies::of(value), service_address: "10.96.0.1".parse().ok(), ..Way::default() };
        Facts { way, ..Facts::good() }
    }

    #[test]
    fn a_proxy_must_leave_out_the_api_server_and_the_service_network() {
        let join = PlannedJoin { control_plane_endpoint: Some("10.0.0.1".into()), ..join() };
        let check = |no_proxy: &str| {
            let checks = all(&join, &behind(no_proxy));
            let check = named(&checks, "proxy");
            (check.status, check.found.clone())
        };
        let (status, found) = check("");
        assert!(status == Status::Warn && found.contains("10.0.0.1") && found.contains("10.96.0.1"), "{found}");
        let (status, found) = check("10.0.0.0/24");
        assert!(status == Status::Warn && !found.contains("10.0.0.1 ") && found.contains("10.96.0.1"), "{found}");
        let (status, found) = check("10.96.0.0/12,.svc,.cluster.local");
        assert!(status == Status::Warn && found.contains("10.0.0.1 ") && !found.contains("10.96.0.1"), "{found}");
        assert_eq!(check("10.0.0.0/24,10.96.0.0/12").0, Status::Ok);
        assert_eq!(named(&all(&join, &Facts::good()), "proxy").status, Status::Ok);
    }

    #[test]
    fn a_node_whose_address_is_in_another_network_than_the_way_to_the_others_is_told() {
        let with = |node: &str, source: &str| {
            let way = Way { node_address: node.parse().ok(), source: source.parse().ok(), ..Way::default() };
            named(&all(&join(), &Facts { way, ..Facts::good() }), "node_address").clone()
        };
        let check = with("10.0.2.15", "192.168.56.11");
        assert!(check.status == Status::Warn && check.mend.contains("--node-ip=192.168.56.11"), "{check:?}");
        assert_eq!(with("192.168.56.11", "192.168.56.11").status, Status::Ok);
        assert_eq!(with("192.168.56.11", "").status, Status::Ok);
    }
}
