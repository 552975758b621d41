//! Which hop breaks a check: the pod's link, the bridge, a route, the VXLAN, the firewall, masquerading, or the target.
//!
//! Facts are read only when a check has failed; naming the hop from them is pure. What cannot be named says so.

mod facts;
mod forward;
mod way;

pub use facts::{Facts, Side};
pub use way::find;

use serde::Serialize;

/// Where a check breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// `pod`, `veth`, `bridge`, `route`, `vxlan`, `forward`, `masquerade`, `service`, `target`, `path_mtu`, `unknown`.
    pub hop: &'static str,
    /// What was seen there.
    pub evidence: String,
    /// What would mend it.
    pub remedy: String,
}

impl Hop {
    fn new(hop: &'static str, evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { hop, evidence: evidence.into(), remedy: remedy.into() }
    }
}
