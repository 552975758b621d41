//! Proof that the join is one: not kubeadm's word, but what the node shows.

use crate::leftovers;
use crate::observe::UNIT;
use host::deadline::{Deadline, Look};
use kubeadm::classify::{Class, Finding};
use kubeadm::gate;
use kubeadm::kubeconfig;
use kubeadm::kubelet::{self, Health, Kubelet};
use kubeadm::own_node::{self, Answer};
use serde_json::{Value, json};
use std::time::Duration;

/// kubeadm has just seen it healthy, or it has just been started.
const SETTLE: Duration = Duration::from_secs(30);

/// A kubelet registers within seconds of its start.
const REGISTERED: Duration = Duration::from_secs(45);
/// One question to the API server.
const QUESTION: Duration = Duration::from_secs(10);

/// What was proved, as result fields; or the class of what was not.
pub fn prove(deadline: &Deadline) -> Result<Value, Finding> {
    let conf = match kubeconfig::read(kubeconfig::KUBELET_CONF) {
        Ok(Some(conf)) => conf,
        Ok(None) => {
            return Err(Finding::of(
                Class::BootstrapCredentialsGone,
                "kubeadm succeeded and /etc/kubernetes/kubelet.conf is not there",
            ));
        }
        Err(e) => return Err(Finding::of(Class::BootstrapCredentialsGone, &format!("{e:#}"))),
    };
    if let Some(path) = conf.client_certificate.as_ref().filter(|path| !path.exists()) {
        let seen = format!("the kubelet's client certificate {} is not there", path.display());
        return Err(Finding::of(Class::CsrPending, &seen));
    }
    if !std::path::Path::new(gate::CONFIG).exists() {
        let seen = format!("{} is gone: this kubelet would not start again", gate::CONFIG);
        return Err(Finding::of(Class::KubeletConfigAbsent, &seen));
    }
    let kubelet = settled(deadline)?;
    let leftover = leftovers::remove_bootstrap().unwrap_or(false);
    Ok(json!({
        "server": conf.server,
        "ca_cert_hash": conf.ca_hash,
        "kubelet_active": kubelet.running(),
        "kubelet_healthy": true,
        "kubelet_standalone": false,
        "bootstrap_file_removed": leftover,
    }))
}

/// Waits until the API has this machine's Node. Where nobody can be asked, nothing is said.
pub fn registered(name: &str, deadline: &Deadline) -> Result<(), Finding> {
    let limit = deadline.at_most(REGISTERED);
    let mut seen = Finding::of(Class::NodeNotRegistered, "nobody was asked");
    let found = limit.poll(Duration::from_millis(500), "this machine's Node", || {
        Ok(match own_node::ask(name, &limit.at_most(QUESTION)) {
            Answer::Node(node) if own_node::is_this_machine(&node) => Look::Ready(()),
            Answer::Unknown(_) => Look::Ready(()),
            Answer::Node(node) => {
                let theirs = node["status"]["nodeInfo"]["machineID"].as_str().unwrap_or_default();
                seen = Finding::of(Class::NodeOfAnother, &format!("the Node {name} has the machine id {theirs}"));
                Look::NotYet(theirs.to_owned())
            }
            Answer::NoNode => {
                seen = Finding::of(
                    Class::NodeDeleted,
                    &format!("the cluster has no Node {name}, though its kubelet runs"),
                );
                Look::NotYet("no Node".into())
            }
            Answer::Rejected(words) => {
                seen = Finding::of(Class::CredentialsRejected, &words);
                Look::NotYet(words)
            }
        })
    });
    found.map_err(|_| seen)
}

/// Waits until the kubelet is up, with an API server, and says that it is well.
fn settled(deadline: &Deadline) -> Result<Kubelet, Finding> {
    let limit = deadline.at_most(SETTLE);
    let mut seen = Finding::of(Class::KubeletUnhealthy, "it was not looked at");
    let settled = limit.poll(Duration::from_millis(250), "a healthy kubelet", || {
        let kubelet = Kubelet::observe(UNIT, &limit)?;
        let health = if kubelet.running() { kubelet::healthz() } else { Health::Not(String::new()) };
        Ok(match health {
            Health::Ok if !kubelet.standalone() => Look::Ready(kubelet),
            Health::Ok => {
                seen = Finding::of(Class::Standalone, &kubelet.args.join(" "));
                Look::NotYet("standalone".into())
            }
            Health::Not(why) => {
                let words = format!("{UNIT} is {} ({}) {why}", kubelet.active, kubelet.sub);
                seen = Finding::of(Class::KubeletUnhealthy, words.trim());
                Look::NotYet(words)
            }
        })
    });
    settled.map_err(|_| seen)
}
