//! The JoinConfiguration, for root's eyes only, on a file system that is memory: a token is in it.

use crate::args::Args;
use crate::observe::State;
use host::files;
use kubeadm::config::{self, Timeouts};
use kubeadm::lock::RUN_DIR;
use kubeadm::version::NEWEST_API;
use std::time::Duration;

/// How long kubeadm may take to discover the cluster. Its own default is five minutes.
const DISCOVERY: Duration = Duration::from_secs(40);

/// Writes it for an attempt that has so much time left, and says where.
pub fn write(args: &Args, state: &State, left: Duration) -> anyhow::Result<String> {
    let api = state.kubeadm.map_or(NEWEST_API, |version| version.api());
    let timeouts = Timeouts { discovery: DISCOVERY.min(left), kubelet: left };
    let text = config::join(api, &args.discovery()?, &args.registration(), timeouts);
    files::make_dir(RUN_DIR, 0o700)?;
    let path = path();
    files::write_atomic(&path, text.as_bytes(), 0o600)?;
    Ok(path)
}

/// Where it lies while kubeadm reads it.
pub fn path() -> String {
    format!("{RUN_DIR}/join.json")
}
