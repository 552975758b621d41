//! CNI files and plugins.

use crate::finding::Finding;
use crate::observe::Facts;
use cri::NETWORK_READY;
use host::cni::{CONF_DIR, Conf};
use node::cni::{Dead, made_by};
use node::code::Code;
use node::placeholder::{is_placeholder, is_written_anew as ours};
use std::path::Path;

const INVALID: &str = "a person has to mend or remove the file that the evidence names: it is not the placeholder's or flannel's, and no network is behind it";
const ELSEWHERE: &str = "containerd takes CNI configurations from the directory of the evidence (its conf_dir): set that to /etc/cni/net.d, where pod networks put theirs, and restart it";
const LOOPBACK: &str =
    "install the pod network on the cluster, and remove the file: containerd adds the loopback by itself";
const FOREIGN: &str = "give that file a name that sorts behind the network's, such as 87-podman.conflist, or remove it when nobody uses it; then recreate the pods that have its addresses";
const PLUGIN: &str = "a person has to install a plugin that runs here (Debian: containernetworking-plugins), remount without noexec, or set a cniVersion that all plugins speak";

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let cni = &facts.cni;
    let Some(first) = cni.in_force() else {
        // The join puts one there.
        if facts.outside() {
            return;
        }
        let mut evidence = vec![format!("{} has no .conf, .conflist or .json", cni.dir.display())];
        let said = facts.runtime.status().and_then(|s| s.last_cni_load_status()).filter(|s| *s != "OK");
        evidence.extend(said.map(|s| format!("containerd says: {s}")));
        let finding = Finding::new(Code::CniConfigMissing, evidence);
        // What the pod network writes, and what cni_repair would, goes to the usual place.
        found.push(if cni.dir == Path::new(CONF_DIR) { finding } else { finding.by_hand(ELSEWHERE) });
        return;
    };
    let name = first.path.display();
    let network = match &first.network {
        Err(why) => {
            let finding = Finding::new(Code::CniConfigInvalid, [format!("{name} {why}")]);
            let mendable = behind(facts).is_some() || ours(&first.path) && facts.network.flannel.is_some();
            found.push(if mendable { finding } else { finding.by_hand(INVALID) });
            return;
        }
        Ok(network) => network,
    };
    if network.is_loopback_only() {
        let finding = Finding::new(Code::CniLoopbackOnly, [format!("{name} is the first file and has only loopback")]);
        let mendable = behind(facts).is_some() || facts.network.flannel.is_some();
        found.push(if mendable { finding } else { finding.by_hand(LOOPBACK) });
    }
    if let Some(dead) = cni.dead(first) {
        leftover(facts, first, dead, found);
    }
    match (made_by(network), behind(facts)) {
        // Whose it is wants to keep it.
        (Some(maker), Some(real)) => {
            let words = format!("{name} is {maker} and is loaded, {} behind it is not", real.path.display());
            found.push(Finding::new(Code::CniConfigForeign, [words]).by_hand(FOREIGN));
        }
        (Some(maker), None) if facts.joined() && facts.network.flannel.is_some() => {
            let words = format!("{name} is {maker} and the only file, though flannel runs on this node");
            found.push(Finding::new(Code::CniConfigForeign, [words]));
        }
        _ => {}
    }
    if is_placeholder(network) {
        match behind(facts) {
            Some(real) => {
                let words = format!("{name} is loaded, {} behind it is not", real.path.display());
                found.push(Finding::new(Code::CniPlaceholderShadows, [words]));
            }
            None if facts.joined() && facts.network.flannel.is_some() => {
                let words = format!("{name} is the only file, though flannel runs on this node");
                found.push(Finding::new(Code::CniPlaceholderLeft, [words]));
            }
            None => {}
        }
    }
    if !cni.missing.is_empty() {
        let dirs: Vec<String> = cni.plugin_dirs.iter().map(|d| d.display().to_string()).collect();
        let words = format!("{} names {}, which is not in {}", name, cni.missing.join(", "), dirs.join(", "));
        found.push(Finding::new(Code::CniPluginsMissing, [words]));
    }
    if !cni.broken.is_empty() {
        let words = cni.broken.iter().map(|(broken, _)| format!("{name} names {}: {broken}", broken.plugin));
        let finding = Finding::new(Code::CniPluginBroken, words);
        found.push(if cni.broken.iter().all(|(_, mendable)| *mendable) { finding } else { finding.by_hand(PLUGIN) });
    }
    if let Some(status) = facts.runtime.status()
        && !status.holds(NETWORK_READY)
    {
        let why = status.last_cni_load_status().unwrap_or("it does not say why");
        found.push(Finding::new(Code::CniNotLoaded, [format!("{name} is there, and containerd says: {why}")]));
    }
}

/// The network that would be in force without the first file: a real one that may work.
fn behind(facts: &Facts) -> Option<&Conf> {
    let cni = &facts.cni;
    let real = |c: &&Conf| {
        c.network.as_ref().is_ok_and(|n| !is_placeholder(n) && !n.is_loopback_only() && made_by(n).is_none())
    };
    cni.confs.iter().skip(1).filter(real).find(|conf| cni.dead(conf).is_none())
}

/// The first file is of a network that does not run. An agent that does not run may be about to start: that is only said
/// where another network waits behind it.
fn leftover(facts: &Facts, first: &Conf, dead: &Dead, found: &mut Vec<Finding>) {
    let name = first.path.display();
    let words = format!("{name} is loaded: {}", dead.why);
    match behind(facts) {
        None if !dead.certain => {}
        None => found.push(
            Finding::new(Code::CniConfigLeftover, [words])
                .by_hand("bring that network back, or remove the file and install the pod network that is wanted"),
        ),
        Some(wanted) => {
            let finding =
                Finding::new(Code::CniConfigLeftover, [words, format!("{} behind it is not", wanted.path.display())]);
            let move_it = format!("move {name} out of the directory, unless that network is wanted and only starting");
            found.push(if dead.certain { finding } else { finding.by_hand(move_it) });
        }
    }
}
