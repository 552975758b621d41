//! CNI files and plugins.

use crate::finding::Finding;
use crate::observe::Facts;
use cni_placeholder::template::is_placeholder;
use cri::NETWORK_READY;

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
        found.push(Finding::new("cni_config_missing", evidence));
        return;
    };
    let name = first.path.display();
    let network = match &first.network {
        Err(why) => {
            found.push(Finding::new("cni_config_invalid", [format!("{name} {why}")]));
            return;
        }
        Ok(network) => network,
    };
    if network.is_loopback_only() {
        found.push(Finding::new("cni_loopback_only", [format!("{name} is the first file and has only loopback")]));
    }
    if is_placeholder(network) {
        let real = |c: &&host::cni::Conf| c.network.as_ref().is_ok_and(|n| !is_placeholder(n) && !n.is_loopback_only());
        match cni.confs.iter().skip(1).find(real) {
            Some(real) => {
                let words = format!("{name} is loaded, {} behind it is not", real.path.display());
                found.push(Finding::new("cni_placeholder_shadows", [words]));
            }
            None if facts.joined() && facts.network.flannel.is_some() => {
                let words = format!("{name} is the only file, though flannel runs on this node");
                found.push(Finding::new("cni_placeholder_left", [words]));
            }
            None => {}
        }
    }
    if !cni.missing.is_empty() {
        let dirs: Vec<String> = cni.plugin_dirs.iter().map(|d| d.display().to_string()).collect();
        let words = format!("{} names {}, which is not in {}", name, cni.missing.join(", "), dirs.join(", "));
        found.push(Finding::new("cni_plugins_missing", [words]));
    }
    if let Some(status) = facts.runtime.status()
        && !status.holds(NETWORK_READY)
    {
        let why = status.last_cni_load_status().unwrap_or("it does not say why");
        found.push(Finding::new("cni_not_loaded", [format!("{name} is there, and containerd says: {why}")]));
    }
}
