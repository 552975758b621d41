//! Options of every module: one line of JSON in ASCII is the answer, whatever was asked, and no secret is in it.

use crate::Check;
use ansible::{Params, Spec, validate};
use serde_json::Value;

/// What a play passes; a template in it may hold anything.
pub static CHECK: Check = Check {
    name: "options",
    run,
    seed_dirs: &[],
    // The first byte chooses the module.
    seeds: &[
        b"\x00{\"level\":\"gentle\",\"scope\":\"pods,cni\",\"_ansible_check_mode\":true,\"_ansible_diff\":true}",
        b"\x01{\"state\":\"present\",\"profile\":\"bridge\",\"pod_network_cidr\":\"10.244.0.0/16\"}",
        b"\x03{\"systemd_cgroup\":\"yes\",\"cni_bin_dir\":\"auto\",\"timeout\":\"60\"}",
        b"\x04{\"pod_network_cidr\":\"10.244.0.0/16\",\"backend\":{\"Type\":\"vxlan\"}}",
        b"\x06{\"ttl\":\"1h\",\"_ansible_module_name\":\"a.b.join_token\",\"_ansible_no_log\":true}",
        b"\x08{\"endpoint\":\"10.0.0.1:6443\",\"token\":\"abcdef.0123456789abcdef\",\"ca_cert_hashes\":[\"sha256:00\"],\"timeout\":300}",
        b"\x09{\"state\":\"masked\"}",
        b"\x0c{\"name\":\"w1\",\"machine_id\":\"0123\"}",
    ],
    words: &[
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "\"yes\"", "-1", "1e308", "1e-999", "18446744073709551616", "0.5", "\"\\ud800\"",
        "\"\\u0000\"", "\"$HOME\"", "\"~root/x\"", "\"a\\nb\"", "\"\\u2028\"", "\"timeout\":", "\"token\":", "\"state\":", "\"_ansible_",
        "\"_kubejoin_progress\":\"/dev/null\"", "\"..\"", "\"/a/../b\"", "\"10.0.0.0/33\"", "\"::1\"",
    ],
};

/// How a module reads its options, without running it.
type Reader = fn(Params) -> anyhow::Result<()>;

macro_rules! parsed {
    ($module:ident) => {
        (&$module::args::SPEC, |params| params.parse::<$module::args::Args>()?.validate().map(drop))
    };
}
macro_rules! checked {
    ($module:ident) => {
        (&$module::args::SPEC, |params| $module::args::Args::from_params(params).map(drop))
    };
}

/// Every module.
pub static MODULES: [(&Spec, Reader); 18] = [
    parsed!(aggressive_reset),
    parsed!(cni_placeholder),
    checked!(cni_repair),
    parsed!(containerd_prepare),
    parsed!(containerd_upgrade),
    checked!(flannel_config),
    parsed!(join_prerequisites),
    parsed!(join_token),
    parsed!(kubeadm_init_guarded),
    parsed!(kubeadm_join_guarded),
    parsed!(kubelet_mask),
    checked!(node_diagnose),
    parsed!(pod_connectivity),
    parsed!(stale_node),
    parsed!(cluster_nodes),
    parsed!(kubectl_apply),
    parsed!(node_drain),
    parsed!(node_labels),
    parsed!(node_packages),
];

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let Some((which, input)) = data.split_first() else { return };
    let (spec, reader) = &MODULES[usize::from(*which) % MODULES.len()];
    let (line, params) = validate(spec, input);
    assert!(line.is_ascii() && line.ends_with('\n') && line.trim_end().lines().count() == 1, "{line:?}");
    let answer: Value = match serde_json::from_str(&line) {
        Ok(answer) => answer,
        Err(why) => panic!("{why}: {line:?}"),
    };
    assert!(answer.get("unreachable").is_none());
    assert_eq!(answer["failed"].as_bool().unwrap_or(false), params.is_none(), "{line}");
    for secret in secrets(spec, input) {
        assert!(!holds(&answer, &secret), "{secret:?} is in {line}");
    }
    if let Some(Err(why)) = params.map(reader) {
        let said = format!("{why:#}");
        assert!(!said.is_empty() && !said.contains('\n'), "an error of several lines: {said:?}");
    }
}

/// Values of `no_log` options that nobody could take for something else.
fn secrets(spec: &Spec, input: &[u8]) -> Vec<String> {
    let Ok(Value::Object(options)) = serde_json::from_slice(input) else { return Vec::new() };
    let hidden = spec.options.iter().filter(|option| option.no_log);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    hidden.filter_map(|option| text(options.get(option.name)?)).filter(|secret| is_secret(secret)).collect()
}

fn is_secret(text: &str) -> bool {
    text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.')
}

/// Whether a value anywhere holds the text; names are the user's own and stay.
fn holds(value: &Value, secret: &str) -> bool {
    match value {
        Value::String(text) => text.contains(secret),
        Value::Array(items) => items.iter().any(|item| holds(item, secret)),
        Value::Object(map) => map.values().any(|item| holds(item, secret)),
        _ => false,
    }
}
