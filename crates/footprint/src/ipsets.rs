//! Sets of the kernel's ipset: whose they are, by the exact names that upstream gives. A set that a rule still uses cannot
//! be destroyed: the kernel says so, and then it stays and is told.

/// kube-proxy's in IPVS mode (kubernetes, pkg/proxy/ipvs/ipset.go), each also with `KUBE-6-` for IPv6.
const KUBE_PROXY: &[&str] = &[
    "CLUSTER-IP",
    "LOOP-BACK",
    "EXTERNAL-IP",
    "EXTERNAL-IP-LOCAL",
    "LOAD-BALANCER",
    "LOAD-BALANCER-FW",
    "LOAD-BALANCER-LOCAL",
    "LOAD-BALANCER-SOURCE-CIDR",
    "LOAD-BALANCER-SOURCE-IP",
    "NODE-PORT-TCP",
    "NODE-PORT-LOCAL-TCP",
    "NODE-PORT-UDP",
    "NODE-PORT-LOCAL-UDP",
    "NODE-PORT-SCTP",
    "NODE-PORT-SCTP-HASH",
    "NODE-PORT-LOCAL-SCTP",
    "NODE-PORT-LOCAL-SCTP-HASH",
    "HEALTH-CHECK-NODE-PORT",
    "IPVS-IPS",
];
/// kube-router's (pkg/utils/ipset.go), for IPv6 with `inet6:` before them.
const KUBE_ROUTER: &[&str] = &[
    "kube-router-pod-subnets",
    "kube-router-node-ips",
    "kube-router-local-ips",
    "kube-router-local-pods",
    "kube-router-svip",
    "kube-router-svip-prt",
    "kube-router-ipvs-services",
    "kube-router-service-ips",
];
/// Antrea's (pkg/agent/route) and Weave's (npc/constants.go).
const FIXED: &[&str] = &["ANTREA-POD-IP", "ANTREA-POD-IP6", "weave-local-pods", "weave-bridges"];
/// Calico's fixed ones (felix/rules/rule_defs.go), behind `cali40` or `cali60`.
const CALICO: &[&str] = &[
    "all-ipam-pools",
    "masq-ipam-pools",
    "this-host",
    "all-hosts-net",
    "all-vxlan-net",
    "all-tunnel-net",
    "dscp-src-net",
    "egw-health-ports",
];
/// The longest name that the kernel takes; names with a hash are as long as that.
const LONGEST: usize = 31;

/// Whose a set of this name is, as half a sentence; nothing when it is not Kubernetes'.
pub fn owner(name: &str) -> Option<&'static str> {
    let kube = name.strip_prefix("KUBE-").map(|rest| rest.strip_prefix("6-").unwrap_or(rest));
    if kube.is_some_and(|rest| KUBE_PROXY.contains(&rest)) {
        return Some("kube-proxy's");
    }
    let plain = name.strip_prefix("inet6:").unwrap_or(name);
    let policy = ["KUBE-SRC-", "KUBE-DST-"].iter().find_map(|start| plain.strip_prefix(start));
    if KUBE_ROUTER.contains(&plain) || policy.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(is_base32)) {
        return Some("kube-router's");
    }
    if ["cali40", "cali60"].iter().any(|start| name.strip_prefix(start).is_some_and(|rest| is_calicos(name, rest))) {
        return Some("Calico's");
    }
    // Five letters, a dash and 25 characters of a hash in a base of 93 (weave, npc/hash.go).
    let odd =
        |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_' | b'.');
    let is_weaves =
        |rest: &str| name.len() == LONGEST && rest.bytes().all(|b| b.is_ascii_graphic()) && rest.bytes().any(odd);
    if name.strip_prefix("weave-").is_some_and(is_weaves) {
        return Some("Weave's");
    }
    FIXED.contains(&name).then_some("a network plugin's")
}

/// `s:` and a hash, cut off at the longest name there is (felix/ipsets/ipset_defs.go).
fn is_calicos(name: &str, rest: &str) -> bool {
    let hash = |hash: &str| hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let hashed = rest.split_once(':').is_some_and(|(kind, end)| kind.len() == 1 && hash(end));
    CALICO.contains(&rest) || hashed && name.len() == LONGEST
}

fn is_base32(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'2'..=b'7')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_owned_by_exact_names() {
        for ours in [
            "KUBE-CLUSTER-IP",
            "KUBE-6-LOOP-BACK",
            "KUBE-SRC-ABCDEFGHIJKLMNOP",
            "inet6:kube-router-node-ips",
            "cali40this-host",
            "cali60s:qMt7iLlGDhvLnCjM0l9nzxb",
            "weave-local-pods",
            "weave-?b%zl9GIe0AET1(QI^7NWe*fO",
        ] {
            assert!(owner(ours).is_some(), "{ours}");
        }
        for mine in [
            "KUBE-ALLOWED",
            "KUBE-SRC-MINE",
            "blocklist",
            "kube-cluster-ip",
            "cali40mine",
            "cali40s:mine",
            "weave-mine",
            "weave-abcdefghijklmnopqrstuvwxy",
        ] {
            assert_eq!(owner(mine), None, "{mine}");
        }
    }
}
