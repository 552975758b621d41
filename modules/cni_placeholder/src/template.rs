//! The two files, as text; `node::placeholder` recognises them.
//!
//! Their content is that of the older system whose feature this is, so that what is found on its nodes is recognised.

use crate::args::{Args, Profile};
use serde_json::json;

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
