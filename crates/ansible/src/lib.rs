//! The Ansible module protocol: options in, exactly one JSON object out.
//!
//! A module is a [`Contract`]: its [`Spec`] (the options as data, the Rust side of `argument_spec`), what it looks at, what
//! it plans and how it does that. This crate does what `AnsibleModule` does for a Python module: it splits off the
//! `_ansible_*` envelope, converts what ad-hoc `key=value` made a string, names an unknown option and the nearest known
//! one, echoes `invocation` with secrets masked, and answers once and only once, also on a panic or SIGTERM.
//!
//! It knows nothing of a node: the machine is the `host` crate, of which it takes the deadline alone.
//!
//! Source of the wordings and conversions: `AnsibleModule` of ansible-core 2.15 to 2.19, compared by running it.

mod abort;
mod answer;
mod command_line;
mod contract;
mod convert;
mod envelope;
mod help;
mod mask;
mod nearest;
mod outcome;
mod params;
mod printable;
mod request;
mod root;
mod rules;
mod sequence;
mod spec;
mod task;

pub use abort::{AbortGuard, on_abort};
pub use command_line::{main, main_as_anybody, validate};
pub use contract::{Contract, Done, Locks, Plan, Run, Steps, run_with};
pub use outcome::{Diff, Failure, Outcome};
pub use params::Params;
pub use printable::printable;
pub use spec::{Kind, Opt, Rule, Spec};
pub use task::Task;

/// One Ansible module: what it accepts and what it does.
pub struct Module {
    /// The options, and the name that is the crate's, the binary's and the documentation's.
    pub spec: &'static Spec,
    /// The work. An `Err` is a failed task; see [`Failure`] for one that carries result fields.
    pub run: fn(Params, &Task) -> anyhow::Result<Outcome>,
    /// Reads the options as the module would, and refuses what it would refuse; looks at nothing.
    pub read: fn(Params) -> anyhow::Result<()>,
    /// Whether it may take so long that a connection need not outlive it; see [`Contract::LONG`].
    pub long: bool,
}
