//! One run of `kubeadm join`: the configuration that nobody else can read, the program under watch, and what its end means.

use crate::approval::Approval;
use crate::args::Args;
use crate::journal::{journal, tail};
use crate::observe::{State, UNIT};
use crate::phases::Phase;
use crate::watch::{Watch, Watched};
use crate::{config_file, leftovers, reach};
use host::deadline::Deadline;
use host::files;
use host::journal::Journal;
use host::process::Output;
use kubeadm::classify::{self, Class, Finding, Texts};
use kubeadm::kubelet::{self, Health, Kubelet};
use kubeadm::last_words::last_words;
use kubeadm::program;
use kubeadm::redact::redact;
use prerequisites::observe::listeners;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Kept of the budget for taking a failed attempt back.
const RESERVE: Duration = Duration::from_secs(6);

/// One attempt, over.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// How long it took.
    pub seconds: f64,
    /// kubeadm's phases.
    pub phases: Vec<Phase>,
    /// kubeadm's stdout, redacted.
    pub stdout: String,
    /// kubeadm's stderr, redacted.
    pub stderr: String,
    /// kubeadm's exit status, as a shell counts: 128 and the signal when somebody else killed it. None when it was we who did,
    /// or it was not run.
    pub exit: Option<i32>,
    /// What went wrong, the cause first; empty when nothing did.
    pub findings: Vec<Finding>,
    /// What was mended while kubeadm ran, in words.
    pub steps: Vec<String>,
    /// What the kubelet wrote to the journal meanwhile, redacted; only after a failure.
    pub journal: String,
}

impl Attempt {
    /// Whether kubeadm came to a good end.
    pub fn succeeded(&self) -> bool {
        self.findings.is_empty()
    }

    /// An attempt that was not made, and why.
    fn pointless(began: Instant, finding: Finding) -> Self {
        Attempt {
            seconds: began.elapsed().as_secs_f64(),
            phases: Vec::new(),
            stdout: String::new(),
            stderr: String::new(),
            exit: None,
            findings: vec![finding],
            steps: Vec::new(),
            journal: String::new(),
        }
    }
}

/// Makes one attempt. An `Err` is a fault of this machine that is no matter of joining, such as a full /run.
///
/// `died_of` are the kubelet's last words in an attempt before whose cause nobody knew.
pub fn attempt(
    args: &Args,
    state: &State,
    died_of: Option<String>,
    phase: &dyn Fn(&str),
    deadline: &Deadline,
) -> anyhow::Result<Attempt> {
    let began = Instant::now();
    if let Some(finding) = reach::pointless(args, deadline) {
        let finding = with_last_words(finding, &Journal::default(), &args.cri_socket, deadline);
        return Ok(Attempt::pointless(began, finding));
    }
    let since = SystemTime::now();
    let left = deadline.left().saturating_sub(RESERVE);
    let file = config_file::write(args, state, left)?;
    let restarts = Kubelet::observe(UNIT, deadline).map(|kubelet| kubelet.restarts).unwrap_or(0);
    let approval = Approval::new(&state.node_name, args.approval());
    let mut watch = Watch::new(phase, &args.cri_socket, restarts, approval, died_of);
    let inner = Deadline::after(deadline.left().saturating_sub(RESERVE));
    // --v=1 makes discovery tell each failed try; below 5 there is no stack trace, and no secret is logged.
    let running = program::kubeadm().args(["join", "--config"]).args([&file]).args(["--v=1"]).start();
    let ran = running.and_then(|running| {
        let group = running.group();
        let _on_abort = ansible::on_abort(move || group.kill());
        running.wait(&inner, |seen| {
            watch.look(seen)?;
            // The token need not stay on disk longer than kubeadm needs to read it.
            if watch.config_was_read() { files::delete_file(&file).map(drop) } else { Ok(()) }
        })
    });
    files::delete_file(&file)?;
    // kubeadm deletes it itself, unless it was killed.
    leftovers::remove_bootstrap()?;
    Ok(judge(ran, watch.finish(), since, began, &args.cri_socket, deadline))
}

/// What the end of kubeadm means.
fn judge(
    ran: anyhow::Result<Output>,
    watched: Watched,
    since: SystemTime,
    began: Instant,
    socket: &str,
    deadline: &Deadline,
) -> Attempt {
    let Watched { phases, stdout: watched_out, stderr: watched_err, doomed, waiting, steps } = watched;
    let (stdout, stderr, exit, failure) = match ran {
        Ok(output) => {
            let signal = output.status.signal().map(|number| 128 + number);
            let exit = output.status.code().or(signal);
            (output.stdout, output.stderr, exit, (!output.status.success()).then(String::new))
        }
        Err(error) => (watched_out, watched_err, None, Some(format!("{error:#}"))),
    };
    let text = |bytes: &[u8]| redact(&String::from_utf8_lossy(bytes));
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    let mut findings = Vec::new();
    let mut words = String::new();
    if let Some(error) = failure {
        let kubelet = journal(UNIT, Some(since), deadline);
        words = redact(&kubelet.text());
        findings.extend(doomed);
        let all = format!("{stdout}\n{stderr}");
        // Before kubeadm starts the kubelet, what other programs write has nothing to do with this attempt.
        let started = phases.iter().any(|phase| phase.name == "kubelet-started");
        let (kubelet, runtime) = if started {
            (kubelet.failed(), journal(cri::unit(socket), Some(since), deadline).current())
        } else {
            (Journal::default(), Journal::default())
        };
        let texts = (redact(&kubelet.text()), redact(&runtime.text()));
        for finding in classify::classify(&Texts { kubeadm: &all, kubelet: &texts.0, runtime: &texts.1 }) {
            if findings.iter().all(|known: &Finding| known.class() != finding.class()) {
                findings.push(finding);
            }
        }
        findings.iter_mut().for_each(name_the_owner);
        // That time ran out is a symptom of what was waited for.
        if let Some(waiting) = waiting.filter(|_| findings.first().is_none_or(|first| first.row.symptom())) {
            findings.insert(0, waiting);
        }
        // kubeadm did not fail of what a healthy kubelet says, too.
        if findings.iter().all(Finding::is_normal) {
            findings.insert(0, unexplained(exit, &stderr, &error));
        }
        let first = findings.remove(0);
        findings.insert(0, with_last_words(first, &kubelet, socket, deadline));
    }
    let seconds = began.elapsed().as_secs_f64();
    Attempt { seconds, phases, stdout, stderr, exit, findings, steps, journal: tail(&words, 200) }
}

/// A port that no kubelet holds is freed by no cleanup of ours: then the class is another, and the owner is named.
fn name_the_owner(finding: &mut Finding) {
    if finding.class() != Class::PortInUse {
        return;
    }
    let ports: Vec<u16> = finding.captures.iter().filter_map(|text| text.parse().ok()).collect();
    let others = listeners().into_iter().find(|found| ports.contains(&found.port) && found.program != "kubelet");
    if let Some(other) = others {
        let seen = format!("port {} is held by {} (process {})", other.port, other.program, other.pid);
        *finding = Finding::of(Class::PortTaken, &seen);
    }
}

/// A failure without a known wording.
fn unexplained(exit: Option<i32>, stderr: &str, error: &str) -> Finding {
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with("To see the stack trace"));
    match (exit, Path::new(kubeadm::kubeconfig::KUBELET_CONF).exists(), kubelet::healthz()) {
        (Some(exit @ 129..), _, _) => {
            Finding::of(Class::Unknown, &format!("kubeadm was ended by signal {}, which was not ours", exit - 128))
        }
        (Some(_), _, _) => Finding::of(Class::Unknown, last.unwrap_or("kubeadm said nothing")),
        // Its certificate is requested in the background: healthy and without one means that nobody signs it.
        (None, _, Health::Ok) => Finding::of(Class::CsrPending, "the kubelet is healthy and has no certificate yet"),
        (None, _, Health::Not(why)) => Finding::of(Class::OutOfTime, &format!("{error}; kubelet: {why}")),
    }
}

/// Where a class says nothing of the cause, the program that ended does.
fn with_last_words(finding: Finding, kubelet: &Journal, socket: &str, deadline: &Deadline) -> Finding {
    match finding.class() {
        Class::RuntimeDown | Class::RuntimeNotReady => {
            let unit = cri::unit(socket);
            let said = last_words(journal(unit, None, deadline).failed().of_program());
            finding.with_last_words(unit.trim_end_matches(".service"), said.as_deref())
        }
        _ => finding.with_last_words("kubelet", last_words(kubelet.of_program()).as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubeadm::classify::Action;

    #[test]
    fn a_kubeadm_that_somebody_killed_did_not_run_out_of_time() {
        let finding = unexplained(Some(128 + 9), "[kubelet-start] Starting the kubelet\n", "");
        assert_eq!((finding.class(), finding.row.action), (Class::Unknown, Action::Retry));
        assert!(finding.evidence.contains("ended by signal 9"), "{}", finding.evidence);
    }
}
