//! kubeadm's configuration files, written as JSON, which every YAML reader takes.
//!
//! Differences between the API versions are here and nowhere else. A value that kubeadm would reject is not repaired:
//! kubeadm's own words reach the user.

use crate::version::Api;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How a joining node learns whom to trust.
#[derive(Clone, Debug)]
pub enum Discovery {
    /// Through cluster-info, signed with the token.
    Token {
        /// `host:port` of the API server.
        endpoint: String,
        /// The bootstrap token.
        token: String,
        /// `sha256:<hex>` of the CA's public key; empty means that any CA is trusted.
        ca_cert_hashes: Vec<String>,
    },
    /// Through a kubeconfig that is on the node, or an https URL.
    File {
        /// Path or URL of the kubeconfig.
        path: String,
        /// The token for the TLS bootstrap, unless the kubeconfig has credentials.
        token: Option<String>,
    },
}

/// What `init` and `join` share.
#[derive(Clone, Debug, Default)]
pub struct NodeRegistration {
    /// The Node's name; kubeadm's default is the host's name in lower case.
    pub name: Option<String>,
    /// `unix:///…` of the container runtime.
    pub cri_socket: Option<String>,
    /// Flags for the kubelet, without `--`.
    pub kubelet_extra_args: Vec<(String, String)>,
    /// `None` leaves kubeadm's default; an empty list means no taint.
    pub taints: Option<Vec<Taint>>,
    /// Preflight checks whose errors become warnings.
    pub ignore_preflight_errors: Vec<String>,
}

/// `key[=value]:effect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value; may be empty.
    pub value: String,
    /// NoSchedule, PreferNoSchedule or NoExecute.
    pub effect: String,
}

impl Taint {
    /// Reads `key=value:effect` or `key:effect`, as kubectl does.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, effect) = text.rsplit_once(':')?;
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect);
        (known && !key.is_empty()).then(|| Taint { key: key.into(), value: value.into(), effect: effect.into() })
    }
}

/// How long kubeadm may wait.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For discovery.
    pub discovery: Duration,
    /// For the kubelet's health and for the TLS bootstrap each. Only v1beta4 can be told.
    pub kubelet: Duration,
}

/// The file for `kubeadm join --config`.
pub fn join(api: Api, discovery: &Discovery, node: &NodeRegistration, timeouts: Timeouts) -> String {
    let mut found = match discovery {
        Discovery::Token { endpoint, token, ca_cert_hashes } => {
            let mut bootstrap = json!({"apiServerEndpoint": endpoint, "token": token});
            match ca_cert_hashes.as_slice() {
                [] => bootstrap["unsafeSkipCAVerification"] = json!(true),
                hashes => bootstrap["caCertHashes"] = json!(hashes),
            }
            json!({"bootstrapToken": bootstrap, "tlsBootstrapToken": token})
        }
        Discovery::File { path, token } => {
            let mut file = json!({"file": {"kubeConfigPath": path}});
            if let Some(token) = token {
                file["tlsBootstrapToken"] = json!(token);
            }
            file
        }
    };
    let mut config = json!({"apiVersion": api.name(), "kind": "JoinConfiguration"});
    if api == Api::V1Beta4 {
        config["timeouts"] = json!({
            "discovery": go_duration(timeouts.discovery),
            "kubeletHealthCheck": go_duration(timeouts.kubelet),
            "tlsBootstrap": go_duration(timeouts.kubelet),
        });
    } else {
        found["timeout"] = json!(go_duration(timeouts.discovery));
    }
    config["discovery"] = found;
    config["nodeRegistration"] = registration(api, node);
    format!("{config}\n")
}

/// Several documents in one file.
pub fn separate(documents: &[Value]) -> String {
    let texts: Vec<String> = documents.iter().map(|document| format!("{document}\n")).collect();
    texts.join("---\n")
}

/// The `nodeRegistration` section.
pub fn registration(api: Api, node: &NodeRegistration) -> Value {
    let mut section = Map::new();
    if let Some(name) = &node.name {
        section.insert("name".into(), json!(name));
    }
    if let Some(socket) = &node.cri_socket {
        section.insert("criSocket".into(), json!(socket));
    }
    if !node.kubelet_extra_args.is_empty() {
        section.insert("kubeletExtraArgs".into(), extra_args(api, &node.kubelet_extra_args));
    }
    if let Some(taints) = &node.taints {
        let list: Vec<Value> =
            taints.iter().map(|t| json!({"key": t.key, "value": t.value, "effect": t.effect})).collect();
        section.insert("taints".into(), json!(list));
    }
    if !node.ignore_preflight_errors.is_empty() {
        section.insert("ignorePreflightErrors".into(), json!(node.ignore_preflight_errors));
    }
    Value::Object(section)
}

/// A map up to v1beta3, a list of name and value from v1beta4.
fn extra_args(api: Api, args: &[(String, String)]) -> Value {
    match api {
        Api::V1Beta4 => args.iter().map(|(name, value)| json!({"name": name, "value": value})).collect(),
        _ => Value::Object(args.iter().map(|(name, value)| (name.clone(), json!(value))).collect()),
    }
}

/// A duration as Go reads it. Zero would mean "no limit" or "the default", depending on the field: never less than 1 s.
fn go_duration(time: Duration) -> String {
    format!("{}s", time.as_secs().max(1))
}

/// Reads a duration as Go does, in hours, minutes and seconds: `30m`, `1h30m`, `90s`. `None` when it is none.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (mut seconds, mut number) = (0u64, None::<u64>);
    for c in text.chars() {
        number = match (c, number) {
            ('0'..='9', before) => Some(before.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(c.to_digit(10)?))?),
            (unit, Some(amount)) => {
                let factor = match unit {
                    'h' => 3600,
                    'm' => 60,
                    's' => 1,
                    _ => return None,
                };
                seconds = seconds.checked_add(amount.checked_mul(factor)?)?;
                None
            }
            (_, None) => return None,
        };
    }
    (number.is_none() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Timeouts = Timeouts { discovery: Duration::from_secs(60), kubelet: Duration::from_secs(240) };

    fn token() -> Discovery {
        Discovery::Token {
            endpoint: "10.0.0.1:6443".into(),
            token: "abcdef.0123456789abcdef".into(),
            ca_cert_hashes: vec!["sha256:00".into()],
        }
    }

    fn value(api: Api, node: &NodeRegistration) -> Value {
        serde_json::from_str(&join(api, &token(), node, TIMES)).unwrap()
    }

    #[test]
    fn v1beta3_has_a_discovery_timeout_and_a_map_of_arguments() {
        let node = NodeRegistration { kubelet_extra_args: vec![("v".into(), "2".into())], ..Default::default() };
        let config = value(Api::V1Beta3, &node);
        assert_eq!(config["discovery"]["timeout"], "60s");
        assert_eq!(config["nodeRegistration"]["kubeletExtraArgs"], json!({"v": "2"}));
        assert!(config.get("timeouts").is_none());
    }

    #[test]
    fn v1beta4_has_timeouts_and_a_list_of_arguments() {
        let node = NodeRegistration { kubelet_extra_args: vec![("v".into(), "2".into())], ..Default::default() };
        let config = value(Api::V1Beta4, &node);
        assert_eq!(config["timeouts"]["tlsBootstrap"], "240s");
        assert!(config["discovery"].get("timeout").is_none());
        assert_eq!(config["nodeRegistration"]["kubeletExtraArgs"], json!([{"name": "v", "value": "2"}]));
    }

    #[test]
    fn no_hash_means_saying_so_and_an_empty_taint_list_is_kept() {
        let discovery = Discovery::Token { endpoint: "h:1".into(), token: "t".into(), ca_cert_hashes: vec![] };
        let node = NodeRegistration { taints: Some(vec![]), ..Default::default() };
        let config: Value = serde_json::from_str(&join(Api::V1Beta3, &discovery, &node, TIMES)).unwrap();
        assert_eq!(config["discovery"]["bootstrapToken"]["unsafeSkipCAVerification"], true);
        assert_eq!(config["nodeRegistration"]["taints"], json!([]));
    }

    #[test]
    fn taints_are_read_as_kubectl_reads_them() {
        let taint = Taint::parse("disk=slow:NoSchedule").unwrap();
        assert_eq!((taint.key.as_str(), taint.value.as_str()), ("disk", "slow"));
        assert_eq!(Taint::parse("storage:NoExecute").unwrap().value, "");
        assert!(Taint::parse("disk=slow:Sometimes").is_none() && Taint::parse("disk").is_none());
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, seconds) in [("30m", 1800), ("1h30m", 5400), ("90s", 90), ("24h0m0s", 86_400)] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "m", "30x", "-1m", "99999999999999999999h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
