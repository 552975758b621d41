//! What the tests share and no binary ships.
//!
//! [`Sandbox`] runs a test body as a process of its own in fresh namespaces; [`require`] skips what this machine cannot
//! run, loudly, and fails instead when `STRICT=1`. Nothing here imports a crate of `modules/`: an oracle must not share
//! the code it judges.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::zombie_processes,
    reason = "test support: a failed expectation is a failed test, and its effects never leave the sandbox"
)]

pub mod containerd;
#[cfg(feature = "cri")]
pub mod cri;
mod module;
mod node;
mod require;
mod sandbox;

pub use module::run_module;
pub use node::Node;
pub use require::require;
pub use sandbox::Sandbox;
