//! `kubectl apply`, one manifest after the other. A second call does no harm: what is busy is tried again.

use crate::args::{Args, Manifest};
use crate::plan::Plan;
use crate::words::{self, Object};
use ansible::{Done, Run};
use anyhow::{Context as _, bail};
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::{is_busy_text, patiently};
use std::time::Duration;

/// A definition is there as soon as the API server has read it, within a second or two.
const ESTABLISHED: Duration = Duration::from_secs(60);
const DEFINITION: &str = "customresourcedefinition.apiextensions.k8s.io/";

/// The objects that were applied, and the manifests that were refused after all.
#[derive(Debug, Default)]
pub struct Applied {
    /// In order.
    pub objects: Vec<Object>,
    /// `FILE: kubectl's words`.
    pub refused: Vec<String>,
}

impl Done for Applied {
    fn is_change(&self) -> bool {
        self.objects.iter().any(|one| one.state != "unchanged")
    }
}

/// Does it. One that is refused now, although it could be compared, keeps no other from being applied.
pub fn apply(args: &Args, plan: &Plan, run: &Run, done: &mut Applied) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    for manifest in &plan.apply {
        run.phase(&format!("applying {}", manifest.file));
        let from = done.objects.len();
        if let Err(error) = one(&kubectl, manifest, &run.deadline, done) {
            done.refused.push(format!("{}: {error:#}", manifest.file));
        }
        let made = &done.objects[from..];
        let definitions: Vec<String> = made
            .iter()
            .filter_map(|one| one.object.strip_prefix(DEFINITION))
            .map(|name| format!("crd/{name}"))
            .collect();
        if !definitions.is_empty() {
            established(&kubectl, &definitions, &run.deadline)?;
        }
    }
    if done.refused.is_empty() {
        return Ok(());
    }
    bail!("{} of {} manifests were refused: {}", done.refused.len(), plan.apply.len(), done.refused.join("; "))
}

fn one(kubectl: &Kubectl, manifest: &Manifest, deadline: &Deadline, done: &mut Applied) -> anyhow::Result<()> {
    let mut words = vec!["apply"];
    words.extend(manifest.server_side.then_some("--server-side"));
    words.extend(["--filename", "-"]);
    let output = patiently(deadline, |limit| {
        let output = kubectl.run(&words, &manifest.text, limit)?;
        let said = manifest.secrets.hide(&words::error(&output.stderr_text()));
        if !output.status.success() && is_busy_text(&said) {
            bail!("{said}");
        }
        Ok(output)
    })?;
    done.objects.extend(words::objects(&manifest.file, &output.stdout_text()));
    if !output.status.success() {
        bail!("{}", manifest.secrets.hide(&words::error(&output.stderr_text())));
    }
    Ok(())
}

/// Waits until the API server serves what was defined.
fn established(kubectl: &Kubectl, definitions: &[String], deadline: &Deadline) -> anyhow::Result<()> {
    let limit = deadline.at_most(ESTABLISHED);
    let timeout = format!("--timeout={}s", limit.left().as_secs().max(1));
    let mut words = vec!["wait", "--for=condition=Established", &timeout];
    words.extend(definitions.iter().map(String::as_str));
    let waited = kubectl.run(&words, "", &limit).and_then(host::process::Output::success);
    waited.with_context(|| format!("waiting until {} can be used", definitions.join(", "))).map(drop)
}
