//! Chains of iptables: who makes one of this name, and how the maker's rules look.
//!
//! Upstream's names are fixed words, or a fixed beginning and a hash: `KUBE-BACKUP` and `CNI-LAB` are nobody's but their
//! author's. A fixed word can be anybody's, too: it needs a rule, or a jump into it, that the maker writes.

/// Who makes chains on a node of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maker {
    /// kube-proxy and the kubelet (kubernetes, pkg/proxy/{iptables,ipvs}, pkg/kubelet/kubelet_network_linux.go).
    KubeProxy,
    /// kube-router (pkg/controllers/{netpol,proxy}).
    KubeRouter,
    /// flanneld since 0.21 (pkg/trafficmngr/iptables).
    Flannel,
    /// Calico's felix (felix/rules).
    Calico,
    /// Cilium (pkg/datapath/iptables).
    Cilium,
    /// Weave Net (net/bridge.go, npc/constants.go).
    Weave,
    /// Antrea (pkg/agent/route).
    Antrea,
    /// The CNI plugins bridge, portmap and firewall (containernetworking/plugins), for whatever runtime calls them.
    Plugins,
}

/// What a chain's name says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A hash of the maker's in it: nobody types that.
    Hash,
    /// A word that anybody can type.
    Word,
}

const KUBE_PROXY: &[&str] = &[
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-NODEPORTS",
    "KUBE-POSTROUTING",
    "KUBE-MARK-MASQ",
    "KUBE-MARK-DROP",
    "KUBE-FORWARD",
    "KUBE-FIREWALL",
    "KUBE-PROXY-FIREWALL",
    "KUBE-PROXY-CANARY",
    "KUBE-KUBELET-CANARY",
    "KUBE-IPTABLES-HINT",
    "KUBE-LOAD-BALANCER",
    "KUBE-NODE-PORT",
    "KUBE-SOURCE-RANGES-FIREWALL",
    "KUBE-IPVS-FILTER",
    "KUBE-IPVS-OUT-FILTER",
    "KUBE-PORTALS-CONTAINER",
    "KUBE-PORTALS-HOST",
];
const KUBE_ROUTER: &[&str] = &[
    "KUBE-ROUTER-INPUT",
    "KUBE-ROUTER-FORWARD",
    "KUBE-ROUTER-OUTPUT",
    "KUBE-ROUTER-SERVICES",
    "KUBE-ROUTER-HAIRPIN",
    "KUBE-NWPLCY-DEFAULT",
    "KUBE-NWPLCY-COMMON",
];
const FLANNEL: &[&str] = &["FLANNEL-POSTRTG", "FLANNEL-FWD"];
const WEAVE: &[&str] = &[
    "WEAVE",
    "WEAVE-CANARY",
    "WEAVE-EXPOSE",
    "WEAVE-NPC",
    "WEAVE-NPC-DEFAULT",
    "WEAVE-NPC-INGRESS",
    "WEAVE-NPC-EGRESS",
    "WEAVE-NPC-EGRESS-ACCEPT",
    "WEAVE-NPC-EGRESS-CUSTOM",
    "WEAVE-NPC-EGRESS-DEFAULT",
    "WEAVE-IPSEC-IN",
    "WEAVE-IPSEC-IN-MARK",
    "WEAVE-IPSEC-OUT",
    "WEAVE-IPSEC-OUT-MARK",
];
const ANTREA: &[&str] = &[
    "ANTREA-FORWARD",
    "ANTREA-INPUT",
    "ANTREA-OUTPUT",
    "ANTREA-PREROUTING",
    "ANTREA-POSTROUTING",
    "ANTREA-MANGLE",
    "ANTREA-POL-PRE-INGRESS-RULES",
    "ANTREA-POL-INGRESS-RULES",
    "ANTREA-POL-PRE-EGRESS-RULES",
    "ANTREA-POL-EGRESS-RULES",
];
const PLUGINS: &[&str] = &[
    "CNI-FORWARD",
    "CNI-ADMIN",
    "CNI-HOSTPORT-DNAT",
    "CNI-HOSTPORT-SNAT",
    "CNI-HOSTPORT-SETMARK",
    "CNI-HOSTPORT-MASQ",
    "CNI-ISOLATION-STAGE-1",
    "CNI-ISOLATION-STAGE-2",
];
/// Whether a byte is one of a hash's.
type Alphabet = fn(u8) -> bool;
/// Beginnings behind which a maker writes a hash: its alphabet, and its length.
const HASHED: &[(Maker, &str, Alphabet, usize)] = &[
    (Maker::KubeProxy, "KUBE-SVC-", base32, 16),
    (Maker::KubeProxy, "KUBE-SVL-", base32, 16),
    (Maker::KubeProxy, "KUBE-SEP-", base32, 16),
    (Maker::KubeProxy, "KUBE-EXT-", base32, 16),
    (Maker::KubeProxy, "KUBE-XLB-", base32, 16),
    (Maker::KubeProxy, "KUBE-FW-", base32, 16),
    (Maker::KubeRouter, "KUBE-POD-FW-", base32, 16),
    (Maker::KubeRouter, "KUBE-NWPLCY-", base32, 16),
    // Truncated SHA-512 of network and container, so that the whole name has 28 characters (pkg/utils/utils.go).
    (Maker::Plugins, "CNI-DN-", hex, 21),
    (Maker::Plugins, "CNI-SN-", hex, 21),
    (Maker::Plugins, "CNI-", hex, 24),
];
/// Names of Calico's and Cilium's dispatch, policy and profile chains vary: the beginning is theirs by upstream's word.
const PREFIXED: &[(Maker, &str)] =
    &[(Maker::Calico, "cali-"), (Maker::Cilium, "CILIUM_"), (Maker::Cilium, "OLD_CILIUM_")];

fn base32(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'2'..=b'7')
}

fn hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Who makes chains of this name; nothing for a name that no maker gives.
pub fn maker(name: &str) -> Option<(Maker, Evidence)> {
    let hashed = HASHED.iter().find(|(_, prefix, alphabet, length)| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.len() == *length && rest.bytes().all(alphabet))
    });
    if let Some((maker, ..)) = hashed {
        return Some((*maker, Evidence::Hash));
    }
    let words = [
        (Maker::KubeProxy, KUBE_PROXY),
        (Maker::KubeRouter, KUBE_ROUTER),
        (Maker::Flannel, FLANNEL),
        (Maker::Weave, WEAVE),
        (Maker::Antrea, ANTREA),
        (Maker::Plugins, PLUGINS),
    ];
    let word = words.iter().find(|(_, names)| names.contains(&name)).map(|(maker, _)| *maker);
    let prefixed = PREFIXED.iter().find(|(_, prefix)| name.starts_with(prefix)).map(|(maker, _)| *maker);
    word.or(prefixed).map(|maker| (maker, Evidence::Word))
}

/// Whether the name looks like one of Kubernetes' without being one that anybody makes: for telling what was kept.
pub fn resembles(name: &str) -> bool {
    ["KUBE-", "CNI-", "FLANNEL-", "WEAVE-", "cali-", "CILIUM_", "ANTREA-"].iter().any(|start| name.starts_with(start))
}

/// Whether a rule with these words, as `iptables-save` prints them and without quotes, is one that the maker writes.
/// It stands in a chain of the maker's, or leads into one.
pub fn is_signed(maker: Maker, words: &[String]) -> bool {
    let values = |option: &'static str| words.windows(2).filter(move |pair| pair[0] == option).map(|pair| &pair[1]);
    let comment = |is: &dyn Fn(&str) -> bool| values("--comment").any(|comment| is(comment));
    let set = |start: &str| values("--match-set").any(|name| name.starts_with(start));
    match maker {
        Maker::KubeProxy => {
            let mark = |option| values(option).any(|mark| is_single_bit_mark(mark));
            set("KUBE-") || mark("--mark") || mark("--set-xmark") || comment(&is_kube_proxys)
        }
        Maker::KubeRouter => {
            let said = ["kube-router netpol", "rule to ", "rule for ", "allow traffic to ", "run through "];
            set("KUBE-") || set("kube-router-") || comment(&|text| said.iter().any(|start| text.starts_with(start)))
        }
        Maker::Flannel => comment(&|text| text.starts_with("flanneld ")),
        // `cali:` and the first 16 characters of a base64 SHA-224 of the rule (felix/iptables/rules.go).
        Maker::Calico => comment(&|text| text.strip_prefix("cali:").is_some_and(|hash| hash.len() == 16)),
        Maker::Cilium => comment(&|text| text.starts_with("cilium")),
        Maker::Weave => set("weave") || values("-i").chain(values("-o")).any(|link| link == "weave"),
        Maker::Antrea => set("ANTREA-") || comment(&|text| text.starts_with("Antrea: ")),
        Maker::Plugins => comment(&|text| network(text).is_some() || text.starts_with("CNI ")),
    }
}

/// The comments of kube-proxy and the kubelet: fixed sentences, or a service's `namespace/name:port` and what about it.
fn is_kube_proxys(comment: &str) -> bool {
    let about =
        [" cluster IP", " external IP", " loadbalancer IP", " has no endpoints", " has no local endpoints", " -> "];
    comment.starts_with("kubernetes ")
        || comment == "block incoming localnet connections"
        || comment == "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose"
        || comment.starts_with("Kubernetes ") && comment.contains("service")
        || comment.contains('/') && about.iter().any(|words| comment.contains(words))
}

/// `0x4000/0x4000`: one bit, as kube-proxy and the kubelet make it of --iptables-masquerade-bit; 0x8000 for dropping.
fn is_single_bit_mark(mark: &str) -> bool {
    let number = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let (value, mask) = mark.split_once('/').unwrap_or((mark, ""));
    value == mask && matches!(number(value), Some(0x4000 | 0x8000))
}

/// The CNI network in the comment that the bridge and portmap plugins write: `name: "cni0" id: "..."`, with or without
/// `dnat ` before it (containernetworking/plugins, pkg/utils/utils.go).
pub fn network(comment: &str) -> Option<&str> {
    let (before, rest) = comment.split_once("name: \"")?;
    let (name, rest) = rest.split_once('"')?;
    (matches!(before, "" | "dnat ") && rest.starts_with(" id: \"")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    #[test]
    fn only_names_that_somebody_makes_have_a_maker() {
        assert_eq!(maker("KUBE-SVC-ERIFXISQEP7F7OF4"), Some((Maker::KubeProxy, Evidence::Hash)));
        assert_eq!(maker("KUBE-FORWARD"), Some((Maker::KubeProxy, Evidence::Word)));
        assert_eq!(maker("KUBE-NWPLCY-DEFAULT"), Some((Maker::KubeRouter, Evidence::Word)));
        assert_eq!(maker("CNI-0123456789abcdef01234567"), Some((Maker::Plugins, Evidence::Hash)));
        assert_eq!(maker("CNI-DN-0123456789abcdef01234"), Some((Maker::Plugins, Evidence::Hash)));
        for mine in
            ["KUBE-BACKUP", "KUBE-SVC-BACKUP", "CNI-LAB", "CNI-DN-LAB", "FLANNEL-X", "WEAVE-ME", "MY-KUBE-FORWARD"]
        {
            assert_eq!(maker(mine), None, "{mine}");
        }
    }

    #[test]
    fn upstreams_rules_are_signed_and_a_persons_are_not() {
        let kube = |text| is_signed(Maker::KubeProxy, &words(text));
        assert!(kube("-A|INPUT|-m|comment|--comment|kubernetes health check service ports|-j|KUBE-NODEPORTS"));
        assert!(kube("-A|KUBE-SERVICES|-m|comment|--comment|default/kubernetes:https cluster IP|-j|KUBE-SVC-X"));
        assert!(kube("-A|KUBE-MARK-MASQ|-j|MARK|--set-xmark|0x4000/0x4000"));
        assert!(!kube("-A|KUBE-FORWARD|-s|10.0.0.0/8|-j|ACCEPT"));
        assert!(!kube("-A|KUBE-FORWARD|-m|comment|--comment|my home network|-j|ACCEPT"));
        assert!(is_signed(Maker::Plugins, &words("-A|POSTROUTING|--comment|name: \"cbr0\" id: \"2\"|-j|CNI-X")));
        assert!(!is_signed(Maker::Plugins, &words("-A|POSTROUTING|--comment|my lab|-j|CNI-FORWARD")));
    }
}
