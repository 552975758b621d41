//! What others are in the way of: ports with other owners, firewalls, and the API server itself.

use super::{Check, Status};
use crate::observe::Facts;
use crate::planned::PlannedJoin;

/// The kubelet's own ports.
const PORTS: [u16; 2] = [10250, 10248];

pub(super) fn checks(join: &PlannedJoin, facts: &Facts) -> Vec<Check> {
    let mut checks = vec![ports(facts), firewall(facts)];
    if let Some(api) = &facts.api {
        checks.push(reachable(api));
        if api.unreachable.is_none() {
            checks.extend([tls(api), authority(join, api)]);
            checks.extend(token(join, api));
        }
    }
    checks
}

fn ports(facts: &Facts) -> Check {
    let wanted = "10250 and 10248 free, or held by the kubelet";
    let taken: Vec<String> = facts
        .listeners
        .iter()
        .filter(|listener| PORTS.contains(&listener.port) && listener.program != "kubelet")
        .map(|listener| format!("{} by {} (process {})", listener.port, listener.program, listener.pid))
        .collect();
    if taken.is_empty() {
        return Check::ok("ports", "free", wanted);
    }
    Check::bad("ports", Status::Fail, taken.join(", "), wanted, "stop that program, or give it another port")
}

/// Never mended here: which ports are open is the administrator's decision.
fn firewall(facts: &Facts) -> Check {
    let wanted = "none, or 10250/tcp, 8472/udp (flannel) and 30000-32767/tcp open between the nodes";
    if facts.firewalls.is_empty() {
        return Check::ok("firewall", "none active", wanted);
    }
    let mend = match facts.firewalls[0] {
        "ufw" => "ufw allow 10250/tcp; ufw allow 8472/udp; ufw allow 30000:32767/tcp",
        _ => {
            "firewall-cmd --permanent --add-port=10250/tcp --add-port=8472/udp --add-port=30000-32767/tcp; firewall-cmd --reload"
        }
    };
    Check::bad(
        "firewall",
        Status::Warn,
        format!("{} is active", facts.firewalls.join(", ")),
        wanted,
        format!("make sure that they are: {mend}"),
    )
}

fn reachable(api: &crate::observe::Api) -> Check {
    let wanted = "an API server that answers";
    match &api.unreachable {
        None => Check::ok("api_server", format!("{} answers", api.endpoint), wanted),
        Some(why) => Check::bad(
            "api_server",
            Status::Fail,
            why,
            wanted,
            "check the address, the route and the firewall of the control plane",
        ),
    }
}

fn tls(api: &crate::observe::Api) -> Check {
    let wanted = "a certificate for this address, valid now, signed by the cluster's CA";
    match &api.tls {
        Some(Ok(())) => Check::ok("api_tls", "verified", wanted),
        Some(Err(why)) => Check::bad(
            "api_tls",
            Status::Fail,
            why,
            wanted,
            "use an address the certificate names, and set this node's clock",
        ),
        None => Check::bad(
            "api_tls",
            Status::Warn,
            "not checked: kubectl is not installed or the cluster does not show its CA",
            wanted,
            "install kubectl to have it checked; the join checks it in any case",
        ),
    }
}

fn authority(join: &PlannedJoin, api: &crate::observe::Api) -> Check {
    let wanted = "a CA with a hash from ca_cert_hashes";
    match (&api.ca_hash, join.ca_cert_hashes.as_slice()) {
        (Some(hash), []) => Check::bad(
            "ca_hash",
            Status::Warn,
            hash,
            wanted,
            "give ca_cert_hashes, so that no other cluster is trusted",
        ),
        (Some(hash), wanted_hashes) if wanted_hashes.iter().any(|w| w.eq_ignore_ascii_case(hash)) => {
            Check::ok("ca_hash", hash, wanted)
        }
        (Some(hash), _) => Check::bad(
            "ca_hash",
            Status::Fail,
            hash,
            wanted,
            "this is another cluster, or the hash is old: take it from the control plane again",
        ),
        (None, []) => Check::ok("ca_hash", "not asked for", wanted),
        (None, _) => Check::bad(
            "ca_hash",
            Status::Warn,
            "not readable",
            wanted,
            "install kubectl to have it checked; the join checks it in any case",
        ),
    }
}

fn token(join: &PlannedJoin, api: &crate::observe::Api) -> Option<Check> {
    let id = join.token_id.as_ref()?;
    let ids = api.token_ids.as_ref()?;
    Some(if ids.contains(id) {
        Check::ok("token", format!("{id} is known"), "a token the cluster knows")
    } else {
        Check::bad(
            "token",
            Status::Fail,
            format!("{id} is not known"),
            "a token the cluster knows",
            "make a new one: the module join_token, or kubeadm token create",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{join, named};
    use super::*;
    use crate::checks::all;
    use crate::observe::{Api, Listener};

    #[test]
    fn a_port_held_by_the_kubelet_is_fine_and_by_another_not() {
        let with = |program: &str| Facts {
            listeners: vec![Listener { port: 10250, pid: 7, program: program.into() }],
            ..Facts::good()
        };
        assert_eq!(named(&all(&join(), &with("kubelet")), "ports").status, Status::Ok);
        let checks = all(&join(), &with("nginx"));
        assert!(named(&checks, "ports").found.contains("10250 by nginx (process 7)"));
    }

    #[test]
    fn the_clusters_ca_and_token_are_held_against_the_options() {
        let facts = Facts { api: Some(Api::good()), ..Facts::good() };
        let hash = facts.api.as_ref().and_then(|api| api.ca_hash.clone()).unwrap();
        for (hashes, wanted) in
            [(vec![], Status::Warn), (vec![hash], Status::Ok), (vec!["sha256:00".into()], Status::Fail)]
        {
            let join = PlannedJoin { ca_cert_hashes: hashes, ..join() };
            assert_eq!(named(&all(&join, &facts), "ca_hash").status, wanted);
        }
        for (id, wanted) in [("abcdef", Status::Ok), ("fedcba", Status::Fail)] {
            let join = PlannedJoin { token_id: Some(id.into()), ..join() };
            assert_eq!(named(&all(&join, &facts), "token").status, wanted);
        }
    }
}
