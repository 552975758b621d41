//! Asking an API server that is overloaded or restarting: again, with pauses that grow and differ from node to node.
//!
//! kubeadm and kubectl repeat a request ten times when the answer carries Retry-After (client-go, rest/with_retry.go), which
//! that of priority and fairness does, and give up then; on everything else they give up at once. Pure but for the pauses.

use host::deadline::Deadline;
use host::process::TimedOut;
use std::time::Duration;

/// For one try: one that hangs must not take the time of those that would not.
const TRY: Duration = Duration::from_secs(20);
/// The longest pause, without what is added to it.
const LONGEST: Duration = Duration::from_secs(8);
/// How client-go, the API server and Go's net say that it may be otherwise in a moment.
const BUSY: [&str; 13] = [
    "too many requests",
    "TooManyRequests",
    "currently unable to handle the request",
    "etcdserver: request timed out",
    "etcdserver: leader changed",
    "timed out waiting for the condition",
    "context deadline exceeded",
    "Client.Timeout exceeded",
    "TLS handshake timeout",
    "i/o timeout",
    "connection refused",
    "connection reset by peer",
    "was refused - did you specify the right host or port?",
];

/// Asks until there is an answer, a failure that waiting does not cure, or no time left: then the last failure is told.
///
/// `ask` gets the time for one try. It may be called again although the one before had its effect and only the answer was
/// lost.
pub fn patiently<T>(deadline: &Deadline, mut ask: impl FnMut(&Deadline) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut failed = 0;
    loop {
        let error = match ask(&deadline.at_most(TRY)) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let pause = pause(failed, jitter());
        if !is_busy(&error) || pause >= deadline.left() {
            return Err(error);
        }
        deadline.pause(pause);
        failed += 1;
    }
}

/// Whether waiting may cure it.
fn is_busy(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<TimedOut>()) || is_busy_text(&format!("{error:#}"))
}

/// Whether these are the words of an API server that would answer a little later.
pub fn is_busy_text(words: &str) -> bool {
    BUSY.iter().any(|busy| words.contains(busy))
}

/// 1, 2, 4, 8 seconds and up to as much again: nodes that were turned away together do not come back together.
fn pause(failed: u32, jitter: f64) -> Duration {
    Duration::from_secs(1 << failed.min(3)).min(LONGEST).mul_f64(1.0 + jitter.clamp(0.0, 1.0))
}

/// 0 to 1, different on every node and at every time.
pub fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    random as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use std::time::Instant;

    const THROTTLED: &str = "running `kubeadm token list`: exit status 1: failed to list bootstrap tokens: the server has received too many requests and has asked us to try again later (get secrets)";

    #[test]
    fn one_who_is_turned_away_comes_again_until_there_is_an_answer() {
        let mut left = 2;
        let began = Instant::now();
        let answer = patiently(&Deadline::after(Duration::from_secs(20)), |_| {
            left -= 1;
            if left >= 0 { Err(anyhow!(THROTTLED)) } else { Ok("token") }
        });
        assert_eq!(answer.unwrap(), "token");
        assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    }

    #[test]
    fn what_waiting_does_not_cure_is_told_at_once_and_lack_of_time_is_told_as_it_was() {
        let mut asked = 0;
        let mut deny = |words: &'static str, seconds| {
            asked = 0;
            let limit = Deadline::after(Duration::from_secs(seconds));
            let error = patiently::<()>(&limit, |_| {
                asked += 1;
                Err(anyhow!(words))
            });
            (error.unwrap_err().to_string(), asked)
        };
        assert_eq!(deny("forbidden: User cannot list secrets", 60), ("forbidden: User cannot list secrets".into(), 1));
        assert_eq!(deny(THROTTLED, 1), (THROTTLED.into(), 1));
    }

    #[test]
    fn pauses_grow_and_no_two_nodes_have_the_same() {
        let seconds: Vec<u64> = (0..6).map(|failed| pause(failed, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 8, 8]);
        assert!((0..6).all(|failed| pause(failed, 1.0) == 2 * pause(failed, 0.0)));
        assert!((jitter() - jitter()).abs() > 0.0);
    }
}
