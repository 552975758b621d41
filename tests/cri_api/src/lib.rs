//! The container runtime's API (CRI v1; v1alpha2 numbers its fields the same) as a runtime and a kubelet write it: what the
//! tests' server and the rehearsal speak. By hand, because a build needs no protobuf compiler then.
//!
//! It shares no line with the client that nodes run: a number that is wrong on one side is seen on the other. Both are read
//! against [`upstream`], bytes that protobuf's own library made from the upstream definitions.
#![allow(missing_docs, reason = "the names are those of api.proto, which documents them")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests come here, and a failed expectation is a failed test"
)]

pub mod calls;
mod container;
mod image;
mod runtime;
mod sandbox;
pub mod upstream;

/// Version 1 of the API.
pub mod v1 {
    pub use crate::container::*;
    pub use crate::image::*;
    pub use crate::runtime::*;
    pub use crate::sandbox::*;
}
