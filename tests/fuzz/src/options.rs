//! Options of every module: one line of JSON in ASCII is the answer, whatever was asked, and no secret is in it.

use crate::Check;
use ansible::{Module, Spec, validate};
use kubejoin::MODULES;
use serde_json::Value;

/// What a play passes; a template in it may hold anything.
pub static CHECK: Check = Check {
    name: "options",
    run,
    seed_dirs: &[],
    // The first line names the module.
    seeds: &[
        b"aggressive_reset\n{\"level\":\"gentle\",\"scope\":\"pods,cni\",\"_ansible_check_mode\":true,\"_ansible_diff\":true}",
        b"cni_placeholder\n{\"state\":\"present\",\"profile\":\"bridge\",\"pod_network_cidr\":\"10.244.0.0/16\"}",
        b"containerd_prepare\n{\"systemd_cgroup\":\"yes\",\"cni_bin_dir\":\"auto\",\"timeout\":\"60\"}",
        b"flannel_config\n{\"pod_network_cidr\":\"10.244.0.0/16\",\"backend\":{\"Type\":\"vxlan\"}}",
        b"join_token\n{\"ttl\":\"1h\",\"_ansible_module_name\":\"a.b.join_token\",\"_ansible_no_log\":true}",
        b"kubeadm_join_guarded\n{\"endpoint\":\"10.0.0.1:6443\",\"token\":\"abcdef.0123456789abcdef\",\"ca_cert_hashes\":[\"sha256:00\"],\"timeout\":300}",
        b"kubelet_mask\n{\"state\":\"masked\"}",
        b"stale_node\n{\"name\":\"w1\",\"machine_id\":\"0123\"}",
    ],
    words: &[
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "\"yes\"", "-1", "1e308", "1e-999", "18446744073709551616", "0.5", "\"\\ud800\"",
        "\"\\u0000\"", "\"$HOME\"", "\"~root/x\"", "\"a\\nb\"", "\"\\u2028\"", "\"timeout\":", "\"token\":", "\"state\":", "\"_ansible_",
        "\"_kubejoin_progress\":\"/dev/null\"", "\"..\"", "\"/a/../b\"", "\"10.0.0.0/33\"", "\"::1\"",
    ],
};

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let Some((module, input)) = chosen(data) else { return };
    let spec = module.spec;
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
    if let Some(Err(why)) = params.map(module.read) {
        let said = format!("{why:#}");
        assert!(!said.is_empty() && !said.contains('\n'), "an error of several lines: {said:?}");
    }
}

/// The module that the first line names, with the rest; where a mutation has spoilt the name, the one that the first byte
/// chooses.
fn chosen(data: &[u8]) -> Option<(&'static Module, &[u8])> {
    let named = data.iter().position(|byte| *byte == b'\n').and_then(|end| {
        let module = MODULES.iter().find(|module| module.spec.name.as_bytes() == &data[..end])?;
        Some((*module, &data[end + 1..]))
    });
    named.or_else(|| {
        let (which, input) = data.split_first()?;
        Some((MODULES[usize::from(*which) % MODULES.len()], input))
    })
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
