//! What libcni remembers of every attachment: which configuration a pod's network was made with.
//!
//! Source: containernetworking/cni `libcni/api.go` (cachedInfo, "cniCacheV1"), files
//! `/var/lib/cni/results/<network>-<container>-<interface>`, written since libcni 0.8. An address alone would not tell:
//! the placeholder's network contains every node's own.

use base64::Engine as _;
use host::cni::{self, Network};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Where libcni keeps them.
pub const RESULTS: &str = "/var/lib/cni/results";

/// One pod's attachment to one network.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// The sandbox's id.
    pub container: String,
    /// The interface in the pod, mostly `eth0`.
    pub interface: String,
    /// The network it was made with.
    pub network: Network,
    /// The `cniVersion` it was made with.
    pub cni_version: String,
    /// The remembered file.
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cached {
    kind: String,
    container_id: String,
    config: String,
    if_name: String,
}

/// Every attachment that can be read. A file that is none is somebody else's, or of a version before there was one.
pub fn attachments(dir: &Path) -> anyhow::Result<Vec<Attachment>> {
    let mut found = Vec::new();
    for name in host::files::names(dir)? {
        let file = dir.join(name);
        if let Some(bytes) = host::files::read_optional(&file).ok().flatten()
            && let Some(attachment) = parse(&bytes, file)
        {
            found.push(attachment);
        }
    }
    Ok(found)
}

fn parse(bytes: &[u8], file: PathBuf) -> Option<Attachment> {
    let cached: Cached = serde_json::from_slice(bytes).ok()?;
    if cached.kind != "cniCacheV1" || !is_id(&cached.container_id) {
        return None;
    }
    let config = base64::engine::general_purpose::STANDARD.decode(&cached.config).ok()?;
    let network = cni::parse(&config, true).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&config).ok()?;
    let cni_version = value["cniVersion"].as_str().unwrap_or("0.3.1").to_owned();
    Some(Attachment { container: cached.container_id, interface: cached.if_name, network, cni_version, file })
}

/// An id goes into file names: only what runtimes use.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_tells_the_configuration_it_was_made_with() {
        let config = r#"{"name":"cni0","cniVersion":"0.3.1","plugins":[{"type":"bridge","bridge":"cni0"}]}"#;
        let config = base64::engine::general_purpose::STANDARD.encode(config);
        let json = format!(
            r#"{{"kind":"cniCacheV1","containerId":"ab12","config":"{config}","ifName":"eth0","networkName":"cni0","result":{{}}}}"#
        );
        let found = parse(json.as_bytes(), "/f".into()).unwrap();
        assert_eq!(
            (found.container.as_str(), found.network.types(), found.cni_version.as_str()),
            ("ab12", vec!["bridge"], "0.3.1")
        );
    }

    #[test]
    fn a_file_that_is_none_is_left_out() {
        assert!(parse(b"{}", "/f".into()).is_none());
        assert!(
            parse(br#"{"kind":"cniCacheV1","containerId":"../x","config":"","ifName":"eth0"}"#, "/f".into()).is_none()
        );
    }
}
