//! flannel: the daemon that links the nodes' pod subnets, and the CNI plugin that hands them to pods.

pub mod cni;
pub mod daemon;
mod links;
mod rules;
