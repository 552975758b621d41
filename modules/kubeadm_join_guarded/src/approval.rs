//! The kubelet's certificate signing request, looked at while kubeadm waits for the certificate.
//!
//! kubeadm and the kubelet wait for minutes, and hardly say what for. The cluster can be asked with what kubeadm has just
//! written for the kubelet, /etc/kubernetes/bootstrap-kubelet.conf, whose CA it has verified; see [`kubeadm::csr`] for the
//! rights. kubectl asks, in the background: a slow API server must not keep kubeadm from being watched. A join of the usual
//! kind is over before the first question, and what cannot be seen (no kubectl, no right) is no fault.

use host::deadline::Deadline;
use kubeadm::classify::{Class, Finding};
use kubeadm::csr::{self, Request, State};
use kubeadm::kubeconfig::BOOTSTRAP_CONF;
use kubeadm::kubectl::Kubectl;
use kubeadm::redact::redact;
use kubeadm::{program, time};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How long the kubelet may take without a question being asked: a certificate usually comes sooner.
const FIRST: Duration = Duration::from_secs(3);
/// Between two questions.
const EVERY: Duration = Duration::from_secs(2);
/// For one question.
const QUESTION: Duration = Duration::from_secs(8);
/// Both the API server's Date and the request's age are in whole seconds.
const WHOLE_SECOND: Duration = Duration::from_secs(1);

/// An answer: what is known of the request; nothing when that cannot be seen with these rights.
type Answer = Option<Option<Request>>;

/// The eyes on one attempt's request.
pub struct Approval {
    node: String,
    patience: Duration,
    began: Instant,
    next: Option<Instant>,
    asking: Option<JoinHandle<Answer>>,
    seen: Option<(Request, Instant)>,
    blind: bool,
}

impl Approval {
    /// For the Node of this name; `patience` is how long a request may stay as it is.
    pub fn new(node: &str, patience: Duration) -> Self {
        let (node, began) = (node.to_owned(), Instant::now());
        Approval { node, patience, began, next: None, asking: None, seen: None, blind: false }
    }

    /// To be called every second or so while the kubelet has no certificate. A finding is final.
    pub fn look(&mut self, phase: &dyn Fn(&str)) -> Option<Finding> {
        if let Some(Ok(answer)) = self.asking.take_if(|asking| asking.is_finished()).map(JoinHandle::join) {
            match answer {
                None => self.blind = true,
                Some(request) => self.learn(request, phase),
            }
        }
        let next = *self.next.get_or_insert_with(|| Instant::now() + FIRST);
        if !self.blind && self.asking.is_none() && Instant::now() >= next {
            self.next = Some(Instant::now() + EVERY);
            let (node, began) = (self.node.clone(), self.began);
            self.asking = Some(std::thread::spawn(move || ask(&node, began)));
        }
        let (request, since) = self.seen.as_ref()?;
        verdict(request, since.elapsed(), self.patience)
    }

    /// What the join was waiting for, when it ends without having come so far.
    pub fn unfinished(&self) -> Option<Finding> {
        let (request, since) = self.seen.as_ref()?;
        verdict(request, since.elapsed(), Duration::ZERO)
    }

    /// A state lasts from when it was first seen, and is told then.
    fn learn(&mut self, request: Option<Request>, phase: &dyn Fn(&str)) {
        let Some(request) = request else { return };
        if self.seen.as_ref().is_some_and(|(known, _)| *known == request) {
            return;
        }
        match request.state {
            State::Pending => {
                phase(&format!("waiting for approval of {0} (kubectl certificate approve {0})", request.name))
            }
            State::Approved => phase(&format!("waiting for the certificate of {}, which is approved", request.name)),
            _ => {}
        }
        self.seen = Some((request, Instant::now()));
    }
}

/// What a request that has been as it is for so long means. Pure.
fn verdict(request: &Request, lasted: Duration, patience: Duration) -> Option<Finding> {
    let Request { name, state } = request;
    let seconds = lasted.as_secs();
    let (class, words) = match state {
        State::Issued => return None,
        State::Denied(why) => (Class::CsrDenied, format!("{name} is denied: {why}")),
        State::Failed(why) => (Class::CsrFailed, format!("{name} has failed: {why}")),
        State::Pending | State::Approved if lasted < patience => return None,
        State::Pending => (Class::CsrUnapproved, format!("{name} is still pending after {seconds} s")),
        State::Approved => {
            (Class::CsrNotIssued, format!("{name} is approved and without certificate after {seconds} s"))
        }
    };
    Some(Finding::of(class, &redact(&words)))
}

/// One question. An answer that did not come is asked for again.
fn ask(node: &str, began: Instant) -> Answer {
    let kubectl = Kubectl::new(BOOTSTRAP_CONF);
    let output = match kubectl.run(&["get", "--raw", csr::LIST, "--v=8"], "", &Deadline::after(QUESTION)) {
        Ok(output) => output,
        Err(e) => return if program::is_missing(&e) { None } else { Some(None) },
    };
    let said = output.stderr_text();
    if !output.status.success() {
        return if said.contains("(Forbidden)") { None } else { Some(None) };
    }
    // By the API server's own clock: this node's may be off by more than a join takes.
    let now = said.split("Date: ").nth(1).and_then(time::parse_http).unwrap_or_else(SystemTime::now);
    let since = now - began.elapsed() - WHOLE_SECOND;
    Some(serde_json::from_slice(&output.stdout).ok().and_then(|list| csr::of(&list, node, since)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(90);

    fn class(state: State, seconds: u64) -> Option<Class> {
        let request = Request { name: "csr-mm7lw".into(), state };
        verdict(&request, Duration::from_secs(seconds), PATIENCE).map(|finding| {
            assert!(finding.evidence.contains("csr-mm7lw"), "{}", finding.evidence);
            finding.class()
        })
    }

    #[test]
    fn a_refusal_is_final_at_once() {
        assert_eq!(class(State::Denied("KubectlDeny".into()), 0), Some(Class::CsrDenied));
        assert_eq!(class(State::Failed("SignerValidationFailure".into()), 0), Some(Class::CsrFailed));
    }

    #[test]
    fn a_person_gets_the_time_to_approve_and_no_more() {
        assert_eq!(class(State::Pending, 89), None);
        assert_eq!(class(State::Pending, 90), Some(Class::CsrUnapproved));
        assert_eq!(class(State::Approved, 89), None);
        assert_eq!(class(State::Approved, 90), Some(Class::CsrNotIssued));
    }

    #[test]
    fn an_issued_certificate_is_no_fault_however_old() {
        assert_eq!(class(State::Issued, 10_000), None);
    }

    #[test]
    fn the_clock_begins_again_when_the_state_changes_and_not_before() {
        let mut approval = Approval::new("w1", PATIENCE);
        let phase = |_: &str| {};
        let request = |state| Some(Request { name: "csr-mm7lw".into(), state });
        approval.learn(request(State::Pending), &phase);
        let first = approval.seen.as_ref().unwrap().1;
        approval.learn(request(State::Pending), &phase);
        approval.learn(None, &phase);
        assert_eq!(approval.seen.as_ref().unwrap().1, first);
        assert_eq!(approval.unfinished().unwrap().class(), Class::CsrUnapproved);
        approval.learn(request(State::Approved), &phase);
        assert!(approval.seen.as_ref().unwrap().1 > first);
        assert_eq!(approval.unfinished().unwrap().class(), Class::CsrNotIssued);
    }
}
