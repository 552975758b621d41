//! Whether the cluster signs its tokens: the signer in kube-controller-manager writes each token's signature into the
//! cluster-info ConfigMap, without which no node can use the token. Every join would find that out on its own, a minute each.

use crate::args::Args;
use ansible::Failure;
use host::deadline::{Deadline, Look};
use kubeadm::classify::Class;
use kubeadm::kubectl::Kubectl;
use serde_json::Value;
use std::time::Duration;

/// What a kubeadm cluster shows to everybody.
const CLUSTER_INFO: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
/// The signer takes a second or two; a controller manager that has just become the leader some more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for the signature of the token with this id. A cluster without cluster-info is one whose nodes discover it with
/// a file, and nobody signs there; where nobody can be asked, nothing is said.
pub fn wait(args: &Args, id: &str, deadline: &Deadline) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    let limit = deadline.at_most(PATIENCE);
    let mut unsigned = false;
    let signed = limit.poll(Duration::from_millis(500), "the token's signature", || {
        let answer = kubectl.run(&["get", "--raw", CLUSTER_INFO], "", &limit);
        let info = answer.ok().and_then(|output| serde_json::from_slice::<Value>(&output.stdout).ok());
        Ok(match info.as_ref().map(|info| is_signed(info, id)) {
            Some(false) => {
                unsigned = true;
                Look::NotYet(format!("cluster-info has no signature for the token {id}"))
            }
            // The last look, cut short by the end of the time, knows less than those before.
            None if unsigned => Look::NotYet("nobody answered".into()),
            Some(true) | None => Look::Ready(()),
        })
    });
    match signed {
        Err(_) if unsigned => Err(failure(id).into()),
        _ => Ok(()),
    }
}

/// A ConfigMap without a kubeconfig is not one that anybody signs.
fn is_signed(info: &Value, id: &str) -> bool {
    let data = &info["data"];
    !data["kubeconfig"].is_string() || data[format!("jws-kubeconfig-{id}")].is_string()
}

fn failure(id: &str) -> Failure {
    let row = Class::BootstrapSignerDown.row();
    let seconds = PATIENCE.as_secs();
    let evidence = format!("cluster-info has no signature (jws-kubeconfig-{id}) {seconds} s after the token was made");
    Failure::new(format!("making a token that nodes can join with: {}: {evidence}", row.explanation))
        .field("failure_class", row.class.name())
        .field("evidence", evidence)
        .field("explanation", row.explanation)
        .field("next_action", row.action.name())
        .field("retry_safe", row.retry_safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_signature_is_the_tokens_own_and_without_a_kubeconfig_there_is_nothing_to_sign() {
        let info = json!({"data": {"kubeconfig": "x", "jws-kubeconfig-abcdef": "y"}});
        assert!(is_signed(&info, "abcdef") && !is_signed(&info, "fedcba"));
        assert!(is_signed(&json!({"data": {}}), "abcdef") && is_signed(&json!({"kind": "Status"}), "abcdef"));
    }

    #[test]
    fn the_failure_names_the_controller_and_not_the_token() {
        let shown = format!("{:?}", failure("abcdef"));
        assert!(shown.contains("bootstrap_signer_down") && shown.contains("bootstrapsigner"), "{shown}");
    }
}
