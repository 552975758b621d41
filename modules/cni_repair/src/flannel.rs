//! flannel's pod on this node, made anew: by removing its sandbox, which the kubelet replaces; or, where it has none or its
//! container has ended, by deleting the pod from the cluster, which its DaemonSet replaces. When it does not come up its own
//! log says why.

use crate::ahead::Ahead;
use crate::args::Args;
use crate::observe::Pod;
use crate::subnet;
use anyhow::{Context as _, bail};
use cri::{Client, Sandbox};
use host::cni::plugins;
use host::deadline::{Deadline, Look};
use host::{cni, files, links};
use kubeadm::kubeconfig::KUBELET_CONF;
use kubeadm::kubectl::Kubectl;
use kubeadm::pod_log;
use node::cni::{Running, comes_with_flannel, is_real};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long its pod may take to come up. Its images are there: it ran here before, or they are being pulled.
const COMES_UP: Duration = Duration::from_secs(90);
/// How its DaemonSet names its pods and their container (kube-flannel.yml).
const NAME: &str = "kube-flannel";

/// Does it, and waits for what flannel brings: its file, its subnet, its VXLAN.
pub(crate) fn restart(args: &Args, pods: &[Pod], ahead: &Ahead, deadline: &Deadline) -> anyhow::Result<()> {
    let tunnel = has_tunnel(deadline)? || subnet::backend_is_vxlan(deadline);
    let mut cri = Client::connect(&args.socket, deadline).context("restarting flannel")?;
    let by_cluster = pods.is_empty() || has_ended(&mut cri, pods);
    match by_cluster.then(|| delete_from_cluster(deadline)) {
        Some(Ok(())) => {}
        Some(Err(error)) if pods.is_empty() => return Err(error),
        // The slower way, which needs no API server.
        Some(Err(_)) | None => remove_sandboxes(&mut cri, pods)?,
    }
    let limit = deadline.at_most(COMES_UP);
    let waited = limit.poll(Duration::from_millis(250), "flannel to come up on this node", || {
        let ours = |sandbox: &Sandbox| sandbox.ready && sandbox.name.starts_with(NAME);
        let is_new = |sandbox: &Sandbox| !pods.iter().any(|pod| pod.id == sandbox.id);
        // Also when the time is over just now: what is missing says more than a call that was cut off.
        let listed = Client::connect(&args.socket, &limit).and_then(|mut cri| cri.list_pod_sandbox());
        match listed.unwrap_or_default().iter().any(|sandbox| ours(sandbox) && is_new(sandbox)) {
            true => missing(tunnel, ahead, &limit),
            false => Ok(Look::NotYet("its pod has not been started".to_owned())),
        }
    });
    waited.with_context(|| match last_words() {
        Some(words) => format!("restarting flannel, whose log says {words:?}"),
        None => "restarting flannel, which has written no log on this node".to_owned(),
    })
}

fn remove_sandboxes(cri: &mut Client, pods: &[Pod]) -> anyhow::Result<()> {
    for pod in pods {
        cri.stop_pod_sandbox(&pod.id).with_context(|| format!("stopping pod {}", pod.name))?;
        cri.remove_pod_sandbox(&pod.id).with_context(|| format!("removing the old sandbox of pod {}", pod.name))?;
    }
    Ok(())
}

/// The kubelet waits up to five minutes before it starts a container again that keeps ending (the CrashLoopBackOff), and
/// goes on waiting when only its sandbox is new; a new pod is started at once. A runtime that does not tell counts for no.
fn has_ended(cri: &mut Client, pods: &[Pod]) -> bool {
    let containers = cri.list_containers().unwrap_or_default();
    let mut own =
        containers.iter().filter(|c| c.name == NAME && pods.iter().any(|pod| pod.id == c.sandbox_id)).peekable();
    own.peek().is_some() && own.all(|container| !container.running)
}

/// What flannel has not brought yet.
fn missing(tunnel: bool, ahead: &Ahead, deadline: &Deadline) -> anyhow::Result<Look<()>> {
    let plugin = ahead.missing.iter().any(|name| name == "flannel");
    if let Some(broken) = ahead.broken.iter().find(|broken| comes_with_flannel(broken))
        && let Err(cause) = plugins::check(&broken.path, &ahead.versions, deadline)
    {
        return Ok(Look::NotYet(format!("{}: {cause}", broken.path.display())));
    }
    if plugin && !ahead.plugin_dirs.iter().any(|dir| dir.join("flannel").is_file()) {
        return Ok(Look::NotYet("its plugin is not there".to_owned()));
    }
    let wrote = files::read_text(subnet::SUBNET_ENV)?.and_then(|env| subnet::of_flannel(&env));
    let Some(wrote) = wrote else {
        return Ok(Look::NotYet(format!("{} is not there", subnet::SUBNET_ENV)));
    };
    if let Some(given) = subnet::given_to_flannel(deadline).filter(|given| *given != wrote.network) {
        return Ok(Look::NotYet(format!("{} says {}, not {given}", subnet::SUBNET_ENV, wrote.network)));
    }
    let confs = cni::load(cni::CONF_DIR)?;
    if ahead.without_flannels() && !confs.iter().any(|conf| is_real(conf, &Running::observe())) {
        return Ok(Look::NotYet(format!("its configuration is not in {}", cni::CONF_DIR)));
    }
    match confs.first().map(|conf| (&conf.path, &conf.network)) {
        None => return Ok(Look::NotYet(format!("there is no configuration in {}", cni::CONF_DIR))),
        Some((path, Err(why))) => return Ok(Look::NotYet(format!("{} {why}", path.display()))),
        Some((_, Ok(_))) => {}
    }
    if tunnel && !links::list(deadline)?.iter().any(|link| link.name.starts_with("flannel") && link.up) {
        return Ok(Look::NotYet("no link of flannel's is up".to_owned()));
    }
    if let Some(first) = subnet::path_faults(deadline)?.first() {
        return Ok(Look::NotYet(first.to_string()));
    }
    Ok(Look::Ready(()))
}

fn has_tunnel(deadline: &Deadline) -> anyhow::Result<bool> {
    Ok(links::list(deadline)?.iter().any(|link| link.name.starts_with("flannel") && link.vxlan.is_some()))
}

/// A kubelet may delete pods of its own node (the NodeRestriction admission plugin).
fn delete_from_cluster(deadline: &Deadline) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(KUBELET_CONF);
    let node = files::read_text("/proc/sys/kernel/hostname")?.unwrap_or_default().trim().to_lowercase();
    let selector = format!("--field-selector=spec.nodeName={node}");
    let args = ["get", "pods", "--all-namespaces", &selector, "--output=json"];
    let output = kubectl.run(&args, "", deadline)?.success().context("asking for flannel's pod on this node")?;
    let list: Value = serde_json::from_slice(&output.stdout).context("reading the list of this node's pods")?;
    let pods = list["items"].as_array().into_iter().flatten().map(|pod| &pod["metadata"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: Vec<(String, String)> = pods
        .map(|meta| (text(&meta["namespace"]), text(&meta["name"])))
        .filter(|(_, name)| name.starts_with(NAME))
        .collect();
    if names.is_empty() {
        bail!(
            "restarting flannel: the cluster has no pod of flannel's for this node; see its DaemonSet and the Node's taints"
        );
    }
    for (namespace, name) in names {
        let args = ["delete", "pod", &name, "--namespace", &namespace, "--wait=false"];
        kubectl.run(&args, "", deadline)?.success().with_context(|| format!("deleting pod {namespace}/{name}"))?;
    }
    Ok(())
}

/// What it printed last on this node.
fn last_words() -> Option<String> {
    let ours = format!("_{NAME}-");
    pod_log::logs(Path::new(pod_log::PODS), |pod| pod.contains(&ours), NAME).last()?.last_words()
}
