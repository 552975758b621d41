//! Rules that a network plugin puts straight into built-in chains, without a chain of its own: told by their exact shape
//! and by the network they are about. One word more, and a rule is somebody else's.

use host::cidr::Cidr;

use crate::chains::Maker;

/// What is known of the plugins that write such rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// flannel's networks (`FLANNEL_NETWORK`); not just any pod network.
    pub flannel: Vec<Cidr>,
    /// Weave has chains of its own in the same table.
    pub weave: bool,
}

/// Whose rule this is, by its words from `-A` on; nothing when it is not one of a plugin's.
pub fn maker(table: &str, words: &[String], known: &Known) -> Option<Maker> {
    let (chain, rest) = (words.get(1)?, words.get(2..)?);
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let flannel = || {
        let plain = without_comment(&rest, "flanneld ");
        known.flannel.iter().any(|network| is_flannels(table, chain, &plain, network))
    };
    if flannel() {
        return Some(Maker::Flannel);
    }
    (known.weave && is_weaves(table, chain, &rest)).then_some(Maker::Weave)
}

/// flannel before 0.21 (network/iptables.go: MasqRules, ForwardRules); 0.20 adds the comment that was taken off here.
fn is_flannels(table: &str, chain: &str, rest: &[&str], network: &Cidr) -> bool {
    let (all, multicast) = (network.to_string(), if network.address().is_ipv4() { "224.0.0.0/4" } else { "ff00::/8" });
    let all = all.as_str();
    let inside = |text: &str| text.parse::<Cidr>().is_ok_and(|subnet| network.contains_network(&subnet));
    // A kernel that has it gets `--random-fully`.
    let masquerades = |rest: &[&str]| matches!(rest, ["-j", "MASQUERADE"] | ["-j", "MASQUERADE", "--random-fully"]);
    match (table, chain, rest) {
        ("nat", "POSTROUTING", ["-s", source, "-d", destination, "-j", "RETURN"]) => {
            *source == all && *destination == all
        }
        ("nat", "POSTROUTING", ["!", "-s", source, "-d", destination, "-j", "RETURN"]) => {
            *source == all && inside(destination)
        }
        ("nat", "POSTROUTING", ["-s", source, "!", "-d", destination, end @ ..]) => {
            *source == all && *destination == multicast && masquerades(end)
        }
        ("nat", "POSTROUTING", ["!", "-s", source, "-d", destination, end @ ..]) => {
            *source == all && *destination == all && masquerades(end)
        }
        ("filter", "FORWARD", ["-s" | "-d", either, "-j", "ACCEPT"]) => *either == all,
        _ => false,
    }
}

/// Weave Net 2.x (net/bridge.go: configureIPTables; prog/weave-npc/main.go). The last one of FORWARD drops.
fn is_weaves(table: &str, chain: &str, rest: &[&str]) -> bool {
    const CONTROL: &str = "Block non-local access to Weave Net control port";
    match (table, chain, rest) {
        ("filter", "FORWARD", ["-o", "weave", "-j", "DROP"])
        | ("filter", "FORWARD", ["-i", "weave", "!", "-o", "weave", "-j", "ACCEPT"]) => true,
        ("filter", "FORWARD", ["-o", "weave", middle @ .., "-j", "ACCEPT"]) => {
            matches!(middle, ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"])
        }
        ("filter", "FORWARD", ["-o", "weave", middle @ .., "-j", "NFLOG", "--nflog-group", "86"]) => {
            matches!(middle, ["-m", "state" | "conntrack", "--state" | "--ctstate", "NEW"])
        }
        ("filter", "INPUT", rest) => rest.contains(&CONTROL) && rest.ends_with(&["-j", "DROP"]),
        _ => false,
    }
}

fn without_comment<'a>(rest: &[&'a str], start: &str) -> Vec<&'a str> {
    let at = rest.windows(4).position(|four| four[..3] == ["-m", "comment", "--comment"] && four[3].starts_with(start));
    match at {
        Some(at) => [&rest[..at], &rest[at + 4..]].concat(),
        None => rest.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(table: &str, line: &str, known: &Known) -> Option<Maker> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        maker(table, &words, known)
    }

    #[test]
    fn flannels_rules_without_a_chain_are_told_by_shape_and_network() {
        let known = Known { flannel: vec!["10.244.0.0/16".parse().unwrap()], weave: false };
        for line in [
            "-A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.2.0/24 -j RETURN",
            "-A POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN",
            "-A POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully",
            "-A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.19.0/24 -j RETURN",
            "-A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE",
        ] {
            assert_eq!(of("nat", line, &known), Some(Maker::Flannel), "{line}");
            assert_eq!(of("nat", line, &Known::default()), None, "{line}");
        }
        for line in [
            "-A POSTROUTING -s 10.244.0.0/16 -o eth0 -j MASQUERADE",
            "-A POSTROUTING -s 10.244.0.0/24 ! -d 224.0.0.0/4 -j MASQUERADE",
            "-A POSTROUTING -s 10.88.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE",
            "-A POSTROUTING ! -s 10.244.0.0/16 -d 192.168.1.0/24 -j RETURN",
        ] {
            assert_eq!(of("nat", line, &known), None, "{line}");
        }
        assert_eq!(of("filter", "-A FORWARD -s 10.244.0.0/16 -j ACCEPT", &known), Some(Maker::Flannel));
        assert_eq!(of("filter", "-A INPUT -s 10.244.0.0/16 -j ACCEPT", &known), None);
    }

    #[test]
    fn weaves_drop_goes_only_where_weave_is() {
        let known = Known { flannel: Vec::new(), weave: true };
        assert_eq!(of("filter", "-A FORWARD -o weave -j DROP", &known), Some(Maker::Weave));
        assert_eq!(of("filter", "-A FORWARD -o weave -j DROP", &Known::default()), None);
        assert_eq!(of("filter", "-A FORWARD -o weave -s 10.0.0.1/32 -j DROP", &known), None);
    }
}
