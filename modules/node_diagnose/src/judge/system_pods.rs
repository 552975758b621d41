//! The pods of the control plane and of the node's network that have ended, with their last words.

use crate::finding::Finding;
use crate::observe::Facts;
use node::code::Code;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    if !facts.joined() {
        return;
    }
    for ended in &facts.system_pods.ended {
        let code = match ended.container.as_str() {
            "kube-proxy" => Code::KubeProxyNotRunning,
            "coredns" => Code::CorednsNotRunning,
            // Told by what it has not written, which a flannel that comes back soon has.
            "kube-flannel" => continue,
            _ => Code::ControlPlaneNotRunning,
        };
        let finding = Finding::new(code, [format!("{} of pod {} has ended", ended.container, ended.pod)]);
        found.push(match &ended.words {
            Some(words) => finding.because(format!("{}'s last words: {words}", ended.container)),
            None => finding,
        });
    }
}
