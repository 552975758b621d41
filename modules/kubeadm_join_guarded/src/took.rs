//! Where the seconds of a join go: each part of the work in the order in which it began.

use serde_json::{Map, Value};
use std::time::Instant;

/// A stop watch with laps.
#[derive(Debug, Clone)]
pub struct Took {
    last: Instant,
    seconds: Vec<(&'static str, f64)>,
}

impl Took {
    /// Begins now.
    pub fn begin() -> Self {
        Took { last: Instant::now(), seconds: Vec::new() }
    }

    /// The time since the last call went into this. What is done again adds up.
    pub fn mark(&mut self, part: &'static str) {
        let passed = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        match self.seconds.iter_mut().find(|(known, _)| *known == part) {
            Some((_, seconds)) => *seconds += passed,
            None => self.seconds.push((part, passed)),
        }
    }

    /// Seconds by part, to the millisecond.
    pub fn fields(&self) -> Map<String, Value> {
        let field = |(part, seconds): &(&str, f64)| ((*part).to_owned(), Value::from((seconds * 1e3).round() / 1e3));
        self.seconds.iter().map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_twice_adds_up() {
        let mut took = Took::begin();
        took.mark("kubeadm");
        took.seconds = vec![("kubeadm", 1.5)];
        took.mark("kubeadm");
        took.mark("node");
        assert_eq!(took.fields().keys().collect::<Vec<_>>(), ["kubeadm", "node"]);
        assert_eq!(took.fields()["kubeadm"], 1.5);
    }
}
