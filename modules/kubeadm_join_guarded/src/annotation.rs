//! kubeadm's note of the runtime's socket on the Node, which `kubeadm upgrade node` fails without.
//!
//! kubeadm writes it last of all (`patchnode.AnnotateCRISocket`, with the kubelet's credentials), so that a join that was
//! killed late has a living kubelet and no note. Where kubeadm keeps the socket in instance-config.yaml instead (feature
//! NodeLocalCRISocket) it asks for no note (`getNodeRegistration` in cmd/kubeadm/app/util/config/cluster.go).

use anyhow::Context as _;
use host::deadline::{Deadline, Look};
use kubeadm::kubeconfig::KUBELET_CONF;
use kubeadm::kubectl::Kubectl;
use kubeadm::own_node::Answer;
use kubeadm::patience::patiently;
use std::path::Path;
use std::time::Duration;

/// The annotation's name.
const NAME: &str = "kubeadm.alpha.kubernetes.io/cri-socket";
/// What newer releases of kubeadm write instead.
const INSTANCE_CONFIG: &str = "/var/lib/kubelet/instance-config.yaml";
/// A kubelet that has just been let go registers its Node within seconds.
const REGISTERED: Duration = Duration::from_secs(60);

/// What the cluster knows of the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annotation {
    /// It is there, or not needed, or it cannot be told: no reason to do anything.
    Fine,
    /// The Node has none.
    Missing,
    /// There is no Node (yet).
    NoNode,
}

/// Whether kubeadm keeps the socket on this machine instead.
pub fn is_kept_here() -> bool {
    Path::new(INSTANCE_CONFIG).exists()
}

/// What an answer of the API server says of it.
pub fn of(answer: &Answer, kept_here: bool) -> Annotation {
    match answer {
        _ if kept_here => Annotation::Fine,
        Answer::Node(node) if node["metadata"]["annotations"][NAME].is_string() => Annotation::Fine,
        Answer::Node(_) => Annotation::Missing,
        Answer::NoNode => Annotation::NoNode,
        Answer::Rejected(_) | Answer::Unknown(_) => Annotation::Fine,
    }
}

/// Writes it, as soon as the Node is there. One that has come meanwhile is not written over.
pub fn write(node: &str, socket: &str, deadline: &Deadline) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(KUBELET_CONF);
    let note = format!("{NAME}={socket}");
    let limit = deadline.at_most(REGISTERED);
    let written = limit.poll(Duration::from_secs(1), "the Node", || {
        if patiently(&limit, |limit| kubectl.get("node", node, "default", limit))?.is_none() {
            return Ok(Look::NotYet(format!("the cluster has no Node {node}")));
        }
        patiently(&limit, |limit| kubectl.run(&["annotate", "node", node, &note], "", limit)?.success())
            .map(|_| Look::Ready(()))
    });
    written.with_context(|| format!("noting the runtime's socket on Node {node}"))
}
