//! kubeadm itself, ended by its own runtime: what Go prints when a program panics, faults, or meets the wrong processor.

use super::Place::Output;
use super::{Row, hopeless, says};

const GO: &str = "Go's runtime";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    hopeless("kubeadm_crashed",
        "kubeadm itself crashed: its file is damaged, made for another processor, or has a bug that is known by these words: install kubeadm again, or another patch release",
        &[says(Output, 22, 36, "panic: runtime error: ", "run: a kubeadm 1.20.2 built with a Go too new for it"),
          says(Output, 22, 36, "[signal SIG{}: ", GO),
          says(Output, 22, 36, "fatal error: ", GO),
          says(Output, 22, 36, "This program can only be run on ", GO),
          says(Output, 22, 36, "SIGILL: illegal instruction", GO)]),
];
