//! What is told: how the unit is held back, and what becomes of it when it is let go.

use crate::observe::State;
use crate::plan::Plan;
use ansible::Outcome;
use kubeadm::gate::Method;

/// `unit`, `method`, `masked`, and `enablement`: what `systemctl is-enabled` said before the unit was held back.
pub fn report(state: &State, plan: &Plan) -> Outcome {
    let mut outcome = Outcome::new()
        .field("unit", &state.unit.name)
        .field("method", plan.method.name())
        .field("masked", plan.method != Method::None)
        .field("enablement", state.unit.remembered.as_deref().unwrap_or(&state.unit.file_state))
        .msg(plan.why.as_str());
    plan.warnings.iter().for_each(|warning| outcome.warn(warning.as_str()));
    outcome
}
