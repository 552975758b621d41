//! Several modules in order, in one process, until one fails: one round trip instead of one for each.
//!
//! The options of all steps are checked before the first is run. Each step has its own check mode, result and phases; a
//! secret of one is masked in the answers of all. What is undone when the run is ended from outside is what the step that runs
//! then has registered: those before it are done.

mod steps;
mod told;

use crate::answer::Frame;
use crate::envelope::Envelope;
use crate::request::check;
use crate::{Kind, Module, Opt, Outcome, Params, Spec, Task, abort};
use serde_json::{Map, Value};
use steps::Step;
use told::{Ended, Told};

/// As one of the modules that the program has; [`run`] is what runs it, which knows the others.
pub(crate) static MODULE: Module = Module { spec: &SPEC, run: by_itself, read: |_| Ok(()), long: false };

static SPEC: Spec = Spec {
    name: "sequence",
    summary: "Several modules of this collection in order, in one round trip, until one fails",
    options: &[Opt::new(
        "steps",
        Kind::List(&Kind::Dict),
        "Modules of this collection in order. Each is a dictionary as a task is written: the name of the module with its options, and beside it C(name), C(when), C(check_mode), C(no_log) and C(tags) if wanted.",
    )
    .required()
    .withheld()],
    rules: &[],
};

fn by_itself(_: Params, _: &Task) -> anyhow::Result<Outcome> {
    anyhow::bail!("a sequence is run by the program that has all modules")
}

/// Runs it, and says what is to be answered.
pub(crate) fn run(
    modules: &[&'static Module],
    envelope: &Envelope,
    options: Map<String, Value>,
    validate: bool,
    refusal: fn() -> Option<String>,
) -> Value {
    let (mut frame, params) = check(&SPEC, envelope, options);
    let refused = |frame: &Frame, why: String| frame.failure(anyhow::anyhow!(why));
    let given = params.map(|params| params.as_map()["steps"].as_array().cloned().unwrap_or_default());
    let mut steps = match given.and_then(|given| steps::read(modules, &given)) {
        Ok(steps) => steps,
        Err(why) => return refused(&frame, why),
    };
    let mut checked = Vec::new();
    for step in &mut steps {
        let of = Envelope { module_name: Some(step.module_name().to_owned()), ..envelope.clone() };
        let (own, params) = check(step.module.spec, &of, std::mem::take(&mut step.options));
        frame.secrets.extend(own.secrets.iter().cloned());
        checked.push((own, params));
    }
    let mut ready = Vec::new();
    for (at, (mut own, params)) in checked.into_iter().enumerate() {
        own.secrets.clone_from(&frame.secrets);
        match params {
            Ok(params) => ready.push(Some((own, params))),
            // What is left out may have nothing to be run with.
            Err(_) if steps[at].skipped => ready.push(None),
            Err(why) => {
                return refused(&frame, format!("option steps, step {} ({}): {why}", at + 1, steps[at].module_name()));
            }
        }
    }
    if validate {
        return frame.success(Outcome::new());
    }
    match refusal() {
        Some(why) => refused(&frame, why),
        None => in_order(steps, ready, envelope),
    }
}

fn in_order(mut steps: Vec<Step>, ready: Vec<Option<(Frame, Params)>>, envelope: &Envelope) -> Value {
    let whole = Task::new(envelope);
    let mut told = Told::default();
    let mut ended = Ended::Going;
    let mut at = 0;
    for one in ready {
        let step = &steps[at];
        at += 1;
        let Some((frame, params)) = one.filter(|_| !step.skipped) else {
            told.skipped(step);
            continue;
        };
        let looks = step.check_mode && !envelope.check_mode;
        let (so_far, ending, this, left) = (told.clone(), frame.clone(), step.clone(), steps[at..].to_vec());
        abort::answer(move |error| {
            let mut told = so_far.clone();
            let ended = told.answered(&this, ending.failure(error), false);
            told.whole(&ended, &left)
        });
        let result = (step.module.run)(params, &whole.step(step.title(), step.check_mode, step.no_log));
        let answer = match result {
            Ok(outcome) => frame.success(outcome),
            Err(error) => frame.failure(error),
        };
        ended = told.answered(step, answer, looks);
        if ended != Ended::Going {
            break;
        }
    }
    let left = steps.split_off(at);
    told.whole(&ended, &left)
}
