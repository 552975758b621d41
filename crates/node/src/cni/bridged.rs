//! The network whose pods hang on a bridge, by its configuration.

use super::{Running, is_real};
use crate::placeholder::is_placeholder;
use host::cni::{self, Network};
use std::path::{Path, PathBuf};

/// A network whose pods hang on a bridge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bridged {
    /// The file.
    pub conf: PathBuf,
    /// The network's name, which names its leases.
    pub name: String,
    /// The bridge.
    pub bridge: String,
    /// Whether its ports reflect.
    pub hairpin: bool,
    /// It is a placeholder, and there is no real network yet.
    pub placeholder: bool,
}

/// The first file by name whose network may work here, if it makes a bridge; a placeholder only when there is no other.
pub fn bridged() -> anyhow::Result<Option<Bridged>> {
    let confs = cni::load(cni::CONF_DIR)?;
    let running = Running::observe();
    let usable = |conf: &&cni::Conf| is_real(conf, &running) || conf.network.as_ref().is_ok_and(is_placeholder);
    let network = |conf: &cni::Conf| Some((conf.path.clone(), conf.network.as_ref().ok()?.clone()));
    let usable: Vec<(PathBuf, Network)> = confs.iter().filter(usable).filter_map(network).collect();
    let real = usable.iter().find(|(_, network)| !is_placeholder(network));
    let Some((path, network)) = real.or(usable.first()) else { return Ok(None) };
    Ok(of(path, network))
}

fn of(path: &Path, network: &Network) -> Option<Bridged> {
    let main = network.plugins.first()?;
    // flannel passes `delegate` on to the bridge plugin, whose default bridge is cni0.
    let options = match main.get("type")?.as_str()? {
        "flannel" => main.get("delegate").and_then(|delegate| delegate.as_object()).cloned().unwrap_or_default(),
        "bridge" => main.clone(),
        _ => return None,
    };
    Some(Bridged {
        conf: path.to_owned(),
        name: network.name.clone(),
        bridge: options.get("bridge").and_then(|name| name.as_str()).unwrap_or("cni0").to_owned(),
        hairpin: options.get("hairpinMode").and_then(|on| on.as_bool()).unwrap_or(false),
        placeholder: is_placeholder(network),
    })
}
