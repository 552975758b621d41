//! What differs, as `kubectl diff` tells: the API server itself merges, and nothing is changed.

use crate::args::{self, Args, Manifest};
use crate::render;
use crate::words::{self, Difference};
use ansible::Run;
use host::deadline::Deadline;
use host::room;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;

/// What was found.
pub enum State {
    /// The manifests, each with what differs.
    Compared(Vec<(Manifest, Compared)>),
    /// The text that a kustomization renders to.
    Rendered(String),
}

/// One manifest against the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// All of it is there.
    Same,
    /// These objects are not there or other.
    Differs(Vec<Difference>),
    /// It cannot be compared before something else is there, of this name: a namespace or a kind.
    Awaits(String),
    /// It cannot be applied, for this reason.
    Refused(String),
}

/// Looks.
pub fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
    if args.state == args::State::Rendered {
        return Ok(State::Rendered(render::render(args, &run.deadline)?));
    }
    run.phase("comparing with what is there");
    let manifests = args.manifests()?;
    // kubectl writes what it compares into files.
    let compared = room::inside(|room| {
        let kubectl = Kubectl::new(&args.kubeconfig).scratch(room);
        manifests.iter().map(|one| compare(&kubectl, one, &run.deadline)).collect::<anyhow::Result<Vec<_>>>()
    })?;
    Ok(State::Compared(manifests.into_iter().zip(compared).collect()))
}

fn compare(kubectl: &Kubectl, manifest: &Manifest, deadline: &Deadline) -> anyhow::Result<Compared> {
    let mut words = vec!["diff"];
    words.extend(manifest.server_side.then_some("--server-side"));
    words.extend(["--filename", "-"]);
    patiently(deadline, |limit| {
        let output = kubectl.run(&words, &manifest.text, limit)?;
        if output.status.success() {
            return Ok(Compared::Same);
        }
        let found = words::differences(&output.stdout_text());
        // 1 is a difference; before 1.20 an error, too.
        if output.status.code() == Some(1) && !found.is_empty() {
            return Ok(Compared::Differs(found));
        }
        let said = manifest.secrets.hide(&words::error(&output.stderr_text()));
        if let Some(name) = awaited(&said) {
            return Ok(Compared::Awaits(name));
        }
        if kubeadm::patience::is_busy_text(&said) {
            anyhow::bail!("comparing {} with the cluster: {said}", manifest.file);
        }
        Ok(Compared::Refused(said))
    })
}

/// The namespace or the kind whose absence keeps kubectl from comparing.
fn awaited(said: &str) -> Option<String> {
    let after = |words: &str| {
        let name = said.split_once(words)?.1.split('"').next()?;
        (!name.is_empty()).then(|| name.to_owned())
    };
    after("namespaces \"").filter(|_| said.contains("not found")).or_else(|| after("no matches for kind \""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_there_first_is_named() {
        assert_eq!(awaited("Error from server (NotFound): namespaces \"shop\" not found").as_deref(), Some("shop"));
        let kind = "error: unable to recognize \"STDIN\": no matches for kind \"Shop\" in version \"example.com/v1\"";
        assert_eq!(awaited(kind).as_deref(), Some("Shop"));
        assert_eq!(awaited("Error from server (Forbidden): namespaces \"shop\" is being terminated"), None);
    }
}
