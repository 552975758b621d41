//! Running pods by the runtime's word, and the addresses that host-local holds.

use super::{Lease, Pod};
use cri::Client;
use host::deadline::Deadline;
use host::files;
use node::cni::records::Record;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

pub(super) fn pods(socket: &str, records: &[Record], deadline: &Deadline) -> anyhow::Result<(Vec<Pod>, Vec<String>)> {
    let mut cri = Client::connect(socket, &deadline.at_most(Duration::from_secs(10)))?;
    let list = cri.list_pod_sandbox()?;
    let mut pods = Vec::new();
    for sandbox in list.iter().filter(|sandbox| sandbox.ready) {
        // One that is removed meanwhile is none of our pods any more.
        let Ok(status) = cri.pod_sandbox_status(&sandbox.id) else { continue };
        if !status.host_network || sandbox.name.starts_with("kube-flannel") {
            let record = records.iter().find(|record| record.container == sandbox.id && record.veth.is_some());
            pods.push(Pod {
                id: sandbox.id.clone(),
                name: format!("{}/{}", sandbox.namespace, sandbox.name),
                ips: status.ips.iter().filter_map(|ip| ip.parse().ok()).collect(),
                veth: record.and_then(|record| record.veth.clone()),
                host_network: status.host_network,
            });
        }
    }
    // The runtime's order changes from call to call; check mode has to say what a run does.
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((pods, list.into_iter().map(|sandbox| sandbox.id).collect()))
}

/// host-local names a lease by its address and writes the sandbox's id into the first line (plugins/ipam/host-local).
pub(super) fn leases(dir: &Path) -> anyhow::Result<Vec<Lease>> {
    let mut leases = Vec::new();
    for name in files::names(dir)? {
        let path = dir.join(&name);
        if name.to_str().is_none_or(|name| name.parse::<IpAddr>().is_err()) {
            continue;
        }
        let Some(text) = files::read_text(&path)? else { continue };
        let taken = path.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let age = SystemTime::now().duration_since(taken).unwrap_or_default();
        leases.push(Lease { path, container: text.lines().next().unwrap_or_default().trim().to_owned(), age });
    }
    Ok(leases)
}
