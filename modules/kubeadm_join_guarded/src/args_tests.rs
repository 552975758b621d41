use super::*;
use serde_json::json;

/// All defaults, with a few options given.
pub(crate) fn args(given: Value) -> Args {
    let mut all = Map::new();
    for opt in SPEC.options {
        let default = opt.default.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        all.insert(opt.name.into(), default);
    }
    all.extend(given.as_object().unwrap().clone());
    serde_json::from_value(Value::Object(all)).unwrap()
}

#[test]
fn bad_values_are_refused_by_option_value_and_what_would_be_right() {
    for (given, words) in [
        (json!({"control_plane_endpoint": "a b"}), ["control_plane_endpoint", "a b", "host:port"]),
        (json!({"control_plane_endpoint": "h:99999"}), ["control_plane_endpoint", "h:99999", "port"]),
        (json!({"ca_cert_hashes": ["sha256:xyz"]}), ["ca_cert_hashes", "sha256:xyz", "64 hex"]),
        (json!({"node_name": "W_1"}), ["node_name", "W_1", "DNS"]),
        (json!({"cri_socket": "tcp://x"}), ["cri_socket", "tcp://x", "unix://"]),
        (json!({"timeout": 0}), ["timeout", "0", "10 to 7200"]),
        (json!({"approval_timeout": 1}), ["approval_timeout", "1", "5 to 7200"]),
        (json!({"max_retries": -1}), ["max_retries", "-1", "0 to 20"]),
        (json!({"node_taints": ["x"]}), ["node_taints", "x", "NoSchedule"]),
        (json!({"node_labels": {"a": "b,c"}}), ["node_labels", "a", "commas"]),
        (json!({"kubelet_extra_args": {"--v": 2}}), ["kubelet_extra_args", "--v", "without dashes"]),
        (json!({"log_path": "logs"}), ["log_path", "logs", "absolute"]),
    ] {
        let text = format!("{:#}", args(given.clone()).validate().unwrap_err());
        assert!(words.iter().all(|word| text.contains(word)), "{given}: {text}");
    }
}

#[test]
fn a_wrong_token_is_refused_without_being_shown() {
    let text = format!("{:#}", args(json!({"token": "SECRET-no-token"})).validate().unwrap_err());
    assert!(text.contains("token") && !text.contains("SECRET"), "{text}");
}

#[test]
fn a_token_is_asked_for_only_when_it_is_needed() {
    let args = args(json!({"control_plane_endpoint": "10.0.0.1"}));
    args.validate().unwrap();
    assert!(args.discovery().unwrap_err().to_string().contains("option token is missing"));
}

#[test]
fn labels_become_a_kubelet_flag_and_numbers_become_text() {
    let args = args(json!({"node_labels": {"disk": "big", "rack": 7}, "kubelet_extra_args": {"v": 2}}));
    let flags = args.registration().kubelet_extra_args;
    assert_eq!(flags, [("v".into(), "2".into()), ("node-labels".into(), "disk=big,rack=7".to_string())]);
}
