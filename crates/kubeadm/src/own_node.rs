//! This machine's Node, asked for with the kubelet's own credentials, which may read it and nothing more.
//!
//! kubectl asks: it does the TLS, and nearly every node has it. Whether the answer is this very machine's the machine id
//! tells, which the kubelet writes into the Node.

use crate::kubeconfig::KUBELET_CONF;
use crate::kubectl::{Kubectl, last_words};
use crate::{identity, program};
use host::deadline::Deadline;
use serde_json::Value;

/// What the API server says.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It has the Node.
    Node(Box<Value>),
    /// It has no Node of this name.
    NoNode,
    /// It refuses these credentials, or is not trusted; its or kubectl's words.
    Rejected(String),
    /// Nobody can be asked: no connection, or no kubectl. Why.
    Unknown(String),
}

/// Asks, once.
pub fn ask(name: &str, deadline: &Deadline) -> Answer {
    // --raw: neither discovery nor a cache in the home directory.
    let path = format!("/api/v1/nodes/{name}");
    let output = match Kubectl::new(KUBELET_CONF).run(&["get", "--raw", &path], "", deadline) {
        Ok(output) => output,
        Err(e) if program::is_missing(&e) => return Answer::Unknown("kubectl is not installed on this node".into()),
        Err(e) => return Answer::Unknown(format!("{e:#}")),
    };
    match serde_json::from_slice::<Value>(&output.stdout) {
        Ok(node) if output.status.success() && node["kind"] == "Node" => Answer::Node(Box::new(node)),
        _ => refusal(&output.stderr_text()),
    }
}

/// kubectl's last words, by client-go's and the API server's wording.
fn refusal(said: &str) -> Answer {
    let last = last_words(said).unwrap_or("kubectl said nothing").trim();
    let has = |texts: &[&str]| texts.iter().any(|text| last.contains(text));
    if has(&["NotFound", "not found"]) {
        Answer::NoNode
    } else if has(&["Unauthorized", "Forbidden", "forbidden", "x509:", "certificate", "PEM", "logged in"]) {
        Answer::Rejected(last.to_owned())
    } else {
        Answer::Unknown(last.to_owned())
    }
}

/// Whether a Node is this machine's; a Node whose kubelet has not reported yet is.
pub fn is_this_machine(node: &Value) -> bool {
    let theirs = node["status"]["nodeInfo"]["machineID"].as_str().unwrap_or_default();
    theirs.is_empty() || theirs == identity::machine_id()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kubectls_words_are_told_apart() {
        assert_eq!(refusal("Error from server (NotFound): nodes \"w1\" not found\n"), Answer::NoNode);
        for words in [
            "error: You must be logged in to the server (Unauthorized)",
            "Unable to connect to the server: x509: certificate has expired or is not yet valid",
            "Error from server (Forbidden): nodes \"w1\" is forbidden: User \"x\" cannot get resource",
        ] {
            assert_eq!(refusal(words), Answer::Rejected(words.into()));
        }
        for words in ["The connection to the server 10.0.0.1:6443 was refused - did you specify the right host", ""] {
            assert!(matches!(refusal(words), Answer::Unknown(_)), "{words}");
        }
    }

    #[test]
    fn a_node_with_another_machines_id_is_not_this_one() {
        assert!(is_this_machine(&json!({})) && is_this_machine(&json!({"status": {"nodeInfo": {"machineID": ""}}})));
        assert!(!is_this_machine(&json!({"status": {"nodeInfo": {"machineID": "another"}}})));
        let own = json!({"status": {"nodeInfo": {"machineID": identity::machine_id()}}});
        assert!(is_this_machine(&own));
    }
}
