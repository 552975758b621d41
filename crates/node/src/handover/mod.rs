//! The hand-over: from the placeholder to the real network, once that is there.
//!
//! containerd loads the first file by name only, so while the placeholder is there every pod of this node gets an address
//! of the placeholder's network, which every other node hands out too. So the file goes, and with it everything that was
//! made from it: the pods' attachments (by CNI DEL with the configuration they were made with), the sandboxes (kubelet
//! makes them anew on the real network), the bridge, the address leases. Pods of the real network are left alone.

pub mod apply;
pub mod cache;
pub mod observe;
pub mod plan;
