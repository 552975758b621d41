//! One pod of the node, as far as a drain is concerned.

use serde_json::{Map, Value};

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which pod of that name.
    pub uid: String,
    /// Its labels.
    pub labels: Map<String, Value>,
    /// What becomes of it when the node goes.
    pub kind: Kind,
    /// Whether it has an emptyDir.
    pub empty_dir: bool,
    /// Whether it has run to its end: it has nothing to lose.
    pub finished: bool,
    /// Whether it is being deleted already.
    pub ending: bool,
}

/// Who looks after a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The kubelet, from a file of its own.
    Mirror,
    /// A DaemonSet: it would be made anew on this very node.
    Daemon,
    /// A controller that makes another one elsewhere.
    Managed,
    /// Nobody.
    Alone,
}

impl Pod {
    /// Reads one item of a list of pods.
    pub fn read(item: &Value) -> Self {
        let text = |path: &str| item.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let owners = item["metadata"]["ownerReferences"].as_array();
        let controller = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
        let kind = match controller {
            _ if item["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string() => Kind::Mirror,
            Some(owner) if owner["kind"] == "DaemonSet" => Kind::Daemon,
            Some(_) => Kind::Managed,
            None => Kind::Alone,
        };
        let volumes = item["spec"]["volumes"].as_array();
        Pod {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            labels: item["metadata"]["labels"].as_object().cloned().unwrap_or_default(),
            kind,
            empty_dir: volumes.into_iter().flatten().any(|volume| !volume["emptyDir"].is_null()),
            finished: matches!(item["status"]["phase"].as_str(), Some("Succeeded" | "Failed")),
            ending: item["metadata"]["deletionTimestamp"].is_string(),
        }
    }

    /// `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether a drain leaves it where it is.
    pub fn stays(&self) -> bool {
        matches!(self.kind, Kind::Mirror | Kind::Daemon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_looks_after_a_pod_decides_what_becomes_of_it() {
        let pod = |more: Value| {
            let mut all = json!({"metadata": {"name": "a", "namespace": "b"}, "spec": {"volumes": [{"emptyDir": {}}]}});
            all["metadata"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Pod::read(&all)
        };
        let owned = |kind: &str| pod(json!({"ownerReferences": [{"kind": kind, "controller": true}]}));
        assert_eq!((owned("DaemonSet").kind, owned("ReplicaSet").kind), (Kind::Daemon, Kind::Managed));
        assert_eq!(pod(json!({"annotations": {"kubernetes.io/config.mirror": "x"}})).kind, Kind::Mirror);
        // An owner that does not control makes none anew.
        assert_eq!(pod(json!({"ownerReferences": [{"kind": "Node"}]})).kind, Kind::Alone);
        assert!(pod(json!({})).empty_dir && pod(json!({})).id() == "b/a");
    }
}
