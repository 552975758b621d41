//! The table of failure classes: one row each, its wordings grouped in a file per speaker.
//!
//! A row refuses to be vague: it says in one sentence what is wrong and what helps, and what may be done about it.
//! `since`/`until` are the minor releases known to print a wording; they document, they do not filter, because an
//! unforeseen release that still prints the same words means the same thing by them.

mod cluster;
mod crash;
mod discovery;
mod kubelet;
mod network;
mod preflight;
mod refusals;
mod runtime;

/// What to do about a class. The names are the `next_action` of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing here can mend it, or trying again cannot help: tell a human, at once.
    Stop,
    /// The same again, after a pause.
    Retry,
    /// A new token is needed; with one, the same again.
    RefreshToken,
    /// Load the kernel modules and set the sysctls Kubernetes needs.
    FixKernel,
    /// Raise limits of the kernel that have run out.
    RaiseLimits,
    /// Restart the container runtime and wait for CRI.
    RestartRuntime,
    /// Give the kubelet a unit that may start.
    FixKubelet,
    /// Remove what an earlier attempt left: gently first.
    Clean,
    /// Wait for the stale Node to become NotReady, or have it deleted on the control plane.
    ResolveNode,
    /// Nothing: the joined kubelet or the cluster's network add-on gets there by itself.
    Wait,
}

impl Action {
    /// The name in the result.
    pub fn name(self) -> &'static str {
        match self {
            Action::Stop => "stop",
            Action::Retry => "retry",
            Action::RefreshToken => "refresh_token",
            Action::FixKernel => "fix_kernel",
            Action::RaiseLimits => "raise_limits",
            Action::RestartRuntime => "restart_runtime",
            Action::FixKubelet => "fix_kubelet",
            Action::Clean => "clean",
            Action::ResolveNode => "resolve_node",
            Action::Wait => "wait",
        }
    }
}

/// Who says it, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// kubeadm's final error.
    Error,
    /// A failed preflight check: a line with `[ERROR X]`.
    Preflight,
    /// A preflight warning: `[WARNING X]`. No failure by itself.
    Warning,
    /// A try that kubeadm will repeat (printed at `--v=1`).
    Progress,
    /// Any other line of kubeadm's.
    Output,
    /// The kubelet's journal.
    Kubelet,
    /// The container runtime's journal, or a CRI error.
    Runtime,
}

/// One way of saying it.
#[derive(Debug)]
pub struct Wording {
    /// Where it counts.
    pub place: Place,
    /// First minor release known to print it (22 = 1.22); for runtimes 22 means any.
    pub since: u8,
    /// Last minor release known to print it; 36 is the newest looked at.
    pub until: u8,
    /// The text, with `{}` for what varies.
    pub text: &'static str,
    /// Where it is known from: a source file, an issue, or a recorded run.
    pub origin: &'static str,
}

/// One class of failure.
#[derive(Debug)]
pub struct Row {
    /// The name in the result, `failure_class`.
    pub class: &'static str,
    /// Only a consequence: any other class found beside it is the cause.
    pub symptom: bool,
    /// What to do.
    pub action: Action,
    /// Whether the same join, once the action is done, may be tried again without asking anybody.
    pub retry_safe: bool,
    /// One sentence for a human: what it means and what helps.
    pub explanation: &'static str,
    /// Every known way of saying it.
    pub wordings: &'static [Wording],
}

/// All rows.
pub fn table() -> impl Iterator<Item = &'static Row> {
    [crash::ROWS, discovery::ROWS, cluster::ROWS, preflight::ROWS, kubelet::ROWS, runtime::ROWS, network::ROWS]
        .into_iter()
        .flatten()
}

/// The rows that no wording leads to: what they say is seen on the node, before or after kubeadm ran.
pub fn wordless() -> impl Iterator<Item = &'static Row> {
    let seen = [&PORT_TAKEN, &CONTROL_PLANE_CRASHING, &CSR_UNAPPROVED, &CSR_NOT_ISSUED, &OUT_OF_TIME, &UNKNOWN];
    refusals::ROWS.iter().chain(seen)
}

/// The row of a class, for code that found the fault without a text.
pub fn row(class: &str) -> Option<&'static Row> {
    table().chain(wordless()).find(|row| row.class == class)
}

impl Row {
    /// Its section in the documentation, a path in the collection.
    pub fn help(&self) -> String {
        format!("docs/failure-classes.md#{}", self.class)
    }
}

/// A failure with no known wording.
pub static UNKNOWN: Row = symptom(
    "unknown",
    Action::Retry,
    "kubeadm failed with words that are not in the table of failures: read its output and the kubelet's journal",
    &[],
);

/// The caller's time ran out, and nothing tells why it took so long.
pub static OUT_OF_TIME: Row = symptom(
    "out_of_time",
    Action::Stop,
    "the join was still under way when the time given to it ran out, with no sign of a fault: give it more with timeout",
    &[],
);

/// `port_in_use`, and its owner is no kubelet: no cleanup of ours frees it.
pub static PORT_TAKEN: Row = hopeless(
    "port_taken",
    "another program holds a port that the kubelet needs: stop that program, or give it another port",
    &[],
);

/// Seen in the logs of its containers: kubeadm only tells that it has waited.
pub static CONTROL_PLANE_CRASHING: Row = hopeless(
    "control_plane_crashing",
    "a program of the control plane ends as soon as it has started, with these last words",
    &[],
);

/// Seen in the certificate signing request itself: nobody says this in words.
pub static CSR_UNAPPROVED: Row = hopeless(
    "csr_unapproved",
    "nobody has approved this node's certificate signing request: run again and approve the new one while the join waits (approval_timeout), or restore automatic approval (`kubeadm init phase bootstrap-token`, kube-controller-manager running)",
    &[],
);

/// Seen in the certificate signing request itself: nobody says this in words.
pub static CSR_NOT_ISSUED: Row = hopeless(
    "csr_not_issued",
    "this node's certificate signing request is approved and no certificate comes: the signer is not running, or kube-controller-manager has no CA key (--cluster-signing-key-file)",
    &[],
);

/// Kubernetes' own source, as origin of a wording.
pub(super) const fn says(place: Place, since: u8, until: u8, text: &'static str, origin: &'static str) -> Wording {
    Wording { place, since, until, text, origin }
}

/// A class that nothing on this node can mend.
pub(super) const fn hopeless(class: &'static str, explanation: &'static str, wordings: &'static [Wording]) -> Row {
    Row { class, symptom: false, action: Action::Stop, retry_safe: false, explanation, wordings }
}

/// A class with a remedy.
pub(super) const fn mendable(
    class: &'static str,
    action: Action,
    explanation: &'static str,
    wordings: &'static [Wording],
) -> Row {
    Row { class, symptom: false, action, retry_safe: true, explanation, wordings }
}

/// A class that says that something failed, not what.
pub(super) const fn symptom(
    class: &'static str,
    action: Action,
    explanation: &'static str,
    wordings: &'static [Wording],
) -> Row {
    Row { class, symptom: true, action, retry_safe: true, explanation, wordings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_class_stands_once() {
        let mut seen = HashSet::new();
        for row in table().chain(wordless()) {
            assert!(seen.insert(row.class), "{} stands twice", row.class);
        }
    }

    #[test]
    fn every_wording_is_specific_and_has_a_version_range_and_an_origin() {
        for row in table() {
            assert!(!row.wordings.is_empty(), "{}", row.class);
            for wording in row.wordings {
                let literal: usize = wording.text.split("{}").map(str::len).sum();
                assert!(literal >= 10, "{}: \"{}\" is too short to be certain", row.class, wording.text);
                assert!(22 <= wording.since && wording.since <= wording.until && wording.until <= 36, "{}", row.class);
                assert!(!wording.origin.is_empty(), "{}", row.class);
            }
        }
    }

    #[test]
    fn explanations_are_one_sentence_for_a_human() {
        for row in table().chain(wordless()) {
            let text = row.explanation;
            assert!((40..=260).contains(&text.len()), "{}: {} characters", row.class, text.len());
            assert!(!text.ends_with('.') && !text.contains(". "), "{}: {text}", row.class);
        }
    }

    #[test]
    fn what_must_stop_is_never_called_safe_to_retry() {
        for row in table().filter(|row| row.action == Action::Stop) {
            assert!(!row.retry_safe, "{}", row.class);
        }
    }
}
