//! A node's state as one type each, read in one place, with what changes it beside it.

pub mod cni;
pub mod code;
pub mod containerd;
pub mod distributions;
pub mod flannel;
pub mod handover;
pub mod os;
pub mod placeholder;
pub mod remains;
