//! What the API server says of this node, asked with the kubelet's own credentials, which may read its Node.
//!
//! Whether it can be reached is seen from a connection of our own: workers mostly have kubectl, but need not.

use super::{Missed, patiently};
use host::deadline::Deadline;
use host::process::Program;
use kubeadm::endpoint::Endpoint;
use kubeadm::kubeconfig::KUBELET_CONF;
use kubeadm::kubectl::{Kubectl, last_words};
use kubeadm::time;
use node::flannel::Notes;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The API server is asked no longer than this.
const LIMIT: Duration = Duration::from_secs(5);
/// And a connection to it is waited for no longer than this.
const CONNECT: Duration = Duration::from_millis(1500);

/// What was answered.
#[derive(Debug, Default)]
pub struct Api {
    /// This node, as the API server knows it.
    pub node: Option<Value>,
    /// This clock minus the API server's, in seconds.
    pub clock_offset: Option<i64>,
    /// All nodes, as far as a kubelet may list them: name and machine-id.
    pub peers: Vec<(String, String)>,
    /// What flannel noted on all nodes, as far as a kubelet may list them.
    pub flannel: Vec<Notes>,
    /// Why there is no answer.
    pub refusal: Option<Refusal>,
}

/// Why the API server did not show this Node, in its or our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No connection, or one that is never answered.
    Unreachable(String),
    /// An answer that says that these credentials, or its certificate, are not good.
    Rejected(String),
    /// An answer that there is no such Node.
    NoNode(String),
}

/// Asks about the Node `name`; nothing when there is no server to ask.
pub fn observe(server: &str, name: &str, deadline: &Deadline, missed: &mut Missed) -> Api {
    let mut seen = Api::default();
    if server.is_empty() {
        return seen;
    }
    if let Err(why) = connect(server) {
        seen.refusal = Some(Refusal::Unreachable(format!("{server}: {why}")));
        return seen;
    }
    let kubectl = Kubectl::new(KUBELET_CONF);
    // --raw: neither discovery nor a cache in the home directory. kubectl shows the server's Date at this verbosity.
    let path = format!("/api/v1/nodes/{name}");
    let output = match kubectl.run(&["get", "--raw", &path, "--v=8"], "", &deadline.at_most(LIMIT)) {
        Ok(output) => output,
        // It accepts, and has not answered in all that time; or kubectl is not installed.
        Err(e) if Program::new("kubectl").args(["version", "--client"]).run(&deadline.at_most(LIMIT)).is_ok() => {
            seen.refusal = Some(Refusal::Unreachable(format!("{server} does not answer: {e:#}")));
            return seen;
        }
        Err(e) => {
            missed.or_default::<()>("the API server", Err(e));
            return seen;
        }
    };
    let said = output.stderr_text();
    let date = said.lines().filter_map(|l| l.split_once("Date: ")).filter_map(|(_, d)| time::parse_http(d)).next_back();
    seen.clock_offset = date.map(|then| {
        let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        since(SystemTime::now()).cast_signed() - since(then).cast_signed()
    });
    seen.node = serde_json::from_slice(&output.stdout).ok();
    if seen.node.is_none() {
        let last = last_words(&said).unwrap_or_default();
        seen.refusal = refusal(&format!("{server}: {last}"));
        missed.or_default("this Node, by the API server", Err(anyhow::anyhow!(last.to_owned())))
    } else {
        let nodes = nodes(&kubectl, deadline);
        seen.flannel = nodes.iter().flat_map(Notes::of).collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pair = |n: &Value| (text(&n["metadata"]["name"]), text(&n["status"]["nodeInfo"]["machineID"]));
        seen.peers = nodes.iter().map(pair).collect();
    }
    seen
}

/// Newer API servers do not let a kubelet list its peers: then there is nothing to say.
fn nodes(kubectl: &Kubectl, deadline: &Deadline) -> Vec<Value> {
    let output = kubectl.run(&["get", "--raw", "/api/v1/nodes"], "", &deadline.at_most(LIMIT)).ok();
    let mut list: Value = output.and_then(|o| serde_json::from_slice(&o.stdout).ok()).unwrap_or_default();
    match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// A connection, in words when there is none. A resolver may hang longer than we wait.
fn connect(server: &str) -> Result<(), String> {
    let endpoint = Endpoint::of_server(server).map_err(|e| e.to_string())?;
    let limit = Deadline::after(CONNECT);
    let look = move || endpoint.connect(&limit).map(drop).map_err(|unreachable| unreachable.cause);
    patiently(look).unwrap_or_else(|| Err("no connection within 2 s".to_owned()))
}

/// kubectl's last words, by client-go's and the API server's wording.
fn refusal(words: &str) -> Option<Refusal> {
    let has = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    if has(&["NotFound", "not found"]) {
        return Some(Refusal::NoNode(words.to_owned()));
    }
    if has(&["Unauthorized", "Forbidden", "forbidden", "x509:", "certificate", "PEM"]) {
        return Some(Refusal::Rejected(words.to_owned()));
    }
    let silent = ["Unable to connect", "was refused", "imeout", "deadline exceeded", "EOF", "ServiceUnavailable"];
    has(&silent).then(|| Refusal::Unreachable(words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectls_words_are_told_apart() {
        let kind = |words: &str| match refusal(words) {
            Some(Refusal::Unreachable(_)) => "unreachable",
            Some(Refusal::Rejected(_)) => "rejected",
            Some(Refusal::NoNode(_)) => "no node",
            None => "-",
        };
        for (words, expected) in [
            ("Error from server (NotFound): nodes \"w1\" not found", "no node"),
            ("error: You must be logged in to the server (Unauthorized)", "rejected"),
            ("Unable to connect to the server: x509: certificate has expired or is not yet valid", "rejected"),
            ("Error from server (Forbidden): nodes \"w1\" is forbidden: User \"x\" cannot get resource", "rejected"),
            ("Unable to connect to the server: net/http: TLS handshake timeout", "unreachable"),
            ("The connection to the server 10.0.0.1:6443 was refused - did you specify the right host", "unreachable"),
            ("the server is busy", "-"),
        ] {
            assert_eq!(kind(words), expected, "{words}");
        }
    }

    #[test]
    fn a_port_nobody_listens_on_and_a_name_nobody_knows_are_told() {
        assert!(connect("https://127.0.0.1:1").unwrap_err().contains("refused"));
        assert!(connect("https://no-such-host.invalid:6443").is_err());
    }
}
