//! Rulesets: iptables in both back ends, nf_tables and IPVS, each read, and what is Kubernetes' own removed selectively.
//!
//! [`packet`] says what would become of a packet. Nothing here knows Ansible or Kubernetes' components.

pub mod ipset;
pub mod iptables;
pub mod ipvs;
pub mod nftables;
pub mod packet;
