//! The two files, as text, and how one of ours is recognised.
//!
//! Their content is that of the older system whose feature this is, so that what is found on its nodes is recognised.

use crate::args::{Args, Profile};
use host::cni::Network;
use serde_json::{Map, Value, json};

/// The file's text: JSON with two blanks per level, keys in this order.
pub fn render(args: &Args) -> String {
    let plugins = match args.profile {
        Profile::Bridge => json!([{
            "type": "bridge",
            "bridge": args.bridge,
            "isDefaultGateway": true,
            "ipMasq": true,
            "ipam": {"type": "host-local", "subnet": args.subnet}
        }]),
        Profile::Flannel => json!([
            {"type": "flannel", "delegate": {"hairpinMode": true, "isDefaultGateway": true}},
            {"type": "portmap", "capabilities": {"portMappings": true}}
        ]),
    };
    let file = json!({"name": args.name, "cniVersion": args.cni_version, "plugins": plugins});
    format!("{file:#}\n")
}

/// Whether a network is a placeholder of the bridge profile, whatever its bridge and subnet: one `bridge` plugin with
/// exactly the keys this module writes. A bridge network that somebody made by hand has more, or fewer, and is theirs.
pub fn is_placeholder(network: &Network) -> bool {
    let has_exactly =
        |map: &Map<String, Value>, keys: &[&str]| map.len() == keys.len() && keys.iter().all(|k| map.contains_key(*k));
    let [plugin] = network.plugins.as_slice() else { return false };
    let ipam = plugin.get("ipam").and_then(Value::as_object);
    has_exactly(plugin, &["type", "bridge", "isDefaultGateway", "ipMasq", "ipam"])
        && plugin["type"] == "bridge"
        && ipam.is_some_and(|i| has_exactly(i, &["type", "subnet"]) && i["type"] == "host-local")
}
