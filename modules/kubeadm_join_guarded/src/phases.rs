//! Which phase kubeadm is in, from the lines it prints, and how long each took.

use serde::Serialize;
use std::time::Duration;

/// A phase that has begun.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    /// Its name: preflight, configuration, kubelet-start, kubelet-check, tls-bootstrap, joined.
    pub name: &'static str,
    /// Seconds after the attempt's start at which it began.
    pub began: f64,
}

/// What kubeadm prints when a phase begins. Wordings of 1.22 to 1.36.
const MARKS: &[(&str, &str)] = &[
    ("[preflight] Running pre-flight checks", "preflight"),
    ("[preflight] Reading configuration from the", "configuration"),
    ("[kubelet-start] Writing kubelet configuration", "kubelet-start"),
    ("[kubelet-start] Starting the kubelet", "kubelet-started"),
    ("[kubelet-check] Waiting for a healthy kubelet", "kubelet-check"),
    ("[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap", "tls-bootstrap"),
    ("This node has joined the cluster", "joined"),
];

/// The phases seen in a growing output.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    seen: Vec<Phase>,
    read: usize,
}

impl Phases {
    /// Looks at what is new in `stdout`; says which phases have begun since the last call. A line that is not complete
    /// yet is looked at again.
    pub fn read(&mut self, stdout: &[u8], elapsed: Duration) -> Vec<&'static str> {
        let mut new = Vec::new();
        while let Some(length) = stdout.get(self.read..).and_then(|rest| rest.iter().position(|b| *b == b'\n')) {
            let line = String::from_utf8_lossy(&stdout[self.read..self.read + length]).into_owned();
            self.read += length + 1;
            let mark = MARKS.iter().find(|(text, _)| line.starts_with(text));
            if let Some((_, name)) = mark
                && !self.begun(name)
            {
                self.seen.push(Phase { name, began: round(elapsed.as_secs_f64()) });
                new.push(*name);
            }
        }
        new
    }

    /// Whether a phase has begun.
    pub fn begun(&self, name: &str) -> bool {
        self.seen.iter().any(|phase| phase.name == name)
    }

    /// All phases so far.
    pub fn all(&self) -> &[Phase] {
        &self.seen
    }
}

/// To a hundredth of a second.
pub fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_join_shows_its_phases_in_order_however_the_output_is_cut() {
        let text = include_bytes!("../../../crates/kubeadm/tests/data/classify/kubeadm-1.22.6-join-ok-no-cni.txt");
        for step in [1, 7, text.len()] {
            let mut phases = Phases::default();
            for end in (step..=text.len()).step_by(step).chain([text.len()]) {
                phases.read(&text[..end], Duration::from_secs(1));
            }
            let names: Vec<_> = phases.all().iter().map(|phase| phase.name).collect();
            let expected =
                ["preflight", "configuration", "kubelet-start", "kubelet-started", "tls-bootstrap", "joined"];
            assert_eq!(names, expected, "in steps of {step}");
        }
    }

    #[test]
    fn a_name_that_is_printed_twice_is_one_phase() {
        let mut phases = Phases::default();
        let line = b"[kubelet-start] Starting the kubelet\n";
        assert_eq!(phases.read(&line.repeat(2), Duration::ZERO), ["kubelet-started"]);
    }
}
