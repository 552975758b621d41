//! The torture suite: layouts of mounts, links and files below the directories that a reset deletes, and around each of
//! them data that must survive. Every layout is played in namespaces of its own, on the real kernel.
//!
//! For each: check mode first, which must touch nothing and say what the real run then does; the real run; what is outside
//! the targets compared byte by byte by code that shares nothing with the module; and a second run, which must find
//! nothing to do. `comparison` plays the same table with `rm` (and kubeadm, where there is one) for docs/reset-safety.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::zombie_processes,
    reason = "a test's own effects never leave its sandbox"
)]

mod attacks;
mod comparison;
mod endless;
mod events;
mod held;
mod interrupted;
mod killed;
mod kinds;
mod layout;
mod live;
mod made;
mod mounts;
mod networks;
mod oracle;
mod owners;
mod play;
mod refused;
mod root;
mod seen;
mod subject;
mod taken;
mod terminals;
mod trees;
mod unknown;
mod working;
