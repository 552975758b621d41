//! The pods that a node's network and control plane consist of, and what those that ended said last.

use cri::{Client, Container, Error, Sandbox};
use host::deadline::Deadline;
use kubeadm::pod_log::{self, PODS};
use std::path::Path;
use std::time::Duration;

/// kubeadm's static pods and addons, and flannel: how their containers are named.
const CONTAINERS: [&str; 7] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kube-flannel", "coredns"];
/// How long containerd's lists are waited for.
const ANSWER: Duration = Duration::from_secs(5);

/// What was seen of them.
#[derive(Debug, Default)]
pub struct SystemPods {
    /// Containers that have ended and have not been started again.
    pub ended: Vec<Ended>,
    /// What flannel said last on this node, ended or not.
    pub flannel: Option<String>,
}

/// A container that has ended, in a pod that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its name: `kube-proxy`.
    pub container: String,
    /// Its pod: `kube-proxy-4c6wf`.
    pub pod: String,
    /// What it printed last; none when its log is not there or empty.
    pub words: Option<String>,
}

/// Looks.
pub fn observe(socket: &str, deadline: &Deadline) -> SystemPods {
    let ended = listed(socket, &deadline.at_most(ANSWER)).map(|(pods, containers)| ended(&pods, &containers));
    let flannel = words(|pod| pod.contains("_kube-flannel-"), "kube-flannel");
    // A containerd that does not answer is a finding of its own.
    SystemPods { ended: ended.unwrap_or_default(), flannel }
}

fn listed(socket: &str, deadline: &Deadline) -> Result<(Vec<Sandbox>, Vec<Container>), Error> {
    let mut client = Client::connect(socket, deadline)?;
    Ok((client.list_pod_sandbox()?, client.list_containers()?))
}

/// A pod whose sandbox has ended is on its way out, and a container that was never made waits for something else.
fn ended(pods: &[Sandbox], containers: &[Container]) -> Vec<Ended> {
    let of = |pod: &Sandbox, name: &str| {
        let mut own = containers.iter().filter(|c| c.sandbox_id == pod.id && c.name == name).peekable();
        own.peek().is_some() && own.all(|container| !container.running)
    };
    let mut found = Vec::new();
    for pod in pods.iter().filter(|pod| pod.ready && matches!(pod.namespace.as_str(), "kube-system" | "kube-flannel")) {
        for name in CONTAINERS.into_iter().filter(|name| of(pod, name)) {
            let uid = format!("_{}", pod.uid);
            let words = words(|directory| directory.ends_with(&uid), name);
            found.push(Ended { container: name.to_owned(), pod: pod.name.clone(), words });
        }
    }
    found
}

fn words(ours: impl Fn(&str) -> bool, container: &str) -> Option<String> {
    pod_log::logs(Path::new(PODS), ours, container).last()?.last_words()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(ready: bool) -> Sandbox {
        let (id, uid) = ("s".to_owned(), "no-such-uid".to_owned());
        Sandbox { id, uid, name: "kube-proxy-4c6wf".into(), namespace: "kube-system".into(), ready }
    }

    fn container(name: &str, running: bool) -> Container {
        Container { id: "c".into(), sandbox_id: "s".into(), name: name.into(), running }
    }

    #[test]
    fn a_container_that_ended_and_does_not_run_again_is_told() {
        let told = |ready, containers: &[Container]| -> Vec<String> {
            ended(&[pod(ready)], containers).into_iter().map(|e| e.container).collect()
        };
        let (gone, runs) = (container("kube-proxy", false), container("kube-proxy", true));
        assert_eq!(told(true, &[gone.clone(), gone.clone()]), ["kube-proxy"]);
        assert!(told(true, &[gone.clone(), runs]).is_empty(), "it was started again");
        assert!(told(true, &[]).is_empty(), "it has not been made yet");
        assert!(told(false, &[gone]).is_empty(), "its pod is on its way out");
        assert!(told(true, &[container("install-cni", false)]).is_empty(), "it is meant to end");
    }
}
