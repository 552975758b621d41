//! iptables-save: what is taken for Kubernetes' is in the text, and what is foreign is in no removal.

use crate::Check;
use firewall::iptables::{Naming, Owner, Removal, Table, claim, parse};
use host::cidr::Cidr;
use std::collections::HashSet;

/// Comments and chain names are whatever other programs wrote.
pub static CHECK: Check = Check {
    name: "iptables_save",
    run,
    seed_dirs: &["crates/firewall/tests/data"],
    seeds: &[
        b"*filter\n:INPUT ACCEPT [0:0]\n:KUBE-A - [0:0]\n[1:2] -A INPUT -m comment --comment \"a \\\" -j\nb\" -j KUBE-A\nCOMMIT\n",
        b"# Table `mangle' is incompatible, use 'nft' tool.\n*nat\n:it\"s - [0:0]\n:CNI-0a - [0:0]\n-A CNI-0a -m comment --comment \"name: \\\"podman\\\" id: \\\"x\\\"\" -j ACCEPT\nCOMMIT\n",
    ],
    words: &[
        "*nat\n", "COMMIT\n", ":KUBE-X - [0:0]\n", ":CNI-ADMIN - [0:0]\n", "-A ", " -j ", " -g ", "KUBE-", "CNI-", "CNI-HOSTPORT-DNAT",
        "FLANNEL-FWD", "cali-", "CILIUM_", " --comment ", "\"", "\\\"", "[1:2] ", "10.244.0.0/16", "name: \\\"podman\\\"",
    ],
};

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let Ok(save) = parse(data) else { return };
    let mut owner = Owner::default();
    owner.pod_networks.extend("10.244.0.0/16".parse::<Cidr>());
    for table in &save.tables {
        judge(table, &owner, data);
    }
}

fn judge(table: &Table, owner: &Owner, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for rule in &table.rules {
        assert!(contains(data, &rule.line), "a rule that is not in the text: {rule:?}");
        assert_eq!(rule.words().get(1), Some(&rule.chain));
    }
    let claim = claim(table, owner);
    let built_in: HashSet<&str> =
        table.chains.iter().filter(|chain| chain.policy.is_some()).map(|chain| chain.name.as_str()).collect();
    for chain in claim.chains.iter().chain(&claim.held) {
        assert!(text.contains(chain.as_str()), "a chain that is not in the text: {chain:?}");
    }
    for chain in &claim.chains {
        let only_built_in = built_in.contains(chain.as_str())
            && !table.chains.iter().any(|other| other.name == *chain && other.policy.is_none());
        assert!(!only_built_in, "a built-in chain would be deleted: {chain:?}");
        assert!(!claim.held.contains(chain), "both held and deleted: {chain:?}");
    }
    assert!(claim.rules.is_sorted() && claim.rules.iter().all(|at| *at < table.rules.len()));
    let Some(removal) = Removal::of(table, owner) else {
        assert!(claim.is_empty());
        return;
    };
    assert_eq!(removal.rules.len(), claim.rules.len());
    for naming in [Naming::Words, Naming::Position] {
        let script = removal.script(naming);
        assert!(script.starts_with(b"*") && script.ends_with(b"COMMIT\n"));
        assert!(!contains(&script, b"\n-F"), "nothing is flushed by name");
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
