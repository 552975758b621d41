//! What the node needs: nothing, a small mend, or a join. Pure.

use crate::annotation::{self, Annotation};
use crate::args::Args;
use crate::observe::State;
use ansible::Failure;
use kubeadm::classify::Class;
use kubeadm::gate::Method;
use kubeadm::kubeconfig::{Client, Kubeconfig};
use kubeadm::kubelet::Health;
use kubeadm::own_node::{self, Answer};
use kubeadm::{identity, time};
use std::time::SystemTime;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Joined and healthy.
    Nothing,
    /// Joined to the right cluster, with something in the way of the kubelet.
    Mend(Vec<Mend>),
    /// To be joined; `leftovers` says that an earlier attempt left credentials that lead nowhere.
    Join {
        /// Remove what an earlier attempt left before the first attempt.
        leftovers: bool,
    },
}

/// A small mend of a joined node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// Take away a gate or mask that holds the kubelet back.
    Release,
    /// Fetch config.yaml from the cluster again.
    FetchConfig,
    /// Start the kubelet.
    Start,
    /// Restart a kubelet that runs and is not healthy.
    Restart,
    /// Restart a kubelet that is well and whose Node is not there: it registers only when it starts.
    Register,
    /// Note the runtime's socket on the Node, where kubeadm did not come to it.
    Annotate,
}

impl Mend {
    /// In words, for `--diff` and the result.
    pub fn words(self) -> &'static str {
        match self {
            Mend::Release => "take away what holds the kubelet back",
            Mend::FetchConfig => "fetch the kubelet's configuration from the cluster",
            Mend::Start => "start the kubelet",
            Mend::Restart => "restart the kubelet",
            Mend::Register => "restart the kubelet, which registers its Node again",
            Mend::Annotate => "note the runtime's socket on the Node, for kubeadm",
        }
    }
}

/// Decides; refuses what no join should touch.
pub fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
    let Some(_) = state.kubeadm else {
        return refuse(
            Class::KubeadmMissing,
            "kubeadm is not installed on this node, or not in its search path: install the package kubeadm".into(),
        );
    };
    if state.unit.load == "not-found" {
        return refuse(
            Class::KubeletUnitMissing,
            "this node has no kubelet.service: install the package kubelet".into(),
        );
    }
    let conf = match &state.conf {
        Some(Ok(conf)) => conf,
        // A kubeconfig that cannot be read joins no cluster.
        Some(Err(_)) => return join(state, true),
        None => return join(state, false),
    };
    if let Some(why) = other_cluster(args, conf, state.asked_ca.as_deref()) {
        return refuse(Class::JoinedElsewhere, why);
    }
    match &state.client {
        // The kubelet writes kubelet.conf before its certificate is issued: this join never came to its end.
        Some(Client::Missing(_) | Client::Unreadable(_)) | None => return join(state, true),
        Some(Client::Expired(at)) => return expired(state, *at),
        Some(Client::Good { .. }) => {}
    }
    if let Some((class, why)) = not_this_node(args, state) {
        return refuse(class, why);
    }
    Ok(match mends(state).as_slice() {
        [] => Plan::Nothing,
        some => Plan::Mend(some.to_vec()),
    })
}

fn join(state: &State, leftovers: bool) -> anyhow::Result<Plan> {
    if state.control_plane {
        return refuse(Class::ControlPlane, "this machine runs an API server (/etc/kubernetes/manifests/kube-apiserver.yaml): it is not joined as a worker".into());
    }
    if !state.foreign_node_ips.is_empty() {
        return refuse(
            Class::NodeIpInvalid,
            format!(
                "option kubelet_extra_args gives node-ip {}, which is not an address of this machine: give one of its own (ip -brief address), or leave it away",
                state.foreign_node_ips.join(", ")
            ),
        );
    }
    Ok(Plan::Join { leftovers })
}

/// A node that was off for too long joins again, as the same machine. Not where only its clock says that it was: then its
/// credentials are good, and removing them would lose the node.
fn expired(state: &State, at: SystemTime) -> anyhow::Result<Plan> {
    let when = time::words(at);
    if let Some(theirs) = state.server_clock.filter(|theirs| *theirs < at) {
        return refuse(
            Class::ClockAheadOrCertificateExpired,
            format!(
                "this node's clock is ahead: by it the kubelet's client certificate expired on {when}, and by the API server's it is {} now: set the clock (chrony or systemd-timesyncd)",
                time::words(theirs)
            ),
        );
    }
    if state.control_plane {
        return refuse(
            Class::KubeletCertificateExpired,
            format!(
                "the client certificate of this control plane's kubelet expired on {when}: make another with `kubeadm kubeconfig user --org system:nodes --client-name system:node:{}`, write it to /etc/kubernetes/kubelet.conf and restart the kubelet",
                state.kubelet_name
            ),
        );
    }
    join(state, true)
}

/// Why what the API server knows under this name is not this node: a name that has changed, another machine, credentials
/// that it refuses.
fn not_this_node(args: &Args, state: &State) -> Option<(Class, String)> {
    let certified = state.certified_name().unwrap_or(&state.kubelet_name);
    if certified != state.kubelet_name {
        let now = &state.kubelet_name;
        return Some((
            Class::NodeRenamed,
            format!(
                "this machine joined as {certified} and is called {now} now; its certificate is good for {certified} alone: give it the old name back (hostnamectl set-hostname {certified}) and restart the kubelet, or reset it and join it as {now}, and delete the Node {certified}"
            ),
        ));
    }
    if let Some(asked) = args.node_name.as_ref().filter(|asked| *asked != certified) {
        return Some((
            Class::NodeRenamed,
            format!(
                "this node has joined as {certified}, not as {asked}, which node_name says: leave node_name as it was, or reset the node and join it again"
            ),
        ));
    }
    match state.registered.as_ref()? {
        Answer::Node(node) if !own_node::is_this_machine(node) => {
            let theirs = node["status"]["nodeInfo"]["machineID"].as_str().unwrap_or_default();
            Some((
                Class::NodeOfAnother,
                format!(
                    "the Node {certified} is another machine's: it has the machine id {theirs}, and this one has {}: rename one of the two, or restart the kubelet where this machine's id was made anew",
                    identity::machine_id()
                ),
            ))
        }
        Answer::Rejected(words) => {
            let class = match words {
                words if words.contains("is before") => Class::ClockBehind,
                words if words.contains("is after") => Class::ClockAheadOrCertificateExpired,
                _ => Class::CredentialsRejected,
            };
            Some((class, format!("{}: {words}", class.row().explanation)))
        }
        _ => None,
    }
}

/// Why the cluster this node belongs to is not the one asked for. The CA decides where it is known, because one cluster
/// has many addresses; only without it the address does. The CA that the address asked for shows is taken for what it
/// says: all that follows from it is that nothing is done.
fn other_cluster(args: &Args, conf: &Kubeconfig, asked_ca: Option<&str>) -> Option<String> {
    let here = conf.endpoint();
    match (&conf.ca_hash, args.ca_cert_hashes.as_slice()) {
        (Some(hash), wanted @ [_, ..]) => (!wanted.iter().any(|w| w.eq_ignore_ascii_case(hash))).then(|| {
            format!("this node belongs to the cluster at {here}, whose CA ({hash}) is not in ca_cert_hashes: reset it first if it is to leave that cluster")
        }),
        _ => {
            let asked = args.endpoint()?.to_string();
            let same = asked == here || (asked_ca.is_some() && asked_ca == conf.ca_hash.as_deref());
            (!same).then(|| {
                format!("this node belongs to the cluster at {here}, not to {asked}: give ca_cert_hashes if that is the same cluster, or reset the node first")
            })
        }
    }
}

fn mends(state: &State) -> Vec<Mend> {
    let mut mends = Vec::new();
    if state.unit.held() != Method::None || state.unit.remembered.is_some() {
        mends.push(Mend::Release);
    }
    if !state.configured {
        mends.push(Mend::FetchConfig);
    }
    match (state.kubelet.running(), &state.health) {
        (true, Health::Ok) if state.kubelet.standalone() => mends.push(Mend::Restart),
        (true, Health::Ok) => {}
        (true, Health::Not(_)) => mends.push(Mend::Restart),
        (false, _) => mends.push(Mend::Start),
    }
    // A kubelet that has just been let go, or is about to be, has no Node yet.
    let interrupted = mends.contains(&Mend::Release) || mends.contains(&Mend::Start);
    let answer = state.registered.as_ref();
    let annotation = answer.map_or(Annotation::Fine, |answer| annotation::of(answer, state.socket_kept_here));
    if annotation == Annotation::NoNode && !interrupted && !mends.contains(&Mend::Restart) {
        mends.push(Mend::Register);
    }
    if matches!(annotation, Annotation::Missing | Annotation::NoNode) {
        mends.push(Mend::Annotate);
    }
    // Without a note to write, a Node that is not there is looked for nevertheless.
    if answer == Some(&Answer::NoNode) && annotation == Annotation::Fine && mends.is_empty() {
        mends.push(Mend::Register);
    }
    mends
}

fn refuse(class: Class, why: String) -> anyhow::Result<Plan> {
    let row = class.row();
    let failure = Failure::new(format!("{why} (see {})", row.help())).field("failure_class", class.name());
    let failure = failure.field("explanation", why).field("help", row.help());
    let failure = failure.field("next_action", row.action.name()).field("retry_safe", row.retry_safe);
    Err(failure.field("joined", false).into())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
