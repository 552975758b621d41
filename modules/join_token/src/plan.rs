//! Reuse, make or delete. Pure.

use crate::args::{Args, Limits, State as Wanted};
use crate::observe::{State, Token};
/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// This one will do.
    Reuse(Token),
    /// A new one is needed.
    Create,
    /// Ours go; their ids.
    Delete(Vec<String>),
    /// No token was asked for.
    Look,
}

/// Decides, for the moment at which it was looked.
pub fn plan(args: &Args, limits: &Limits, state: &State) -> Plan {
    match args.state {
        Wanted::Ca => return Plan::Look,
        Wanted::Absent => return Plan::Delete(state.ours.iter().map(|token| token.id().to_owned()).collect()),
        Wanted::Present => {}
    }
    let long_enough = |token: &&Token| {
        // One that never expires is not one of ours, whatever is written on it.
        token.joins
            && token.expires.is_some_and(|end| end.duration_since(state.now).is_ok_and(|left| left > limits.min_left))
    };
    let best = state.ours.iter().filter(long_enough).max_by_key(|token| token.expires);
    match best {
        Some(token) if args.reuse => Plan::Reuse(token.clone()),
        _ => Plan::Create,
    }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        match self {
            // That it is signed is proved anew: the signer may have stopped since it was made.
            Plan::Reuse(_) | Plan::Create => false,
            Plan::Delete(ids) => ids.is_empty(),
            Plan::Look => true,
        }
    }

    fn is_change(&self) -> bool {
        !self.is_empty() && !matches!(self, Plan::Reuse(_))
    }
}

impl Plan {
    /// The token that needs no change, for check mode.
    pub fn reused(&self) -> Option<String> {
        match self {
            Plan::Reuse(token) => Some(token.text.clone()),
            _ => None,
        }
    }

    /// One sentence; never a secret.
    pub fn words(&self) -> String {
        match self {
            Plan::Reuse(token) => format!("token {} is valid long enough", token.id()),
            Plan::Create => "a new token is needed".into(),
            Plan::Look => "the cluster is known by its CA".into(),
            Plan::Delete(ids) if ids.is_empty() => "there is no token of ours".into(),
            Plan::Delete(ids) => format!("tokens of ours to delete: {}", ids.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ansible::Plan as _;
    use proptest::prelude::*;
    use std::time::{Duration, SystemTime};

    fn args(state: Wanted, reuse: bool) -> Args {
        Args {
            state,
            reuse,
            ttl: "30m".into(),
            min_left: "10m".into(),
            description: "kubejoin".into(),
            kubeconfig: "/k".into(),
            ca_cert: "/c".into(),
            control_plane_endpoint: None,
        }
    }

    fn token(id: &str, left: Option<u64>, now: SystemTime) -> Token {
        let expires = left.map(|seconds| now + Duration::from_secs(seconds));
        Token { text: format!("{id}.0123456789abcdef"), description: "kubejoin".into(), expires, joins: true }
    }

    fn decide(args: &Args, ours: Vec<Token>, now: SystemTime) -> Plan {
        let state = State { endpoint: "h:6443".into(), ca_cert_hash: "sha256:0".into(), ours, now };
        plan(args, &args.limits().unwrap(), &state)
    }

    #[test]
    fn a_token_that_is_valid_long_enough_is_given_again() {
        let now = SystemTime::now();
        let present = args(Wanted::Present, true);
        let old = token("aaaaaa", Some(599), now);
        assert_eq!(decide(&present, vec![old.clone()], now), Plan::Create);
        let good = token("bbbbbb", Some(601), now);
        assert_eq!(decide(&present, vec![old, good.clone()], now), Plan::Reuse(good.clone()));
        assert_eq!(decide(&args(Wanted::Present, false), vec![good], now), Plan::Create);
    }

    #[test]
    fn one_without_end_or_with_half_the_usages_is_not_given() {
        let now = SystemTime::now();
        let half = Token { joins: false, ..token("cccccc", Some(9999), now) };
        assert_eq!(decide(&args(Wanted::Present, true), vec![token("aaaaaa", None, now), half], now), Plan::Create);
    }

    #[test]
    fn absent_deletes_ours_and_the_second_time_nothing() {
        let now = SystemTime::now();
        let absent = args(Wanted::Absent, true);
        let plan = decide(&absent, vec![token("aaaaaa", Some(1), now)], now);
        assert_eq!(plan, Plan::Delete(vec!["aaaaaa".into()]));
        assert!(!decide(&absent, vec![], now).is_change());
    }

    #[test]
    fn who_asks_for_the_ca_is_given_no_token() {
        let now = SystemTime::now();
        let plan = decide(&args(Wanted::Ca, true), vec![token("aaaaaa", Some(9999), now)], now);
        assert_eq!((&plan, plan.is_change(), plan.reused()), (&Plan::Look, false, None));
    }

    /// The cluster's tokens as a plan that was carried out leaves them.
    fn done(plan: &Plan, ours: Vec<Token>, limits: &Limits, now: SystemTime) -> Vec<Token> {
        match plan {
            Plan::Reuse(_) | Plan::Look => ours,
            Plan::Create => {
                let new = token("zzzzzz", Some(limits.ttl.as_secs()), now);
                ours.into_iter().chain([new]).collect()
            }
            Plan::Delete(ids) => ours.into_iter().filter(|token| !ids.contains(&token.id().to_owned())).collect(),
        }
    }

    proptest! {
        /// Without reuse a new token is what was asked for, every time.
        #[test]
        fn what_was_planned_and_done_leaves_nothing_to_plan(
            present in any::<bool>(),
            found in proptest::collection::vec((proptest::option::of(0u64..7200), any::<bool>()), 0..5),
        ) {
            let now = SystemTime::now();
            let wanted = args(if present { Wanted::Present } else { Wanted::Absent }, true);
            let limits = wanted.limits().unwrap();
            let ours: Vec<Token> = found
                .into_iter()
                .enumerate()
                .map(|(at, (left, joins))| Token { joins, ..token(&format!("aaaaa{at}"), left, now) })
                .collect();
            let first = decide(&wanted, ours.clone(), now);
            let second = decide(&wanted, done(&first, ours, &limits, now), now);
            prop_assert!(!second.is_change(), "{second:?} after {first:?}");
        }
    }
}
