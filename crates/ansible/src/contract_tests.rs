//! A module with a machine in memory: what holds for it holds for all, because the runner is the same.

use super::*;
use crate::spec::{Kind, Opt};
use proptest::prelude::*;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static MACHINE: RefCell<BTreeSet<u8>> = const { RefCell::new(BTreeSet::new()) };
    static HELD: RefCell<u32> = const { RefCell::new(0) };
}

/// Puts numbers on the machine, one at a time; cannot put 13 there.
struct Put;

#[derive(Debug, Clone, Deserialize)]
struct Args {
    numbers: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
struct Missing(Vec<u8>);

impl Plan for Missing {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        self.0.iter().map(|n| Diff::new("machine", "", format!("{n}\n"))).collect()
    }
}

struct Held;

impl Drop for Held {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|held| *held -= 1);
    }
}

impl Contract for Put {
    type Args = Args;
    type State = BTreeSet<u8>;
    type Plan = Missing;
    type Done = Steps;

    const SPEC: &'static Spec = &Spec {
        name: "put",
        summary: "Put numbers on a machine",
        options: &[Opt::new("numbers", Kind::List(&Kind::Int), "Which.").default("[]")],
        rules: &[],
    };

    fn validate(args: &Args) -> anyhow::Result<()> {
        anyhow::ensure!(!args.numbers.contains(&0), "option numbers has 0: it must be 1 or more");
        Ok(())
    }

    fn budget(_: &Args) -> Duration {
        Duration::from_secs(1)
    }

    fn locks(_: &Args) -> anyhow::Result<Locks> {
        HELD.with_borrow_mut(|held| *held += 1);
        Ok(vec![Box::new(Held)])
    }

    fn observe(_: &Args, _: &Run) -> anyhow::Result<BTreeSet<u8>> {
        Ok(MACHINE.with_borrow(Clone::clone))
    }

    fn plan(args: &Args, state: &BTreeSet<u8>) -> anyhow::Result<Missing> {
        let wanted: BTreeSet<u8> = args.numbers.iter().copied().collect();
        Ok(Missing(wanted.difference(state).copied().collect()))
    }

    fn apply(_: &Args, plan: Missing, _: &Run, done: &mut Steps) -> anyhow::Result<()> {
        assert_eq!(HELD.with_borrow(|held| *held), 1, "the lock is held while the work is done");
        for n in plan.0 {
            if n == 13 {
                return Err(Failure::new("putting 13: there is no such room").field("number", n).into());
            }
            MACHINE.with_borrow_mut(|machine| machine.insert(n));
            done.did(format!("put {n}"));
        }
        Ok(())
    }

    fn report(_: &Args, _: &BTreeSet<u8>, plan: &Missing, done: Option<&Steps>) -> anyhow::Result<Outcome> {
        let steps = done.map_or_else(|| plan.0.iter().map(|n| format!("put {n}")).collect(), |done| done.0.clone());
        Ok(Outcome::new().msg("numbers").field("steps", steps))
    }
}

fn start(machine: &[u8]) {
    MACHINE.set(machine.iter().copied().collect());
}

fn go(numbers: &[u8], check: bool) -> anyhow::Result<Outcome> {
    let result = run_with::<Put>(&Args { numbers: numbers.to_vec() }, &Task::by_hand(check));
    assert_eq!(HELD.with_borrow(|held| *held), 0, "the lock is let go");
    result
}

proptest! {
    #[test]
    fn check_mode_and_a_real_run_say_the_same_and_the_second_run_is_empty(
        machine in proptest::collection::vec(14u8.., 0..6), numbers in proptest::collection::vec(14u8.., 0..6)
    ) {
        start(&machine);
        let planned = go(&numbers, true).unwrap();
        prop_assert_eq!(MACHINE.with_borrow(Clone::clone), machine.iter().copied().collect::<BTreeSet<u8>>());
        let real = go(&numbers, false).unwrap();
        prop_assert_eq!(planned.changed, real.changed);
        prop_assert_eq!(&planned.diff, &real.diff);
        prop_assert_eq!(planned.get("steps"), real.get("steps"));
        let second = go(&numbers, false).unwrap();
        prop_assert!(!second.changed && second.diff.is_empty());
    }
}

#[test]
fn a_run_that_fails_half_way_says_what_it_had_done_and_keeps_its_fields() {
    start(&[]);
    let failure = go(&[12, 13, 14], false).unwrap_err().downcast::<Failure>().unwrap();
    assert!(failure.changed, "12 was put there");
    assert_eq!(failure.fields["steps"], serde_json::json!(["put 12"]));
    assert_eq!(failure.fields["number"], 13);
    assert_eq!(failure.msg, "putting 13: there is no such room");
    start(&[12]);
    assert!(!go(&[13], false).unwrap_err().downcast::<Failure>().unwrap().changed, "nothing was done");
}

#[test]
fn bad_options_are_refused_before_anything_is_looked_at_or_held() {
    let error = go(&[0], false).unwrap_err();
    assert_eq!(error.to_string(), "option numbers has 0: it must be 1 or more");
}
