//! The kubelet. Before a join a kubelet that is held back or not running is as it should be.

use crate::finding::Finding;
use crate::observe::Facts;
use crate::observe::api::Refusal;
use kubeadm::classify::{self, Texts};
use kubeadm::endpoint::Endpoint;
use kubeadm::kubelet::{self as process, Health};
use kubeadm::last_words::last_words;
use kubeadm::time;
use node::code::Code;
use std::net::IpAddr;

/// Fewer restarts than this are a start that took a while.
const RESTARTS: u32 = 3;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let kubelet = &facts.kubelet;
    let Some(unit) = &kubelet.unit else { return };
    if unit.load == "not-found" {
        found.push(Finding::new(Code::KubeletMissing, ["systemctl show says LoadState=not-found"]));
        return;
    }
    if kubelet.process.standalone() {
        found.push(Finding::new(Code::KubeletStandalone, [format!("it runs as: {}", kubelet.process.args.join(" "))]));
    } else if kubelet.started.as_ref().is_some_and(|s| !s.has_kubeconfig()) {
        let command = kubelet.started.as_ref().map(|s| s.exec_start.clone()).unwrap_or_default();
        found.push(Finding::new(Code::KubeletStandalone, [format!("its unit would start: {command}")]));
    }
    if facts.outside() {
        found.push(Finding::new(Code::NotJoined, [format!("{} is not there", kubeadm::kubeconfig::KUBELET_CONF)]));
    }
    if !facts.joined() {
        return;
    }
    if unit.masked {
        let whose = if unit.foreign_mask() { "by somebody else" } else { "by kubelet_mask or an interrupted join" };
        found.push(Finding::new(Code::KubeletMasked, [format!("{} is masked {whose}", unit.name)]));
    } else if matches!(unit.file_state.as_str(), "disabled" | "masked-runtime") {
        found.push(Finding::new(Code::KubeletNotEnabled, [format!("{} is {}", unit.name, unit.file_state)]));
    }
    if let Some(why) = &kubelet.no_credentials {
        found.push(Finding::new(Code::KubeletCredentialsMissing, [why.clone()]));
    }
    if let Some(at) = kubelet.expired {
        let words = format!("it was good until {}", time::words(at));
        found.push(Finding::new(Code::KubeletCertificateExpired, [words]));
    }
    if !kubelet.loopback_resolvers.is_empty() {
        found.push(Finding::new(Code::ResolverLoopback, kubelet.loopback_resolvers.clone()));
    }
    way(facts, found);
    if !kubelet.useless_files.is_empty() {
        let words = kubelet.useless_files.iter().map(ToString::to_string);
        found.push(Finding::new(Code::KubeletFileMissing, words));
    }
    let well = kubelet.process.running() && kubelet.health == Some(Health::Ok);
    if kubelet.fail_swap_on && !kubelet.swap.is_empty() && !well {
        found.push(Finding::new(Code::SwapOn, [format!("swap on {}", kubelet.swap.join(", "))]));
    }
    state(facts, found);
    api(facts, found);
}

/// What the kubelet was told of its way to the API server, and from there to itself.
fn way(facts: &Facts, found: &mut Vec<Finding>) {
    let kubelet = &facts.kubelet;
    let given = process::flag(&kubelet.process.args, "--node-ip").unwrap_or_default();
    let has = |ip: &IpAddr| facts.network.links.iter().any(|link| link.addresses.iter().any(|own| own.ip == *ip));
    let given = given.split(',').filter_map(|ip| ip.trim().parse::<IpAddr>().ok());
    let foreign: Vec<String> =
        given.filter(|ip| !ip.is_unspecified() && !has(ip)).map(|ip| format!("node-ip is {ip}")).collect();
    if !foreign.is_empty() && !facts.network.links.is_empty() {
        found.push(Finding::new(Code::NodeIpForeign, foreign));
    }
    // A proxy that lets it through is somebody's choice.
    let Ok(server) = Endpoint::of_server(&kubelet.server) else { return };
    if let Some(proxy) = kubelet.proxies.towards(&server.host, server.port)
        && !is_ready(facts)
    {
        let proxy = proxy.map_or_else(|why| why.cause, |proxy| proxy.endpoint.to_string());
        let words = format!("the environment of its process: HTTPS_PROXY is {proxy}, NO_PROXY lacks {server}");
        found.push(Finding::new(Code::KubeletProxied, [words]));
    }
}

fn is_ready(facts: &Facts) -> bool {
    facts.api.node.as_ref().is_some_and(kubeadm::conditions::is_ready)
}

/// What the API server says, or why it says nothing.
fn api(facts: &Facts, found: &mut Vec<Finding>) {
    let (code, words) = match &facts.api.refusal {
        None => return,
        Some(Refusal::Unreachable(words)) => (Code::ApiUnreachable, words),
        // Told by the clock's own finding.
        Some(Refusal::Rejected(words)) if words.contains("is before") => return,
        Some(Refusal::Rejected(words)) => (Code::CredentialsRejected, words),
        Some(Refusal::NoNode(words)) => (Code::NodeDeleted, words),
    };
    found.push(Finding::new(code, [words.clone()]));
}

fn state(facts: &Facts, found: &mut Vec<Finding>) {
    let process = &facts.kubelet.process;
    let state =
        format!("kubelet.service is {} ({}), restarted {} times", process.active, process.sub, process.restarts);
    let comes_and_goes = matches!(process.active.as_str(), "activating" | "failed") || process.restarts >= RESTARTS;
    match &facts.kubelet.health {
        Some(Health::Ok) => {}
        Some(Health::Not(why)) if !comes_and_goes => {
            found.push(Finding::new(Code::KubeletUnhealthy, [state, why.clone()]));
        }
        _ if comes_and_goes => found.push(failing(facts, state)),
        _ => found.push(Finding::new(Code::KubeletStopped, [state])),
    }
}

/// Its last words, read with the table that the join reads them with.
fn failing(facts: &Facts, state: String) -> Finding {
    let text = facts.kubelet.journal.text();
    let last = last_words(facts.kubelet.journal.of_program());
    let mut known = classify::classify(&Texts { kubelet: &text, ..Texts::default() }).into_iter();
    match known.find(|known| !known.row.symptom()) {
        Some(known) => Finding::new(Code::KubeletFailing, [state, known.evidence.clone()]).because(known.explanation()),
        None => Finding::new(Code::KubeletFailing, std::iter::once(state).chain(last)),
    }
}
