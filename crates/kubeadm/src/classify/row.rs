//! What a row of the table of failures is made of.

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
    pub(super) by: Option<&'static str>,
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

    /// Its section in the documentation, a path in the collection.
    pub fn help(&self) -> String {
        format!("docs/failure-classes.md#{}", self.class.name())
    }

    pub(super) const fn mended_with(mut self, module: &'static str) -> Self {
        self.by = Some(module);
        self
    }

    pub(super) const fn explained_by(mut self, classes: &'static [Class]) -> Self {
        self.explained_by = classes;
        self
    }

    pub(super) const fn of_pods(mut self) -> Self {
        self.weight = Weight::Pods;
        self
    }
}

/// One way of saying it, with where that is known from.
pub(super) const fn says(place: Place, since: u8, until: u8, text: &'static str, origin: &'static str) -> Wording {
    Wording { place, since, until, text, origin }
}

/// A class that nothing on this node can mend, or that trying again cannot help.
pub(super) const fn permanent(class: Class, explanation: &'static str, wordings: &'static [Wording]) -> Row {
    let (weight, action) = (Weight::Cause, Action::Stop);
    Row { class, weight, action, retry_safe: false, explanation, wordings, explained_by: &[], by: None }
}

/// A class with a remedy.
pub(super) const fn retryable(
    class: Class,
    action: Action,
    explanation: &'static str,
    wordings: &'static [Wording],
) -> Row {
    Row { class, weight: Weight::Cause, action, retry_safe: true, explanation, wordings, explained_by: &[], by: None }
}

/// A class that says that something failed, not why.
pub(super) const fn symptom(
    class: Class,
    action: Action,
    explanation: &'static str,
    wordings: &'static [Wording],
) -> Row {
    Row { class, weight: Weight::Symptom, action, retry_safe: true, explanation, wordings, explained_by: &[], by: None }
}

/// A class that says that something failed, and nothing else.
pub(super) const fn unnamed(class: Class, explanation: &'static str, wordings: &'static [Wording]) -> Row {
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
