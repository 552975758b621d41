//! What is told.

use crate::args::{Args, State as Wanted};
use crate::observe::State;
use crate::plan::Plan;
use crate::runtime;
use ansible::{Failure, Outcome, Plan as _, Steps};
use std::collections::BTreeMap;

/// Without these no node is made of a machine.
const INDISPENSABLE: [&str; 3] = ["kubeadm", "kubelet", "containerd"];

/// `packages`, `missing`, `steps`, and the sentence; a failure for what is required and not there.
pub fn report(args: &Args, state: &State, plan: &Plan, done: Option<&Steps>) -> anyhow::Result<Outcome> {
    let (outcome, missing) = told(args, state, plan, done);
    let lacking: Vec<&str> = INDISPENSABLE.into_iter().filter(|name| missing.iter().any(|one| one == name)).collect();
    if args.required && !lacking.is_empty() {
        let msg = format!(
            "this machine has no {}: set kubernetes_version, such as 1.36, to have that installed, or install it",
            lacking.join(", ")
        );
        return Err(Failure::new(msg).with(outcome).into());
    }
    Ok(outcome)
}

fn told(args: &Args, state: &State, plan: &Plan, done: Option<&Steps>) -> (Outcome, Vec<String>) {
    let machine = &state.machine;
    let mut versions: BTreeMap<&str, &str> = BTreeMap::new();
    for name in [
        "kubeadm",
        "kubelet",
        "kubectl",
        "containerd",
        "containerd.io",
        "cri-tools",
        "kubernetes-cni",
        "containernetworking-plugins",
    ] {
        versions.extend(machine.packages.version(name).map(|version| (name, version)));
    }
    versions.extend(plan.coming.iter().map(|coming| (coming.name.as_str(), coming.to.as_str())));
    versions.retain(|name, _| !plan.remove.iter().any(|gone| gone == name));
    let missing = if plan.install.is_empty() { machine.missing() } else { Vec::new() };
    let steps = done.map_or_else(|| plan.steps(), |done| done.0.clone());
    let mut outcome = Outcome::new()
        .field("packages", &versions)
        .field("missing", &missing)
        .field("steps", steps)
        .field("distribution", &machine.os.name)
        .msg(sentence(args, state, plan, &missing, done.is_some()));
    if done.is_none() && !plan.install.is_empty() {
        // In check mode: what comes next asks programs that are not there yet.
        outcome.set("plan_ends", true);
    }
    if state.release.is_none() && args.state == Wanted::Present && !missing.is_empty() {
        outcome.warn(format!(
            "missing on this machine: {}; option kubernetes_version, such as 1.36, has it installed",
            missing.join(", ")
        ));
    }
    if machine.selinux && !plan.install.is_empty() {
        let policy = machine.packages.version("container-selinux").map_or("is not there", |_| "is there");
        outcome.warn(format!(
            "SELinux is enforcing, and stays so; containers need the package container-selinux, which {policy}"
        ));
    }
    if let Some(offer) = &state.offer {
        offer.choice.advice.iter().for_each(|advice| outcome.warn(advice.as_str()));
    } else if let (Some(release), Some(there)) = (state.release, machine.containerd) {
        runtime::advice(release.minor, there).into_iter().for_each(|advice| outcome.warn(advice));
    }
    (outcome, missing)
}

fn sentence(args: &Args, state: &State, plan: &Plan, missing: &[String], done: bool) -> String {
    if args.state == Wanted::Absent {
        return if plan.is_empty() {
            "nothing of Kubernetes is installed".into()
        } else {
            format!("removed: {}", plan.remove.join(", "))
        };
    }
    let Some(release) = state.release else {
        return match missing {
            [] => "option kubernetes_version is not given: nothing is installed, and nothing is missing".into(),
            missing => format!(
                "option kubernetes_version is not given: nothing is installed; missing are {}",
                missing.join(", ")
            ),
        };
    };
    let version = plan.kubernetes.or_else(|| state.machine.version("kubeadm")).or(state.machine.stray_version);
    let version =
        version.map_or_else(|| release.to_string(), |version| version.to_string().trim_start_matches('v').to_owned());
    match (plan.coming.len(), done) {
        (0, _) => format!("Kubernetes {version} is installed"),
        (count, false) => format!("Kubernetes {version} would be installed, with {count} packages in all"),
        (count, true) => format!("Kubernetes {version} is installed: {count} packages have come"),
    }
}
