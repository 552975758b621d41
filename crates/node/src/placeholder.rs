//! The placeholder: a CNI configuration that is there until the real network comes.
//!
//! `cni_placeholder` writes it; whoever repairs or diagnoses a node has to know it from a network that somebody made.

use host::cni::Network;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The file that is written unless another is asked for.
pub const FILE: &str = "/etc/cni/net.d/00-placeholder.conflist";
/// flannel's, in whose place the placeholder of a worker stands.
pub const FLANNEL_FILE: &str = "/etc/cni/net.d/10-flannel.conflist";

/// What is made from the placeholder of this node, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The directory that the runtime loads.
    pub conf_dir: PathBuf,
    /// The network's name, which names its address leases.
    pub name: String,
    /// Its bridge.
    pub bridge: String,
    /// Its addresses, in CIDR notation.
    pub subnet: String,
    /// Where its plugins are, in the order in which they are looked for.
    pub plugin_dirs: [PathBuf; 2],
    /// The runtime's socket.
    pub socket: String,
}

impl Placeholder {
    /// As `cni_placeholder` makes it when nothing else is asked for.
    pub fn usual(socket: &str) -> Self {
        Placeholder {
            conf_dir: host::cni::CONF_DIR.into(),
            name: "cni0".into(),
            bridge: "cni0".into(),
            subnet: "10.244.0.0/16".into(),
            plugin_dirs: ["/opt/cni/bin".into(), "/usr/lib/cni".into()],
            socket: socket.into(),
        }
    }
}

/// A file that `cni_placeholder` or flannel's pod writes, by its name: whatever it says, they write it anew.
pub fn is_written_anew(path: &Path) -> bool {
    let named_as = |file: &str| path.file_name() == Path::new(file).file_name();
    named_as(FILE) || named_as(FLANNEL_FILE)
}

/// Whether a network is a placeholder of the bridge profile, whatever its bridge and subnet: one `bridge` plugin with
/// exactly the keys that `cni_placeholder` writes. A bridge network that somebody made by hand has more, or fewer, and is
/// theirs.
pub fn is_placeholder(network: &Network) -> bool {
    let has_exactly =
        |map: &Map<String, Value>, keys: &[&str]| map.len() == keys.len() && keys.iter().all(|k| map.contains_key(*k));
    let [plugin] = network.plugins.as_slice() else { return false };
    let ipam = plugin.get("ipam").and_then(Value::as_object);
    has_exactly(plugin, &["type", "bridge", "isDefaultGateway", "ipMasq", "ipam"])
        && plugin["type"] == "bridge"
        && ipam.is_some_and(|i| has_exactly(i, &["type", "subnet"]) && i["type"] == "host-local")
}
