//! Every check with all seeds and some thousand mutations of them, the same ones each time.
//!
//! `FUZZ_START=n` gives other mutations and `FUZZ_CASES=n` more of them. What failed is kept as a file, which is a seed
//! to look at, a regression test to write, and an input for `make fuzz`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "what failed is written and said for a person to look at"
)]

use fuzz::mutate::{Numbers, mutated};
use fuzz::{CHECKS, Check, seeds};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// No input of some kilobytes may keep a module busy for longer, even unoptimised on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("FUZZ_START and FUZZ_CASES are numbers"))
}

fn one(check: &Check, input: &[u8]) {
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (check.run)(input)));
    let took = started.elapsed();
    if result.is_ok() && took < LONGEST {
        return;
    }
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.input", check.name));
    std::fs::write(&path, input).unwrap();
    eprintln!("{} with {}, {took:?}: {:?}", check.name, path.display(), String::from_utf8_lossy(input));
    match result {
        Err(panic) => resume_unwind(panic),
        Ok(()) => panic!("{} took {took:?}", check.name),
    }
}

fn hold(name: &str) {
    let check = CHECKS.iter().find(|check| check.name == name).unwrap();
    let seeds = seeds::of(check).unwrap();
    seeds.iter().for_each(|seed| one(check, seed));
    let start = number("FUZZ_START", 1);
    for case in 0..number("FUZZ_CASES", 2500) {
        // Each case has numbers of its own, so that one can be had again without those before it.
        one(check, &mutated(check, &seeds, &mut Numbers::new(start << 32 | case)));
    }
}

macro_rules! held {
    ($($name:ident)*) => {
        $(#[test] fn $name() { hold(stringify!($name)); })*

        #[test]
        fn every_check_is_run_here_and_has_a_libfuzzer_target() {
            let here = [$(stringify!($name)),*];
            let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/libfuzzer/Cargo.toml")).unwrap();
            for check in CHECKS {
                assert!(here.contains(&check.name), "{}", check.name);
                assert!(manifest.contains(&format!("name = \"{}\"", check.name)), "{}", check.name);
            }
        }
    };
}

held! { classify cni_conf containerd_config cri iptables_save kubeconfig mountinfo options }
