//! Firewall rules, as each generation of flannel sets them: in a chain of its own; before 0.20 in POSTROUTING itself; in
//! tables of nftables. Unlike a real one this looks after none of them later.

use crate::{faults, hostside};
use anyhow::{Result, bail};

/// Sets what masquerades, where that is wanted, and what lets pods through.
pub fn set(network: &str, subnet: &str, masq: bool) -> Result<()> {
    if masq {
        match faults::parameter("flannel-rules").as_deref() {
            None => chain(network, subnet)?,
            Some("plain") => plain(network, subnet)?,
            Some("nftables") => nftables(network, subnet)?,
            Some(other) => bail!("flannel-rules is {other:?}: it must be plain or nftables"),
        }
    }
    let note = "-m comment --comment \"flanneld forward\"";
    hostside::restore(&format!(
        "*filter\n:FLANNEL-FWD - [0:0]\n-A FLANNEL-FWD -s {network} {note} -j ACCEPT\n-A FLANNEL-FWD -d {network} {note} -j ACCEPT\nCOMMIT\n"
    ))?;
    hostside::rule("filter", "-A", "FORWARD", &["-m", "comment", "--comment", "flanneld forward", "-j", "FLANNEL-FWD"])
}

fn chain(network: &str, subnet: &str) -> Result<()> {
    let note = "-m comment --comment \"flanneld masq\"";
    hostside::restore(&format!(
        "*nat\n:FLANNEL-POSTRTG - [0:0]\n\
         -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 {note} -j RETURN\n\
         -A FLANNEL-POSTRTG -s {subnet} -d {network} {note} -j RETURN\n\
         -A FLANNEL-POSTRTG -s {network} -d {subnet} {note} -j RETURN\n\
         -A FLANNEL-POSTRTG ! -s {network} -d {subnet} {note} -j RETURN\n\
         -A FLANNEL-POSTRTG -s {network} ! -d 224.0.0.0/4 {note} -j MASQUERADE --random-fully\n\
         -A FLANNEL-POSTRTG ! -s {network} -d {network} {note} -j MASQUERADE --random-fully\nCOMMIT\n"
    ))?;
    let jump = ["-m", "comment", "--comment", "flanneld masq", "-j", "FLANNEL-POSTRTG"];
    hostside::rule("nat", "-A", "POSTROUTING", &jump)
}

fn plain(network: &str, subnet: &str) -> Result<()> {
    let rules: [&[&str]; 4] = [
        &["-s", network, "-d", network, "-j", "RETURN"],
        &["-s", network, "!", "-d", "224.0.0.0/4", "-j", "MASQUERADE", "--random-fully"],
        &["!", "-s", network, "-d", subnet, "-j", "RETURN"],
        &["!", "-s", network, "-d", network, "-j", "MASQUERADE", "--random-fully"],
    ];
    rules.iter().try_for_each(|rule| hostside::rule("nat", "-A", "POSTROUTING", rule))
}

fn nftables(network: &str, subnet: &str) -> Result<()> {
    let script = format!(
        "add table ip flannel-ipv4\n\
         add chain ip flannel-ipv4 postrtg {{ type nat hook postrouting priority srcnat; }}\n\
         flush chain ip flannel-ipv4 postrtg\n\
         add rule ip flannel-ipv4 postrtg meta mark 0x4000 return\n\
         add rule ip flannel-ipv4 postrtg ip saddr {subnet} ip daddr {network} return\n\
         add rule ip flannel-ipv4 postrtg ip saddr {network} ip daddr {subnet} return\n\
         add rule ip flannel-ipv4 postrtg ip saddr != {subnet} ip daddr {network} return\n\
         add rule ip flannel-ipv4 postrtg ip saddr {network} ip daddr != 224.0.0.0/4 masquerade fully-random\n\
         add rule ip flannel-ipv4 postrtg ip saddr != {network} ip daddr {network} masquerade fully-random\n"
    );
    let ran = hostside::run("nft", &["-f", "-"], Some(&script))?;
    if ran.code != 0 {
        bail!("nft: exit status {}: {}", ran.code, ran.err.trim());
    }
    Ok(())
}
