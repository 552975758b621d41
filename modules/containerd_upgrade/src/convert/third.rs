//! Version 3 to 4: the server's own settings are those of plugins (containerd `serviceMigrate`).

use super::{Notes, moves};
use node::containerd::config::paths;
use toml_edit::{DocumentMut, Value};

const SERVER: &str = "io.containerd.server.v1";

/// What goes from a table at the top to which plugin, and its name there.
const MOVES: [(&str, &str, &str, &str); 17] = [
    ("grpc", "address", "grpc", "address"),
    ("grpc", "uid", "grpc", "uid"),
    ("grpc", "gid", "grpc", "gid"),
    ("grpc", "max_recv_message_size", "grpc", "max_recv_message_size"),
    ("grpc", "max_send_message_size", "grpc", "max_send_message_size"),
    ("grpc", "tcp_address", "grpc-tcp", "address"),
    ("grpc", "tcp_tls_ca", "grpc-tcp", "tls_ca"),
    ("grpc", "tcp_tls_cert", "grpc-tcp", "tls_cert"),
    ("grpc", "tcp_tls_key", "grpc-tcp", "tls_key"),
    ("grpc", "tcp_tls_common_name", "grpc-tcp", "tls_common_name"),
    ("ttrpc", "address", "ttrpc", "address"),
    ("ttrpc", "uid", "ttrpc", "uid"),
    ("ttrpc", "gid", "ttrpc", "gid"),
    ("debug", "address", "debug", "address"),
    ("debug", "uid", "debug", "uid"),
    ("debug", "gid", "debug", "gid"),
    ("metrics", "address", "metrics", "address"),
];

pub(super) fn to_fourth(document: &mut DocumentMut, notes: &mut Notes) -> anyhow::Result<()> {
    let text = |document: &DocumentMut, path: &[&str]| {
        paths::value(document, path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let grpc = text(document, &["grpc", "address"]);
    let ttrpc = text(document, &["ttrpc", "address"]);
    for (table, key, plugin, name) in MOVES {
        let Some(taken) = moves::take(document, &[table, key]) else { continue };
        // An empty address is no address: as a plugin's setting it would be one.
        if taken.1.as_str() == Some("") {
            notes.did(format!("{table}.{key}, which is empty, goes"));
            continue;
        }
        let plugin = format!("{SERVER}.{plugin}");
        moves::put(document, &["plugins", &plugin, name], taken)?;
        notes.did(format!("{table}.{key} goes to {plugin}, as {name}"));
    }
    let histogram = ["plugins", "io.containerd.metrics.v1.grpc-prometheus", "grpc_histogram"];
    if moves::rename(document, &["metrics", "grpc_histogram"], &histogram)? {
        notes.did("metrics.grpc_histogram goes to io.containerd.metrics.v1.grpc-prometheus");
    }
    // It was derived from the other address so far, and is not any more.
    if let (Some(address), None) = (grpc, ttrpc) {
        let ttrpc = format!("{address}.ttrpc");
        paths::set(document, &["plugins", &format!("{SERVER}.ttrpc"), "address"], ttrpc.as_str())?;
        notes.did(format!("{SERVER}.ttrpc is told its address, {ttrpc}"));
    }
    for table in ["grpc", "ttrpc", "debug", "metrics"] {
        moves::drop_empty(document, &[table]);
    }
    Ok(())
}
