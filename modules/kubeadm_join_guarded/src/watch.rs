//! Watching a running kubeadm: an attempt that cannot succeed any more is ended, a slow one is not.
//!
//! kubeadm itself waits two to five minutes for a kubelet that will never come (measured: 125 s with containerd stopped).
//! What is known sooner is acted upon sooner, but only when it has lasted: a runtime that is being restarted, a kubelet
//! that restarts once, or a token that is a second old are no faults.

use crate::approval::Approval;
use crate::journal::journal;
use crate::observe::UNIT;
use crate::phases::{Phase, Phases};
use host::deadline::Deadline;
use host::journal::Journal;
use host::process::Seen;
use kubeadm::classify::{self, Action, Class, Finding, Texts};
use kubeadm::kubelet::Kubelet;
use kubeadm::last_words::{self, last_words};
use prerequisites::fix::Fix;
use prerequisites::mend;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Between two looks at runtime and kubelet.
const EVERY: Duration = Duration::from_secs(1);
/// One question to the runtime or to systemd.
const QUESTION: Duration = Duration::from_secs(5);
/// How long the runtime may be away: longer than a restart takes.
const RUNTIME_AWAY: Duration = Duration::from_secs(6);
/// How long discovery may find no signature for the token: the signer needs a moment after a token was made.
const TOKEN_UNSIGNED: Duration = Duration::from_secs(15);
/// How long any other hopeless answer may last: once may be a proxy that is starting.
const HOPELESS: Duration = Duration::from_secs(4);
/// How long the kubelet may run standalone, or be down after kubeadm started it.
const KUBELET_WRONG: Duration = Duration::from_secs(4);
/// A kubelet that is well has joined by then, and is not asked about: systemd's and the journal's programs take the processors
/// that it needs.
const KUBELET_STARTS: Duration = Duration::from_secs(2);
/// What a kubelet that runs can say in its journal and never recover from. Other causes (no sandbox image, no CNI plugin)
/// keep pods from running, not a node from joining.
const FATAL_WHILE_RUNNING: [Class; 5] = [
    Class::CsrDenied,
    Class::RegistrationForbidden,
    Class::TokenForbidden,
    Class::TokenRejected,
    Class::HostnameInvalid,
];
/// How long the restart of the runtime may take that mends it.
const REPAIR: Duration = Duration::from_secs(20);
/// The kubelet's own certificate, once it has one.
const CERTIFICATE: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
/// With a reason in the journal one crash is enough; without one, so many.
const CRASHES: u32 = 3;

/// The eyes on one attempt.
pub struct Watch<'a> {
    phase: &'a dyn Fn(&str),
    socket: &'a str,
    began: Instant,
    since: SystemTime,
    looked: Instant,
    restarts_before: u32,
    phases: Phases,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    suspect: Option<(Class, Instant)>,
    approval: Approval,
    doomed: Option<Finding>,
    repaired: Option<Vec<String>>,
    /// The kubelet's last words in an attempt before, whose cause nobody knew.
    died_of: Option<String>,
}

/// kubeadm was killed because it could not succeed.
#[derive(Debug)]
pub struct Doomed;

impl std::fmt::Display for Doomed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the join could not succeed any more")
    }
}

impl std::error::Error for Doomed {}

/// What is left of a watch.
pub struct Watched {
    /// The phases seen.
    pub phases: Vec<Phase>,
    /// kubeadm's stdout, its first 1 MiB.
    pub stdout: Vec<u8>,
    /// kubeadm's stderr, its first 1 MiB.
    pub stderr: Vec<u8>,
    /// Why it was ended early.
    pub doomed: Option<Finding>,
    /// What the kubelet was still waiting for, where that is known.
    pub waiting: Option<Finding>,
    /// What was mended meanwhile, in words.
    pub steps: Vec<String>,
}

impl<'a> Watch<'a> {
    /// Begins now.
    pub fn new(
        phase: &'a dyn Fn(&str),
        socket: &'a str,
        restarts_before: u32,
        approval: Approval,
        died_of: Option<String>,
    ) -> Self {
        Watch {
            phase,
            socket,
            began: Instant::now(),
            since: SystemTime::now(),
            looked: Instant::now(),
            restarts_before,
            phases: Phases::default(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            suspect: None,
            approval,
            doomed: None,
            repaired: None,
            died_of,
        }
    }

    /// Called after every piece of output and at least every 200 ms. An error ends the attempt.
    pub fn look(&mut self, seen: &Seen<'_>) -> anyhow::Result<()> {
        keep(&mut self.stdout, seen.stdout);
        keep(&mut self.stderr, seen.stderr);
        for phase in self.phases.read(&self.stdout, self.began.elapsed()) {
            (self.phase)(phase);
        }
        if self.looked.elapsed() < EVERY || self.phases.begun("joined") {
            return Ok(());
        }
        self.looked = Instant::now();
        let fault = self.runtime().or_else(|| self.discovery()).or_else(|| self.approval()).or_else(|| self.kubelet());
        self.suspect = match (fault.as_ref().map(|(finding, _)| finding.class()), self.suspect) {
            (None, _) => None,
            (Some(class), Some((before, since))) if class == before => Some((class, since)),
            (Some(class), _) => Some((class, Instant::now())),
        };
        if let (Some((finding, patience)), Some((_, since))) = (fault, self.suspect)
            && since.elapsed() >= patience
        {
            self.doomed = Some(finding);
            return Err(Doomed.into());
        }
        Ok(())
    }

    /// Whether kubeadm has read its configuration: it prints its first line only after that.
    pub fn config_was_read(&self) -> bool {
        self.phases.begun("preflight")
    }

    /// Ends the watch.
    pub fn finish(self) -> Watched {
        let Watch { phases, stdout, stderr, approval, doomed, repaired, .. } = self;
        // A certificate that has come since the last look is not waited for.
        let waiting = approval.unfinished().filter(|_| !Path::new(CERTIFICATE).exists());
        let (phases, steps) = (phases.all().to_vec(), repaired.unwrap_or_default());
        Watched { phases, stdout, stderr, doomed, waiting, steps }
    }

    /// The runtime has to answer all the time.
    fn runtime(&self) -> Option<(Finding, Duration)> {
        let error = cri::Client::connect(self.socket, &Deadline::after(QUESTION)).err()?;
        Some((Finding::of(runtime_class(&error), &error.to_string()), RUNTIME_AWAY))
    }

    /// What discovery says at every try, minutes before it gives up.
    fn discovery(&self) -> Option<(Finding, Duration)> {
        if self.phases.begun("configuration") {
            return None;
        }
        let text = String::from_utf8_lossy(&self.stderr);
        let last = text.lines().rev().find(|line| line.contains("[discovery] "))?;
        let finding = classify::classify(&Texts { kubeadm: last, ..Texts::default() }).into_iter().next()?;
        match finding.row.action {
            Action::Stop => Some((finding, HOPELESS)),
            Action::RefreshToken => Some((finding, TOKEN_UNSIGNED)),
            _ => None,
        }
    }

    /// A runtime that counts no image filesystem does so after a restart. Once: what that does not mend, nothing here does,
    /// and the node joins without it.
    fn repair(&mut self) {
        if self.repaired.is_none() {
            let mut done = Vec::new();
            if let Err(e) = mend::apply(Fix::Runtime, self.socket, &Deadline::after(REPAIR), &mut done) {
                done.push(format!("not mended: {e:#}"));
            }
            self.repaired = Some(done);
        }
    }

    /// The kubelet's last words, when an attempt before has ended with the same: waiting for more crashes tells nothing new.
    fn dies_again(&self, journal: &Journal) -> Option<String> {
        let words = last_words(journal.of_program())?;
        (last_words::bare(self.died_of.as_deref()?) == last_words::bare(&words)).then_some(words)
    }

    /// Whether kubeadm has started the kubelet.
    fn started(&self) -> bool {
        self.phases.begun("tls-bootstrap") || self.phases.begun("kubelet-check")
    }

    /// For how long kubeadm has been waiting for the kubelet.
    fn waited(&self) -> Duration {
        let phases = self.phases.all().iter();
        let began =
            phases.filter(|phase| ["tls-bootstrap", "kubelet-check"].contains(&phase.name)).map(|phase| phase.began);
        self.began.elapsed().saturating_sub(Duration::from_secs_f64(began.reduce(f64::min).unwrap_or(0.0)))
    }

    /// The cluster has to give the kubelet its certificate.
    fn approval(&mut self) -> Option<(Finding, Duration)> {
        let waits = self.started() && !Path::new(CERTIFICATE).exists();
        waits.then(|| self.approval.look(self.phase)).flatten().map(|finding| (finding, Duration::ZERO))
    }

    /// After kubeadm has started it, the kubelet has to stay up, with an API server.
    fn kubelet(&mut self) -> Option<(Finding, Duration)> {
        if !self.started() || self.waited() < KUBELET_STARTS {
            return None;
        }
        let deadline = Deadline::after(QUESTION);
        let kubelet = Kubelet::observe(UNIT, &deadline).ok()?;
        if kubelet.standalone() {
            return Some((Finding::of(Class::Standalone, &kubelet.args.join(" ")), KUBELET_WRONG));
        }
        let journal = journal(UNIT, Some(self.since), &deadline);
        let journal = if kubelet.running() { journal.current() } else { journal.failed() };
        let causes = classify::classify(&Texts { kubelet: &journal.text(), ..Texts::default() });
        if kubelet.running() {
            if causes.iter().any(|cause| cause.class() == Class::ImageFilesystemInvalid) {
                self.repair();
            }
            let fatal = causes.into_iter().find(|cause| FATAL_WHILE_RUNNING.contains(&cause.class()));
            return fatal.map(|cause| (cause, HOPELESS));
        }
        let cause = causes.into_iter().next();
        let crashes = kubelet.restarts.saturating_sub(self.restarts_before);
        if cause.as_ref().is_none_or(|cause| cause.row.symptom())
            && let Some(words) = self.dies_again(&journal)
        {
            return Some((Finding::of(Class::KubeletCrashing, &words), Duration::ZERO));
        }
        match cause {
            Some(cause) if !cause.row.symptom() => Some((cause, Duration::ZERO)),
            _ if kubelet.active == "activating" && crashes < CRASHES => None,
            Some(cause) => Some((cause, KUBELET_WRONG)),
            None => {
                let seen = format!("{UNIT} is {} ({}, {})", kubelet.active, kubelet.sub, kubelet.result);
                let class = if crashes > 0 { Class::KubeletCrashing } else { Class::KubeletNotStartable };
                Some((Finding::of(class, &seen), KUBELET_WRONG))
            }
        }
    }
}

/// The failure class of a CRI error.
pub fn runtime_class(error: &cri::Error) -> Class {
    match error {
        cri::Error::NoCri { .. } | cri::Error::Unimplemented { .. } => Class::CriUnimplemented,
        cri::Error::Status { .. } => Class::RuntimeNotReady,
        _ => Class::RuntimeDown,
    }
}

fn keep(kept: &mut Vec<u8>, seen: &[u8]) {
    if seen.len() > kept.len() {
        kept.extend_from_slice(&seen[kept.len()..]);
    }
}
