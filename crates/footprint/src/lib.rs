//! What on a node is Kubernetes' own, and what is somebody else's: one table, by which the reset deletes, the diagnosis
//! recognises and docs/reset-safety.md is printed. Data, and pure functions over what others have read; no I/O.
//!
//! A name only says where to look. A thing is Kubernetes' own when what it is made of says so as well: a chain its rules
//! or the jump into it, a link its kind, ports, addresses and routes. What cannot be proved is somebody else's.

pub mod chains;
pub mod cni;
pub mod distributions;
pub mod ipsets;
pub mod links;
pub mod paths;
pub mod rules;
