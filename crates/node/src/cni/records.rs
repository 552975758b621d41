//! Which veth of this machine belongs to which sandbox, as libcni recorded it.
//!
//! `/var/lib/cni/results/<network>-<container>-<interface>` holds the CNI result of every attachment since libcni 0.8
//! (containernetworking/cni, libcni/api.go): the interface without a `sandbox` that is not the bridge is the host's end.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One attachment's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The sandbox's id.
    pub container: String,
    /// The network's name.
    pub network: String,
    /// The host's end of the pod's veth.
    pub veth: Option<String>,
    /// The file.
    pub file: PathBuf,
}

/// All records that can be read; one that cannot is somebody else's.
pub fn records(dir: &Path, bridge: &str) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for name in host::files::names(dir)? {
        let file = dir.join(name);
        let bytes = host::files::read_optional(&file).ok().flatten().unwrap_or_default();
        records.extend(parse(&bytes, bridge, file));
    }
    Ok(records)
}

fn parse(bytes: &[u8], bridge: &str, file: PathBuf) -> Option<Record> {
    let record: Value = serde_json::from_slice(bytes).ok()?;
    let outside = |interface: &&Value| {
        interface["sandbox"].as_str().unwrap_or_default().is_empty() && interface["name"].as_str() != Some(bridge)
    };
    let interfaces = record["result"]["interfaces"].as_array();
    let veth = interfaces.into_iter().flatten().find(outside);
    Some(Record {
        container: record["containerId"].as_str()?.to_owned(),
        network: record["networkName"].as_str()?.to_owned(),
        veth: veth.and_then(|interface| interface["name"].as_str()).map(str::to_owned),
        file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_end_is_the_interface_outside_that_is_not_the_bridge() {
        let json = br#"{"kind":"cniCacheV1","containerId":"ab","networkName":"cbr0","ifName":"eth0","result":{
            "interfaces":[{"name":"cni0"},{"name":"vethab"},{"name":"eth0","sandbox":"/var/run/netns/cni-1"}]}}"#;
        let record = parse(json, "cni0", "/f".into()).unwrap();
        assert_eq!((record.veth.as_deref(), record.network.as_str()), (Some("vethab"), "cbr0"));
        assert!(parse(b"{}", "cni0", "/f".into()).is_none());
    }
}
