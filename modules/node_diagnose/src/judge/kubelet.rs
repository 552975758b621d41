//! The kubelet. Before a join a kubelet that is held back or not running is as it should be.

use crate::finding::Finding;
use crate::observe::Facts;
use crate::observe::api::Refusal;
use kubeadm::classify::{self, Texts};
use kubeadm::kubelet::Health;
use kubeadm::last_words::last_words;

/// Fewer restarts than this are a start that took a while.
const RESTARTS: u32 = 3;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let kubelet = &facts.kubelet;
    let Some(unit) = &kubelet.unit else { return };
    if unit.load == "not-found" {
        found.push(Finding::new("kubelet_missing", ["systemctl show says LoadState=not-found"]));
        return;
    }
    if kubelet.process.standalone() {
        found.push(Finding::new("kubelet_standalone", [format!("it runs as: {}", kubelet.process.args.join(" "))]));
    } else if kubelet.started.as_ref().is_some_and(|s| !s.has_kubeconfig()) {
        let command = kubelet.started.as_ref().map(|s| s.exec_start.clone()).unwrap_or_default();
        found.push(Finding::new("kubelet_standalone", [format!("its unit would start: {command}")]));
    }
    if facts.outside() {
        found.push(Finding::new("not_joined", [format!("{} is not there", kubeadm::kubeconfig::KUBELET_CONF)]));
    }
    if !facts.joined() {
        return;
    }
    if unit.masked {
        let whose = if unit.foreign_mask() { "by somebody else" } else { "by kubelet_mask or an interrupted join" };
        found.push(Finding::new("kubelet_masked", [format!("{} is masked {whose}", unit.name)]));
    } else if matches!(unit.file_state.as_str(), "disabled" | "masked-runtime") {
        found.push(Finding::new("kubelet_not_enabled", [format!("{} is {}", unit.name, unit.file_state)]));
    }
    if let Some(path) = &kubelet.certificate_missing {
        found.push(Finding::new("kubelet_credentials_missing", [format!("{path} is not there")]));
    }
    if !kubelet.useless_files.is_empty() {
        let words = kubelet.useless_files.iter().map(ToString::to_string);
        found.push(Finding::new("kubelet_file_missing", words));
    }
    let well = kubelet.process.running() && kubelet.health == Some(Health::Ok);
    if kubelet.fail_swap_on && !kubelet.swap.is_empty() && !well {
        found.push(Finding::new("swap_on", [format!("swap on {}", kubelet.swap.join(", "))]));
    }
    state(facts, found);
    api(facts, found);
}

/// What the API server says, or why it says nothing.
fn api(facts: &Facts, found: &mut Vec<Finding>) {
    let (code, words) = match &facts.api.refusal {
        None => return,
        Some(Refusal::Unreachable(words)) => ("api_unreachable", words),
        // Told by the clock's own finding.
        Some(Refusal::Rejected(words)) if words.contains("is before") => return,
        Some(Refusal::Rejected(words)) => ("credentials_rejected", words),
        Some(Refusal::NoNode(words)) => ("node_deleted", words),
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
            found.push(Finding::new("kubelet_unhealthy", [state, why.clone()]));
        }
        _ if comes_and_goes => found.push(failing(facts, state)),
        _ => found.push(Finding::new("kubelet_stopped", [state])),
    }
}

/// Its last words, read with the table that the join reads them with.
fn failing(facts: &Facts, state: String) -> Finding {
    let text = facts.kubelet.journal.text();
    let last = last_words(facts.kubelet.journal.of_program());
    let mut known = classify::classify(&Texts { kubelet: &text, ..Texts::default() }).into_iter();
    match known.find(|known| !known.row.symptom()) {
        Some(known) => Finding::new("kubelet_failing", [state, known.evidence.clone()]).because(known.explanation()),
        None => Finding::new("kubelet_failing", std::iter::once(state).chain(last)),
    }
}
