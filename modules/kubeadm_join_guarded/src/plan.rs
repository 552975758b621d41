//! What the node needs: nothing, a small mend, or a join. Pure.

use crate::annotation::Annotation;
use crate::args::Args;
use crate::observe::State;
use ansible::Failure;
use kubeadm::classify::Finding;
use kubeadm::gate::Method;
use kubeadm::kubeconfig::Kubeconfig;
use kubeadm::kubelet::Health;

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
            Mend::Annotate => "note the runtime's socket on the Node, for kubeadm",
        }
    }
}

/// Decides; refuses what no join should touch.
pub fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
    let Some(_) = state.kubeadm else {
        return refuse(
            "kubeadm_missing",
            "kubeadm is not installed on this node, or not in its search path: install the package kubeadm".into(),
        );
    };
    if state.unit.load == "not-found" {
        return refuse("kubelet_unit_missing", "this node has no kubelet.service: install the package kubelet".into());
    }
    let conf = match &state.conf {
        Some(Ok(conf)) => conf,
        // A kubeconfig that cannot be read joins no cluster.
        Some(Err(_)) => return join(state, true),
        None => return join(state, false),
    };
    if let Some(why) = other_cluster(args, conf, state.asked_ca.as_deref()) {
        return refuse("joined_elsewhere", why);
    }
    if !state.certificate {
        // The kubelet writes kubelet.conf before its certificate is issued: this join never came to its end.
        return join(state, true);
    }
    Ok(match mends(state).as_slice() {
        [] => Plan::Nothing,
        some => Plan::Mend(some.to_vec()),
    })
}

fn join(state: &State, leftovers: bool) -> anyhow::Result<Plan> {
    if state.control_plane {
        return refuse("control_plane", "this machine runs an API server (/etc/kubernetes/manifests/kube-apiserver.yaml): it is not joined as a worker".into());
    }
    Ok(Plan::Join { leftovers })
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
    if state.annotation == Annotation::Missing || (state.annotation == Annotation::NoNode && interrupted) {
        mends.push(Mend::Annotate);
    }
    mends
}

fn refuse(class: &str, why: String) -> anyhow::Result<Plan> {
    let row = Finding::of(class, &why).row;
    let failure = Failure::new(format!("{why} (see {})", row.help())).field("failure_class", row.class);
    let failure = failure.field("explanation", why).field("help", row.help());
    let failure = failure.field("next_action", row.action.name()).field("retry_safe", row.retry_safe);
    Err(failure.field("joined", false).into())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
