//! `kubeadm init` between opening the kubelet's gate and taking it away, and the proof that the API server is up.

use crate::args::Args;
use crate::config;
use crate::crashed;
use crate::observe::{self, State};
use crate::plan::Plan;
use ansible::{Failure, Outcome, Task};
use host::deadline::{Deadline, Look};
use host::process::Output;
use host::{files, journal, systemd};
use kubeadm::classify::{Class, Finding, Texts, classify};
use kubeadm::gate::{self, KUBELET, Unit};
use kubeadm::kubectl::ADMIN_CONF;
use kubeadm::last_words::last_words;
use kubeadm::lock::{self, RUN_DIR};
use kubeadm::redact::redact;
use kubeadm::version::Version;
use kubeadm::{kubeconfig, program};
use std::time::{Duration, SystemTime};

/// How long the runtime may be out of reach.
const RUNTIME: Duration = Duration::from_secs(10);
/// The phases of `kubeadm init` that are done where the API server answers; those after them may be run again.
const DONE: [&str; 6] = ["preflight", "certs", "kubeconfig", "kubelet-start", "control-plane", "etcd"];
/// Taking back must not fail because the work took all the time.
const TAKE_BACK: Duration = Duration::from_secs(20);

/// Does what the plan says.
pub fn apply(
    args: &Args,
    state: &State,
    plan: &Plan,
    outcome: Outcome,
    task: &Task,
    deadline: &Deadline,
) -> anyhow::Result<Outcome> {
    match plan {
        Plan::Nothing => Ok(outcome),
        Plan::Release => {
            let _lock = lock::take()?;
            gate::release(&Unit::observe(KUBELET, deadline)?, deadline)?;
            Ok(outcome)
        }
        Plan::Init | Plan::Finish => {
            let _lock = lock::take()?;
            init(args, state, plan, outcome, task, deadline)
        }
    }
}

fn init(
    args: &Args,
    state: &State,
    plan: &Plan,
    mut outcome: Outcome,
    task: &Task,
    deadline: &Deadline,
) -> anyhow::Result<Outcome> {
    runtime_answers(args, deadline)?;
    if state.unit.foreign_mask() {
        outcome.warn(format!("{KUBELET} had been masked by somebody else; kubeadm needs it, so it is unmasked"));
    }
    let _abort = ansible::on_abort(take_back);
    gate::open_for_join(&state.unit, deadline)?;
    task.phase("init");
    let since = SystemTime::now();
    let ran = run(args, state, plan, deadline);
    // The gate goes in any case: what kubeadm has configured may start, what it has not is held by nobody's forgotten file.
    take_back();
    let output = ran?;
    let text = |bytes: &[u8]| redact(&String::from_utf8_lossy(bytes));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if !output.status.success() {
        return Err(failure(args, state, since, &stdout, &stderr, outcome));
    }
    task.phase("api-server");
    observe::healthy(&deadline.at_most(Duration::from_secs(60)))?;
    if Unit::observe(KUBELET, deadline)?.file_state == "disabled" {
        systemd::enable(KUBELET, deadline)?;
    }
    let admin = kubeconfig::read(ADMIN_CONF)?;
    Ok(outcome
        .msg("this machine is the first control plane now")
        .field("control_plane_endpoint", admin.map(|admin| admin.endpoint().to_owned()))
        .field("ca_cert_hash", observe::ca_cert_hash()?)
        .field("stdout", stdout)
        .field("stderr", stderr))
}

fn run(args: &Args, state: &State, plan: &Plan, deadline: &Deadline) -> anyhow::Result<Output> {
    let version = state.kubeadm.unwrap_or(Version { major: 1, minor: 31, patch: 0 });
    let path = config_path();
    files::make_dir(RUN_DIR, 0o700)?;
    files::write_atomic(&path, config::init(args, version).as_bytes(), 0o600)?;
    let skip = (*plan == Plan::Finish).then(|| skip_phases(args));
    let running = program::kubeadm().args(["init", "--config", &path]).args(skip).start()?;
    let group = running.group();
    let _abort = ansible::on_abort(move || group.kill());
    running.wait(deadline, |_| Ok(()))
}

/// As kubeadm takes it; on the command line it goes before the configuration's.
fn skip_phases(args: &Args) -> String {
    let mut phases = DONE.to_vec();
    phases.extend(args.skip_phases.iter().map(String::as_str));
    format!("--skip-phases={}", phases.join(","))
}

fn config_path() -> String {
    format!("{RUN_DIR}/init.json")
}

/// Without a runtime kubeadm would wait for minutes.
fn runtime_answers(args: &Args, deadline: &Deadline) -> anyhow::Result<()> {
    let limit = deadline.at_most(RUNTIME);
    let mut last = String::new();
    let answered = limit.poll(Duration::from_millis(500), "the container runtime", || {
        Ok(match cri::Client::connect(&args.cri_socket, &limit) {
            Ok(_) => Look::Ready(()),
            Err(error) => {
                last = error.to_string();
                Look::NotYet(last.clone())
            }
        })
    });
    answered.map_err(|_| say(Finding::of(Class::RuntimeDown, &last), Outcome::new(), "making a control plane"))
}

/// The class of the failure, from kubeadm's words and the kubelet's.
fn failure(
    args: &Args,
    state: &State,
    since: SystemTime,
    stdout: &str,
    stderr: &str,
    mut outcome: Outcome,
) -> anyhow::Error {
    let limit = Deadline::after(Duration::from_secs(5));
    let journal = |unit: &str| journal::read(unit, 500, Some(since), &limit).unwrap_or_default();
    let (kubelet, runtime) = (journal(KUBELET).failed(), journal(cri::unit(&args.cri_socket)).current());
    let all = format!("{stdout}\n{stderr}");
    let texts = (redact(&kubelet.text()), redact(&runtime.text()));
    let found = classify(&Texts { kubeadm: &all, kubelet: &texts.0, runtime: &texts.1 });
    let mut found = found.into_iter().filter(|finding| !finding.is_normal());
    // That the control plane did not come up is a symptom of what its programs said.
    let finding = match found.next() {
        Some(cause) if !cause.row.symptom() => Some(cause),
        symptom => crashed::find().or(symptom),
    };
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with("To see the stack"));
    let finding = finding.unwrap_or_else(|| Finding::of(Class::Unknown, last.unwrap_or("kubeadm said nothing")));
    let finding = finding.with_last_words("kubelet", last_words(kubelet.of_program()).as_deref());
    outcome.set("stdout", stdout);
    outcome.set("stderr", stderr);
    say(finding, outcome, &format!("making {} a control plane", state.node_name))
}

fn say(finding: Finding, outcome: Outcome, doing: &str) -> anyhow::Error {
    let help = finding.row.help();
    let sentence = format!("{doing}: {}: {} (see {help})", finding.explanation(), finding.evidence);
    let failure = Failure::new(sentence).with(outcome.changed(false)).field("failure_class", finding.class().name());
    let failure =
        failure.field("evidence", &finding.evidence).field("explanation", finding.explanation()).field("help", help);
    failure.field("next_action", finding.row.action.name()).field("retry_safe", finding.row.retry_safe).into()
}

/// No configuration and no gate is left, whatever happened.
fn take_back() {
    let deadline = Deadline::after(TAKE_BACK);
    // Both are tried; what fails here the next run finds.
    let _ = files::delete_file(config_path());
    let _ = gate::lift(KUBELET, &deadline);
}
