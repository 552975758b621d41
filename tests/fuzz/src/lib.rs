//! One function per parser of something that others write: it takes any bytes and panics when what must hold does not.
//!
//! The same functions are run by `tests/short.rs` (seeds and a few thousand mutations of them, no tool needed) and by
//! libfuzzer (`make fuzz`, guided by coverage). They touch no file but the seeds, so any input may be given to them.

#![allow(clippy::panic, reason = "a check says by a panic that something does not hold")]

pub mod classify;
pub mod cni_conf;
pub mod containerd_config;
pub mod cri;
pub mod iptables_save;
pub mod kubeconfig;
pub mod mountinfo;
pub mod mutate;
pub mod options;
pub mod seeds;

/// One parser under test.
pub struct Check {
    /// Also the name of the libfuzzer target.
    pub name: &'static str,
    /// Panics when something does not hold for this input.
    pub run: fn(&[u8]),
    /// Directories of small inputs, from the root of the repository.
    pub seed_dirs: &'static [&'static str],
    /// More of them, written here because no test data has them.
    pub seeds: &'static [&'static [u8]],
    /// What mutations put in: words that a parser looks for.
    pub words: &'static [&'static str],
}

/// All of them.
pub static CHECKS: &[&Check] = &[
    &classify::CHECK,
    &cni_conf::CHECK,
    &containerd_config::CHECK,
    &cri::CHECK,
    &iptables_save::CHECK,
    &kubeconfig::CHECK,
    &mountinfo::CHECK,
    &options::CHECK,
];
