//! One time budget, passed down, instead of scattered sleeps and time-outs.

use std::fmt;
use std::time::{Duration, Instant};

/// The moment by which the work has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// Something that was waited for did not come about in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// What was waited for, as a noun: "an answer from containerd".
    pub what: String,
    /// How long it was waited for.
    pub waited: Duration,
    /// What was seen at the last look, if anything.
    pub last: Option<String>,
}

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waiting for {}: not there after {:.1} s", self.what, self.waited.as_secs_f64())?;
        self.last.as_deref().map_or(Ok(()), |last| write!(f, " (last seen: {last})"))
    }
}

impl std::error::Error for Expired {}

/// One look at what is waited for.
#[derive(Debug)]
pub enum Look<T> {
    /// It is there.
    Ready(T),
    /// Not yet; what was seen instead goes into the error when time runs out.
    NotYet(String),
}

impl Deadline {
    /// A deadline this far from now.
    pub fn after(budget: Duration) -> Self {
        let now = Instant::now();
        // A budget beyond what the clock can express is as good as a year.
        Deadline(now.checked_add(budget).unwrap_or(now + Duration::from_secs(365 * 86_400)))
    }

    /// What is left, zero when it has passed.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn expired(&self) -> bool {
        self.left().is_zero()
    }

    /// The earlier of this deadline and one this far from now: a part of the work may not take the whole budget.
    pub fn at_most(&self, budget: Duration) -> Self {
        (*self).min(Deadline::after(budget))
    }

    /// Looks until it is there or time is up, first at once, then after pauses that grow from 5 ms to `every`.
    /// An error of `look` itself ends the wait.
    pub fn poll<T>(
        &self,
        every: Duration,
        what: &str,
        mut look: impl FnMut() -> anyhow::Result<Look<T>>,
    ) -> anyhow::Result<T> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(5).min(every);
        loop {
            match look()? {
                Look::Ready(value) => return Ok(value),
                Look::NotYet(last) if self.expired() => {
                    let last = (!last.is_empty()).then_some(last);
                    return Err(Expired { what: what.to_owned(), waited: started.elapsed(), last }.into());
                }
                Look::NotYet(_) => self.pause(pause),
            }
            pause = (pause * 2).min(every);
        }
    }

    /// Waits this long, for a next try; never past the deadline.
    #[allow(clippy::disallowed_methods, reason = "the one place that waits, and never past the deadline")]
    pub fn pause(&self, time: Duration) {
        std::thread::sleep(time.min(self.left()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_returns_as_soon_as_it_is_there() {
        let mut looks = 0;
        let deadline = Deadline::after(Duration::from_secs(60));
        let found = deadline.poll(Duration::from_millis(10), "the third look", || {
            looks += 1;
            Ok(if looks == 3 { Look::Ready(looks) } else { Look::NotYet(String::new()) })
        });
        assert_eq!(found.unwrap(), 3);
        assert!(deadline.left() > Duration::from_secs(55));
    }

    #[test]
    fn a_poll_that_runs_out_says_what_for_how_long_and_what_was_seen() {
        let never = Deadline::after(Duration::from_millis(20))
            .poll(Duration::from_millis(5), "godot", || Ok(Look::<()>::NotYet("a tree".into())));
        let text = format!("{:#}", never.unwrap_err());
        assert!(
            text.starts_with("waiting for godot: not there after 0.0 s") && text.ends_with("(last seen: a tree)"),
            "{text}"
        );
    }

    #[test]
    fn an_expired_deadline_still_looks_once() {
        let found = Deadline::after(Duration::ZERO).poll(Duration::from_secs(1), "it", || Ok(Look::Ready(1)));
        assert_eq!(found.unwrap(), 1);
    }

    #[test]
    fn an_endless_budget_does_not_overflow() {
        assert!(Deadline::after(Duration::MAX).left() > Duration::from_secs(86_400));
    }
}
