//! The table of failure classes: one row each, its wordings grouped in a file per speaker.
//!
//! A row refuses to be vague: it says in one sentence what is wrong and what helps, and what may be done about it.
//! `since`/`until` are the minor releases known to print a wording; they document, they do not filter, because an
//! unforeseen release that still prints the same words means the same thing by them.

mod cluster;
mod control_plane;
mod crash;
mod discovery;
mod kubelet;
mod network;
mod preflight;
mod runtime;
mod seen;
mod trust;
mod way;

use super::Class;

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

impl Action {
    /// The module that does this outside of a join; none where a person has to.
    pub const fn mended_by(self) -> Option<&'static str> {
        match self {
            Action::Stop | Action::Wait => None,
            Action::FixKernel | Action::RaiseLimits | Action::FixKubelet => Some("join_prerequisites"),
            Action::RestartRuntime => Some("containerd_prepare"),
            Action::RefreshToken => Some("join_token"),
            Action::ResolveNode => Some("stale_node"),
            Action::Retry | Action::Clean => Some("kubeadm_join_guarded"),
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
    /// Either: discovery reports its last failed try as the error.
    Discovery,
    /// Any other line of kubeadm's.
    Output,
    /// The kubelet's journal.
    Kubelet,
    /// The container runtime's journal, or a CRI error.
    Runtime,
}

impl Place {
    /// Whether a line of that place counts for a wording of this one.
    pub fn takes(self, line: Place) -> bool {
        self == line || (self == Place::Discovery && matches!(line, Place::Error | Place::Progress))
    }
}

/// One way of saying it.
#[derive(Debug)]
pub struct Wording {
    /// Where it counts.
    pub place: Place,
    /// First minor release known to print it (22 = 1.22); for runtimes 22 means any.
    pub since: u8,
    /// Last minor release known to print it; 38 is the newest looked at.
    pub until: u8,
    /// The text, with `{}` for what varies.
    pub text: &'static str,
    /// Where it is known from: a source file, an issue, or a recorded run.
    pub origin: &'static str,
}

/// How much a class explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It is why the join failed.
    Cause,
    /// It keeps pods from running, not a node from joining: a cause only where nothing says more.
    Pods,
    /// Only a consequence: any other class found beside it is the cause.
    Symptom,
    /// A consequence that does not even say of what. Trying again is a guess, so that it is made once.
    Unnamed,
}

/// How much it matters on a node that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The node cannot join, or its pods cannot run.
    Critical,
    /// A node that is well says it too, for a while.
    Warning,
}

impl Severity {
    /// The name in results, the same as `node_diagnose` has.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
        }
    }
}

/// One class of failure.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub class: Class,
    /// How much it explains.
    pub weight: Weight,
    /// What to do.
    pub action: Action,
    /// Whether the same join, once the action is done, may be tried again without asking anybody.
    pub retry_safe: bool,
    /// One sentence for a human: what it means and what helps.
    pub explanation: &'static str,
    /// Every known way of saying it; none where it is seen and not read.
    pub wordings: &'static [Wording],
    /// Classes beside which this one is only a consequence.
    pub explained_by: &'static [Class],
    by: Option<&'static str>,
}

impl Row {
    /// Only a consequence.
    pub fn symptom(&self) -> bool {
        matches!(self.weight, Weight::Symptom | Weight::Unnamed)
    }

    /// How much it matters on a node that runs.
    pub fn severity(&self) -> Severity {
        if self.weight == Weight::Symptom && self.action == Action::Wait {
            Severity::Warning
        } else {
            Severity::Critical
        }
    }

    /// The module of this collection that mends it; none where a person has to.
    pub fn mended_by(&self) -> Option<&'static str> {
        self.by.or(self.action.mended_by())
    }

    /// Where the documentation speaks of it.
    pub fn link(&self) -> String {
        format!("docs/failures.md#{}", self.class.name())
    }

    const fn mended_with(mut self, module: &'static str) -> Self {
        self.by = Some(module);
        self
    }

    const fn explained_by(mut self, classes: &'static [Class]) -> Self {
        self.explained_by = classes;
        self
    }

    const fn of_pods(mut self) -> Self {
        self.weight = Weight::Pods;
        self
    }
}

/// All rows, one for each class.
pub fn table() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

const TABLES: [&[Row]; 11] = [
    crash::ROWS,
    way::ROWS,
    trust::ROWS,
    discovery::ROWS,
    cluster::ROWS,
    control_plane::ROWS,
    preflight::ROWS,
    kubelet::ROWS,
    runtime::ROWS,
    network::ROWS,
    seen::ROWS,
];

impl Class {
    /// What is known about it. That each class has exactly one row is checked while this is compiled.
    pub fn row(self) -> &'static Row {
        let (table, index) = PLACES[self as usize];
        &TABLES[table][index]
    }
}

/// Where each class stands in [`TABLES`].
const PLACES: [(usize, usize); Class::ALL.len()] = places();

const fn places() -> [(usize, usize); Class::ALL.len()] {
    let mut places = [(usize::MAX, 0); Class::ALL.len()];
    let mut table = 0;
    while table < TABLES.len() {
        let mut index = 0;
        while index < TABLES[table].len() {
            let class = TABLES[table][index].class as usize;
            assert!(places[class].0 == usize::MAX, "a class has two rows");
            places[class] = (table, index);
            index += 1;
        }
        table += 1;
    }
    let mut class = 0;
    while class < places.len() {
        assert!(places[class].0 != usize::MAX, "a class has no row");
        class += 1;
    }
    places
}

/// One way of saying it, with where that is known from.
const fn says(place: Place, since: u8, until: u8, text: &'static str, origin: &'static str) -> Wording {
    Wording { place, since, until, text, origin }
}

/// A class that nothing on this node can mend, or that trying again cannot help.
const fn permanent(class: Class, explanation: &'static str, wordings: &'static [Wording]) -> Row {
    let (weight, action) = (Weight::Cause, Action::Stop);
    Row { class, weight, action, retry_safe: false, explanation, wordings, explained_by: &[], by: None }
}

/// A class with a remedy.
const fn retryable(class: Class, action: Action, explanation: &'static str, wordings: &'static [Wording]) -> Row {
    Row { class, weight: Weight::Cause, action, retry_safe: true, explanation, wordings, explained_by: &[], by: None }
}

/// A class that says that something failed, not why.
const fn symptom(class: Class, action: Action, explanation: &'static str, wordings: &'static [Wording]) -> Row {
    Row { class, weight: Weight::Symptom, action, retry_safe: true, explanation, wordings, explained_by: &[], by: None }
}

/// A class that says that something failed, and nothing else.
const fn unnamed(class: Class, explanation: &'static str, wordings: &'static [Wording]) -> Row {
    Row {
        class,
        weight: Weight::Unnamed,
        action: Action::Retry,
        retry_safe: true,
        explanation,
        wordings,
        explained_by: &[],
        by: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_leads_to_its_own_row() {
        for class in Class::ALL {
            assert_eq!(class.row().class, *class);
        }
        assert_eq!(table().count(), Class::ALL.len());
    }

    #[test]
    fn every_wording_is_specific_and_has_a_version_range_and_an_origin() {
        for row in table() {
            for wording in row.wordings {
                let literal: usize = wording.text.split("{}").map(str::len).sum();
                assert!(literal >= 10, "{:?}: \"{}\" is too short to be certain", row.class, wording.text);
                assert!(
                    22 <= wording.since && wording.since <= wording.until && wording.until <= 38,
                    "{:?}",
                    row.class
                );
                assert!(!wording.origin.is_empty(), "{:?}", row.class);
            }
        }
    }

    #[test]
    fn explanations_are_one_sentence_for_a_human() {
        for row in table() {
            let text = row.explanation;
            assert!((40..=270).contains(&text.len()), "{:?}: {} characters", row.class, text.len());
            assert!(!text.ends_with('.') && !text.contains(". "), "{:?}: {text}", row.class);
        }
    }

    #[test]
    fn what_must_stop_is_never_called_safe_to_retry() {
        for row in table().filter(|row| row.action == Action::Stop) {
            assert!(!row.retry_safe, "{:?}", row.class);
        }
    }
}
