//! CNI configuration: what is taken has what a runtime needs, and the rest is refused with half a sentence.

use crate::Check;
use host::cni;
use serde_json::{Value, json};

/// Any pod with the host's /etc/cni/net.d mounted writes there, such as flannel's.
pub static CHECK: Check = Check {
    name: "cni_conf",
    run,
    seed_dirs: &[],
    seeds: &[
        br#"{"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel","delegate":{"hairpinMode":true}},{"type":"portmap","capabilities":{"portMappings":true}}]}"#,
        br#"{"cniVersion":"0.3.1","name":"n","type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.0.0/24"}]]}}"#,
        br#"{"name":"","plugins":[{"type":""}]}"#,
        br#"{"cniVersion":"1.0.0","name":"lo","plugins":[{"type":"loopback"}]}"#,
    ],
    words: &["\"name\"", "\"plugins\"", "\"type\"", "\"ipam\"", "\"loopback\"", "null", "[]", "{}", "\"\\u0000\"", "1e999", "[[[["],
};

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    for list in [false, true] {
        match cni::parse(data, list) {
            Err(why) => assert!(!why.is_empty() && !why.contains('\n'), "{why:?}"),
            Ok(network) => {
                assert!(!network.name.is_empty() && !network.plugins.is_empty());
                assert_eq!(network.types().len(), network.plugins.len(), "a plugin has no type");
                assert!(network.types().iter().all(|kind| !kind.is_empty()));
                assert!(network.programs().len() >= network.types().len());
                assert!(!network.is_loopback_only() || network.types().iter().all(|kind| *kind == "loopback"));
                let again = match list {
                    true => json!({"name": network.name, "cniVersions": network.versions, "plugins": network.plugins}),
                    false => Value::Object(network.plugins[0].clone()),
                };
                let again = cni::parse(again.to_string().as_bytes(), list);
                assert_eq!(again, Ok(network), "written back it is another network");
            }
        }
    }
}
