//! Why flannel does not run on a node, in the words its pod's status has for it. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

/// The longest message of a container that is handed on, in characters.
const MESSAGE_CHARS: usize = 300;

/// One sentence for all pods of flannel that are not ready, the same trouble once with all its nodes; none when all are.
pub fn trouble(pods: &Value) -> Option<String> {
    let items = pods["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut nodes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in items.iter().filter(|pod| !ready(pod)) {
        let node = pod["spec"]["nodeName"].as_str().unwrap_or("no node");
        nodes.entry(why(pod)).or_default().push(node);
    }
    let sentences: Vec<String> = nodes.iter().map(|(why, nodes)| format!("{}: {why}", nodes.join(", "))).collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

fn ready(pod: &Value) -> bool {
    kubeadm::conditions::is_ready(pod)
}

fn conditions(pod: &Value) -> &[Value] {
    pod["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What a container waits for or ended with, the first ones first; else what the pod says, which is no more than its phase.
fn why(pod: &Value) -> String {
    let status = &pod["status"];
    let containers = ["initContainerStatuses", "containerStatuses"];
    let mut all = containers.iter().flat_map(|list| status[*list].as_array().into_iter().flatten());
    let stuck = all.find_map(|container| {
        let name = container["name"].as_str()?;
        let waiting = &container["state"]["waiting"];
        // A container that is started again and again says why it ended last, and not what it waits for.
        let last = [&container["lastState"]["terminated"], &container["state"]["terminated"]];
        let ended = last.into_iter().find(|ended| ended["exitCode"].as_i64().is_some_and(|code| code != 0));
        match (ended, waiting["reason"].as_str()) {
            (Some(ended), _) => Some(format!("{name} ended with exit status {}{}", ended["exitCode"], message(ended))),
            (None, Some("PodInitializing" | "ContainerCreating") | None) => None,
            (None, Some(reason)) => Some(format!("{name} waits: {reason}{}", message(waiting))),
        }
    });
    let unscheduled = || {
        let mut all = conditions(pod).iter();
        let found = all.find(|condition| condition["status"] == "False" && condition["message"].is_string());
        found.map(|condition| message(condition).trim_start_matches(": ").to_owned())
    };
    stuck.or_else(unscheduled).unwrap_or_else(|| status["phase"].as_str().unwrap_or("unknown").to_owned())
}

fn message(state: &Value) -> String {
    let text: String = state["message"].as_str().unwrap_or_default().chars().take(MESSAGE_CHARS).collect();
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn pod(node: &str, init: Value, main: Value) -> Value {
        json!({"spec": {"nodeName": node}, "status": {"phase": "Pending",
            "conditions": [{"type": "Ready", "status": "False", "message": "containers with incomplete status: [install-cni-plugin]"}],
            "initContainerStatuses": [{"name": "install-cni-plugin", "state": init}],
            "containerStatuses": [main]}})
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_named_once_for_all_its_nodes() {
        let waits =
            json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"ghcr.io/x:1\""}});
        let main = json!({"name": "kube-flannel", "state": {"waiting": {"reason": "PodInitializing"}}});
        let pods = json!({"items": [pod("cp1", waits.clone(), main.clone()), pod("w1", waits, main)]});
        let said = trouble(&pods).unwrap();
        assert_eq!(said, "cp1, w1: install-cni-plugin waits: ImagePullBackOff: Back-off pulling image \"ghcr.io/x:1\"");
    }

    #[test]
    fn a_flanneld_that_ends_again_and_again_says_what_it_ended_with() {
        let done = json!({"terminated": {"exitCode": 0}});
        let main = json!({"name": "kube-flannel", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
            "lastState": {"terminated": {"exitCode": 1, "message": "pod cidr not assigned\n"}}});
        let pods = json!({"items": [pod("w1", done, main)]});
        assert_eq!(trouble(&pods).unwrap(), "w1: kube-flannel ended with exit status 1: pod cidr not assigned");
    }

    #[test]
    fn pods_that_are_ready_are_no_trouble() {
        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        assert_eq!(trouble(&json!({"items": [ready]})), None);
        assert_eq!(trouble(&Value::Null), None);
    }

    proptest! {
        #[test]
        fn no_status_makes_it_panic(text in ".*", code in any::<i64>()) {
            let state = json!({"waiting": {"reason": text, "message": text}, "terminated": {"exitCode": code, "message": text}});
            trouble(&json!({"items": [pod(&text, state.clone(), json!({"name": text, "state": state, "lastState": text})), text, 5]}));
        }
    }
}
