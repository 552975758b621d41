//! What to do. Pure: the same options and state give the same plan, and the plan after it is empty.

use crate::args::{self, Args};
use crate::observe::State;
use ansible::Diff;
use kubeadm::gate::{Method, Unit};

/// The one step, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Already as wanted.
    Nothing,
    /// Hold back, and stop if it runs.
    Hold,
    /// It is held back, but runs nevertheless: stop it.
    Stop,
    /// Let go.
    Release,
}

/// The step, and what is said about it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is done.
    pub step: Step,
    /// The unit it is done to, as it was found.
    pub unit: Unit,
    /// How the unit is held back afterwards.
    pub method: Method,
    /// One sentence for the result.
    pub why: String,
    /// What the user ought to know.
    pub warnings: Vec<String>,
}

/// Decides.
pub fn plan(args: &Args, state: &State) -> Plan {
    match args.state {
        args::State::Masked => hold(args, state),
        args::State::Unmasked => release(state),
    }
}

fn hold(args: &Args, state: &State) -> Plan {
    let unit = &state.unit;
    let held = unit.held();
    if state.serves_a_cluster && held == Method::None && !args.force {
        let why = format!("{} runs as part of a cluster: there is nothing to hold back", unit.name);
        return Plan { step: Step::Nothing, unit: unit.clone(), method: held, why, warnings: Vec::new() };
    }
    let method = if held == Method::None { unit.method() } else { held };
    let mut warnings = Vec::new();
    if method == Method::Gate && state.configured {
        warnings.push(format!(
            "{} holds {} back only while {} is missing, and that is there already: a reset removes it",
            kubeadm::gate::drop_in(&unit.name).display(),
            unit.name,
            kubeadm::gate::CONFIG
        ));
    }
    let step = match held {
        Method::None => Step::Hold,
        // Behind a gate a configured kubelet may run: kubeadm started it.
        _ if unit.running() && !(held == Method::Gate && state.configured) => Step::Stop,
        _ => Step::Nothing,
    };
    let why = format!("{} is held back ({})", unit.name, method.name());
    Plan { step, unit: unit.clone(), method, why, warnings }
}

fn release(state: &State) -> Plan {
    let unit = &state.unit;
    let step = if unit.held() == Method::None && unit.remembered.is_none() { Step::Nothing } else { Step::Release };
    let mut warnings = Vec::new();
    if unit.foreign_mask() {
        warnings.push(format!("{} had been masked by somebody else; it is unmasked now", unit.name));
    }
    let why = format!("{} may start", unit.name);
    Plan { step, unit: unit.clone(), method: Method::None, why, warnings }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.step == Step::Nothing
    }

    fn diff(&self) -> Vec<Diff> {
        if self.is_empty() {
            return Vec::new();
        }
        let words = |held: Method, running: bool| format!("held back: {}\nrunning: {running}\n", held.name());
        let runs_after = self.unit.running() && self.step == Step::Release;
        let before = words(self.unit.held(), self.unit.running());
        vec![Diff::new(&self.unit.name, before, words(self.method, runs_after))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(state: args::State) -> Args {
        Args { state, unit: "kubelet.service".into(), force: false }
    }

    fn state() -> State {
        let unit = Unit {
            name: "kubejoin-no-such.service".into(),
            load: "loaded".into(),
            file_state: "enabled".into(),
            fragment: None,
            active: "inactive".into(),
            masked: false,
            gated: false,
            remembered: None,
        };
        State { unit, serves_a_cluster: false, configured: false }
    }

    #[test]
    fn a_kubelet_that_serves_a_cluster_is_left_alone_unless_forced() {
        let state = State { serves_a_cluster: true, configured: true, ..state() };
        assert_eq!(plan(&args(args::State::Masked), &state).step, Step::Nothing);
        let force = Args { force: true, ..args(args::State::Masked) };
        assert_eq!(plan(&force, &state).step, Step::Hold);
    }

    #[test]
    fn the_second_run_does_nothing() {
        let mut state = state();
        assert_eq!(plan(&args(args::State::Masked), &state).step, Step::Hold);
        state.unit.masked = true;
        state.unit.remembered = Some("enabled".into());
        assert_eq!(plan(&args(args::State::Masked), &state).step, Step::Nothing);
        assert_eq!(plan(&args(args::State::Unmasked), &state).step, Step::Release);
        state.unit.masked = false;
        state.unit.remembered = None;
        assert_eq!(plan(&args(args::State::Unmasked), &state).step, Step::Nothing);
    }

    #[test]
    fn somebody_elses_mask_is_not_undone_silently() {
        let mut state = state();
        state.unit.masked = true;
        let plan = plan(&args(args::State::Unmasked), &state);
        assert_eq!(plan.step, Step::Release);
        assert_eq!(plan.warnings.len(), 1);
    }

    #[test]
    fn a_masked_kubelet_that_still_runs_is_stopped() {
        let mut state = state();
        state.unit.masked = true;
        state.unit.active = "activating".into();
        assert_eq!(plan(&args(args::State::Masked), &state).step, Step::Stop);
    }

    #[test]
    fn a_gate_that_cannot_hold_is_said_so() {
        let mut state = State { configured: true, ..state() };
        state.unit.gated = true;
        assert_eq!(plan(&args(args::State::Masked), &state).warnings.len(), 1);
    }

    /// What `apply` does, as systemd and the record show it afterwards.
    fn applied(step: Step, state: &State) -> State {
        let mut after = state.clone();
        let unit = &mut after.unit;
        match step {
            Step::Nothing => {}
            Step::Hold => {
                unit.remembered.get_or_insert_with(|| "enabled".into());
                unit.masked = unit.method() == Method::Mask;
                unit.gated |= unit.method() == Method::Gate;
                unit.active = "inactive".into();
            }
            Step::Stop => unit.active = "inactive".into(),
            Step::Release => (unit.masked, unit.gated, unit.remembered) = (false, false, None),
        }
        after.serves_a_cluster &= after.unit.running();
        after
    }

    #[test]
    fn whatever_was_found_nothing_is_left_to_do_afterwards() {
        let both = [false, true];
        let all = both.map(|a| both.map(|b| both.map(|c| both.map(|d| both.map(|e| (a, b, c, d, e))))));
        for (masked, gated, known, serves, configured) in all.into_iter().flatten().flatten().flatten().flatten() {
            for active in ["active", "activating", "reloading", "inactive", "failed"] {
                let mut state = State { serves_a_cluster: serves && active == "active", configured, ..state() };
                (state.unit.masked, state.unit.gated, state.unit.active) = (masked, gated, active.into());
                state.unit.remembered = known.then(|| "enabled".into());
                for (wanted, force) in both.map(|f| [(args::State::Masked, f), (args::State::Unmasked, f)]).concat() {
                    let args = Args { force, ..args(wanted) };
                    let after = applied(plan(&args, &state).step, &state);
                    assert_eq!(plan(&args, &after).step, Step::Nothing, "{args:?} {state:?} became {after:?}");
                }
            }
        }
    }
}
