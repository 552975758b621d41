//! kubeadm's configuration files (v1beta2 to v1beta4) and flags: reading them, API versions, the part that init and join share.

use super::fail::Fail;
use crate::yaml::{items, text};
use crate::{version, yaml};
use serde_json::Value;

/// How this machine is to be registered.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// Node name
    pub name: String,
    /// as given, or found
    pub cri_socket: String,
    /// preflight tags whose errors become warnings, lower case
    pub ignore: Vec<String>,
    /// kubelet flags, without dashes
    pub extra: Vec<(String, String)>,
    /// given taints; None when the field was absent
    pub taints: Option<Vec<Value>>,
}

/// The values of a flag that may stand as `--x=v` or `--x v`.
pub fn flag_values(args: &[String], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if let Some(value) = arg.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            found.push(value.to_owned());
        } else if arg == name
            && let Some(value) = args.get(at + 1)
        {
            found.push(value.clone());
        }
    }
    found
}

/// The last value of a flag.
pub fn flag(args: &[String], name: &str) -> Option<String> {
    flag_values(args, name).pop()
}

/// Host name as kubeadm takes it: lower case.
pub fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_lowercase()
}

/// Reads a configuration file; refuses API versions the claimed version does not know.
pub fn documents(path: &str) -> Result<Vec<Value>, Fail> {
    let content = std::fs::read_to_string(path).map_err(|error| {
        Fail::plain(format!("unable to read config from {path:?} : open {path}: {}", crate::place::words(&error)))
    })?;
    let documents = yaml::documents(&content).map_err(|error| Fail::plain(format!("{error:#}")))?;
    for document in &documents {
        let (api, kind) = (text(document, "/apiVersion"), text(document, "/kind"));
        let Some(spec) = api.strip_prefix("kubeadm.k8s.io/") else { continue };
        let minor = version::claimed().minor;
        match spec {
            "v1beta4" if minor >= 31 => {}
            "v1beta3" if (22..).contains(&minor) => {
                if minor >= 31 {
                    deprecated(api, kind);
                }
            }
            "v1beta2" if minor < 27 => {
                if minor >= 22 {
                    deprecated(api, kind);
                }
            }
            "v1beta1" | "v1beta2" | "v1alpha3" => {
                return Err(Fail::plain(format!(
                    "your configuration file uses an old API spec: {api:?} (kind: {kind:?}). Please use kubeadm v1.{} instead and run 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version.",
                    if spec == "v1beta2" { 22 } else { 15 }
                )));
            }
            _ => {
                return Err(Fail::plain(format!(
                    "no kind {kind:?} is registered for version {api:?} in scheme \"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme/scheme.go:31\""
                )));
            }
        }
    }
    Ok(documents)
}

fn deprecated(api: &str, kind: &str) {
    crate::klog::warn(
        "common.go:101",
        &format!(
            "your configuration file uses a deprecated API spec: {api:?} (kind: {kind:?}). Please use 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version."
        ),
    );
}

/// The document of a kind, Null when it is not there.
pub fn of_kind(documents: &[Value], kind: &str) -> Value {
    documents.iter().find(|document| text(document, "/kind") == kind).cloned().unwrap_or_default()
}

/// Extra arguments in the map form of v1beta3 or the list form of v1beta4.
pub fn extra_args(value: &Value) -> Vec<(String, String)> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Value::Array(list) => list.iter().map(|item| (text(item, "/name").to_owned(), plain(&item["value"]))).collect(),
        _ => Vec::new(),
    }
}

/// The registration part of an InitConfiguration or JoinConfiguration, with the flags that override it.
pub fn registration(document: &Value, args: &[String]) -> Result<Registration, Fail> {
    let node = &document["nodeRegistration"];
    let mut ignore: Vec<String> =
        items(node, "/ignorePreflightErrors").iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
    for value in flag_values(args, "--ignore-preflight-errors") {
        ignore.extend(value.split(',').map(|tag| tag.trim().to_lowercase()));
    }
    let mut name = flag(args, "--node-name").unwrap_or_else(|| text(node, "/name").to_owned());
    if name.is_empty() {
        name = hostname();
    }
    let given = flag(args, "--cri-socket").unwrap_or_else(|| text(node, "/criSocket").to_owned());
    let cri_socket = if given.is_empty() { super::runtime::detect()? } else { super::runtime::normal(&given) };
    let taints = node["taints"].as_array().cloned();
    Ok(Registration {
        name: name.trim().to_lowercase(),
        cri_socket,
        ignore,
        extra: extra_args(&node["kubeletExtraArgs"]),
        taints,
    })
}
