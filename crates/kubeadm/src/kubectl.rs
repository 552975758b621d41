//! The cluster through `kubectl`, as JSON: the one client every control plane has, of the version that fits it.
//!
//! Objects go in on stdin and come out as JSON. Every call has the caller's deadline and kubectl's own request time-out
//! below it, so that an API server which accepts and never answers is told from one that is slow.

use anyhow::Context as _;
use host::deadline::Deadline;
use host::process::Program;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What kubectl ended with, of what it wrote to stderr: its last line that is not empty. At `--v=2` and above one of before 1.22
/// ends by klog.Fatal (kubectl, pkg/cmd/util/helpers.go), and behind its words comes where each of its goroutines was: seen of a
/// real 1.20.2.
pub fn last_words(said: &str) -> Option<&str> {
    let fatal = said.lines().rfind(|line| line.starts_with('F') && line.contains(" helpers.go:"));
    let words = fatal.and_then(|line| line.split_once("] ")).map(|(_, words)| words);
    words.or_else(|| said.lines().rfind(|line| !line.trim().is_empty()))
}

/// The administrator's kubeconfig that kubeadm writes on a control plane.
pub const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";

/// A cluster, by kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    kubeconfig: PathBuf,
    scratch: Option<PathBuf>,
}

impl Kubectl {
    /// The cluster of this kubeconfig.
    pub fn new(kubeconfig: impl AsRef<Path>) -> Self {
        Kubectl { kubeconfig: kubeconfig.as_ref().to_owned(), scratch: None }
    }

    /// Has kubectl write what it writes for itself, such as the files that it compares, into this directory.
    pub fn scratch(mut self, directory: &Path) -> Self {
        self.scratch = Some(directory.to_owned());
        self
    }

    /// One object, or `None` when there is none of that name or kind.
    pub fn get(&self, kind: &str, name: &str, namespace: &str, deadline: &Deadline) -> anyhow::Result<Option<Value>> {
        let output = match path(kind, name, namespace) {
            Some(path) => self.run(&["get", "--raw", &path], "", deadline)?,
            None => self.run(&["get", kind, name, "--namespace", namespace, "--output", "json"], "", deadline)?,
        };
        let stderr = output.stderr_text();
        if !output.status.success() && (stderr.contains("NotFound") || stderr.contains("not found")) {
            return Ok(None);
        }
        let output = output.success().with_context(|| format!("reading {kind} {name}"))?;
        serde_json::from_slice(&output.stdout).with_context(|| format!("reading {kind} {name} as JSON")).map(Some)
    }

    /// All objects of a kind, in all namespaces.
    pub fn list(&self, kind: &str, deadline: &Deadline) -> anyhow::Result<Vec<Value>> {
        let output = self.run(&["get", kind, "--all-namespaces", "--output", "json"], "", deadline)?;
        let output = output.success().with_context(|| format!("listing {kind}"))?;
        let mut list: Value =
            serde_json::from_slice(&output.stdout).with_context(|| format!("reading the list of {kind} as JSON"))?;
        Ok(match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        })
    }

    /// Creates or updates objects.
    pub fn apply(&self, objects: &[Value], deadline: &Deadline) -> anyhow::Result<()> {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.run(&["apply", "--filename", "-"], &list.to_string(), deadline)?
            .success()
            .context("applying objects")
            .map(drop)
    }

    /// Any other command, with what it reads on stdin. A non-zero exit is no error here.
    pub fn run(&self, args: &[&str], stdin: &str, deadline: &Deadline) -> anyhow::Result<host::process::Output> {
        // kubectl's own limit ends one request; the deadline ends kubectl.
        let limit = deadline.left().min(Duration::from_secs(30)).as_secs().max(1);
        let mut program = Program::new("kubectl").args(["--kubeconfig"]).args([&self.kubeconfig]);
        program = program.args([format!("--request-timeout={limit}s")]).args(args);
        if let Some(directory) = &self.scratch {
            program = program.env("TMPDIR", directory);
        }
        program.stdin(stdin).run(deadline)
    }
}

/// Where the API has an object. Asked for a kind, kubectl first learns every kind that the server has, 30 questions on a node
/// that has not asked before, and slows itself down after the tenth; asked for a path, it asks one question.
fn path(kind: &str, name: &str, namespace: &str) -> Option<String> {
    Some(match kind {
        "node" => format!("/api/v1/nodes/{name}"),
        "configmap" => format!("/api/v1/namespaces/{namespace}/configmaps/{name}"),
        "daemonset" => format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}"),
        "lease" => format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_ended_with_is_found_before_its_goroutines() {
        let old = "I1127 09:40:20.1 7 round_trippers.go:435] GET https://c:6443/api/v1/nodes/w1\nF1127 09:40:20.2 7 helpers.go:115] Error from server (NotFound): nodes \"w1\" not found\ngoroutine 1 [running]:\n\t/src/transport.go:705 +0xb4a\n";
        assert_eq!(last_words(old), Some("Error from server (NotFound): nodes \"w1\" not found"));
        assert_eq!(last_words("I1 x\nError from server (NotFound): x\n\n"), Some("Error from server (NotFound): x"));
    }
}
