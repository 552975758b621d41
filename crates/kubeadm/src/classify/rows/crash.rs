//! kubeadm itself, ended by its own runtime: what Go prints when a program panics, faults, or meets the wrong processor.

use super::Place::Output;
use super::{Class, Row, permanent, says};

const GO: &str = "Go's runtime";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    permanent(Class::KubeadmCrashed,
        "kubeadm itself crashed: its file is damaged, made for another processor, or has a bug that is known by these words: install kubeadm again, or another patch release",
        &[says(Output, 22, 38, "panic: runtime error: ", "run: a kubeadm 1.20.2 built with a Go too new for it"),
          says(Output, 22, 38, "[signal SIG{}: ", GO),
          says(Output, 22, 38, "fatal error: ", GO),
          says(Output, 22, 38, "This program can only be run on ", GO),
          says(Output, 22, 38, "SIGILL: illegal instruction", GO)]),
];
