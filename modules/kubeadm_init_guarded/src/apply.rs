//! `kubeadm init` between opening the kubelet's gate and taking it away, and the proof that the API server is up.

use crate::args::Args;
use crate::observe;
use crate::plan::{Plan, Work};
use crate::report::{Done, Made};
use crate::{config, failure};
use ansible::Run;
use host::deadline::{Deadline, Look};
use host::process::Output;
use host::{files, systemd};
use kubeadm::classify::{Class, Finding};
use kubeadm::gate::{self, KUBELET, Unit};
use kubeadm::kubectl::ADMIN_CONF;
use kubeadm::lock::RUN_DIR;
use kubeadm::redact::redact;
use kubeadm::{kubeconfig, program};
use std::time::{Duration, SystemTime};

/// How long the runtime may be out of reach.
const RUNTIME: Duration = Duration::from_secs(10);
/// The phases of `kubeadm init` that are done where the API server answers; those after them may be run again.
const DONE: [&str; 6] = ["preflight", "certs", "kubeconfig", "kubelet-start", "control-plane", "etcd"];
/// Reverting must not fail because the work took all the time.
const REVERT: Duration = Duration::from_secs(20);

/// Does what the plan says.
pub fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Done) -> anyhow::Result<()> {
    match plan.work {
        Work::Nothing => Ok(()),
        Work::Release => {
            gate::release(&Unit::observe(KUBELET, &run.deadline)?, &run.deadline)?;
            done.changed = true;
            Ok(())
        }
        Work::Init | Work::Finish => init(args, &plan, run, done),
    }
}

fn init(args: &Args, plan: &Plan, run: &Run, done: &mut Done) -> anyhow::Result<()> {
    let deadline = &run.deadline;
    runtime_answers(args, deadline)?;
    if plan.unit.foreign_mask() {
        done.warnings.push(format!("{KUBELET} had been masked by somebody else; kubeadm needs it, so it is unmasked"));
    }
    let _abort = ansible::on_abort(revert);
    gate::open_for_join(&plan.unit, deadline)?;
    run.phase("init");
    done.changed = true;
    let since = SystemTime::now();
    let ran = kubeadm_init(args, plan, deadline);
    // The gate goes in any case: what kubeadm has configured may start, what it has not is held by nobody's forgotten file.
    revert();
    let output = ran?;
    let text = |bytes: &[u8]| Some(redact(&String::from_utf8_lossy(bytes)));
    (done.stdout, done.stderr) = (text(&output.stdout), text(&output.stderr));
    if !output.status.success() {
        return Err(failure::explain(args, &plan.node_name, since, done));
    }
    run.phase("api-server");
    observe::healthy(&deadline.at_most(Duration::from_secs(60)))?;
    if Unit::observe(KUBELET, deadline)?.file_state == "disabled" {
        systemd::enable(KUBELET, deadline)?;
    }
    done.made = Some(Made {
        endpoint: kubeconfig::read(ADMIN_CONF)?.map(|admin| admin.endpoint().to_owned()),
        ca_cert_hash: observe::ca_cert_hash()?,
    });
    Ok(())
}

fn kubeadm_init(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<Output> {
    let path = config_path();
    files::make_dir(RUN_DIR, 0o700)?;
    files::write_atomic(&path, config::init(args, plan.kubeadm).as_bytes(), 0o600)?;
    let skip = (plan.work == Work::Finish).then(|| skip_phases(args));
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
    answered.map_err(|_| failure::say(&Finding::of(Class::RuntimeDown, &last), "making a control plane"))
}

/// No configuration and no gate is left, whatever happened.
fn revert() {
    let deadline = Deadline::after(REVERT);
    // Both are tried; what fails here the next run finds.
    let _ = files::delete_file(config_path());
    let _ = gate::lift(KUBELET, &deadline);
}
