//! Static pods: manifests in a directory, run without asking anybody, shown in the API as mirror pods.

use super::flags::Settings;
use crate::net::api::Api;
use crate::pki::hex;
use crate::yaml::{items, parse, text};
use serde_json::{Value, json};

/// The pods of the manifest directory; a file that does not parse is left out, as a real kubelet does (and logs).
pub fn read(settings: &Settings) -> Vec<Value> {
    let mut pods = Vec::new();
    for entry in std::fs::read_dir(settings.manifests()).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || !path.is_file() {
            continue;
        }
        let Ok(content) = std::fs::read_to_string(&path) else { continue };
        let mut pod = match parse(&content) {
            Ok(pod) if text(&pod, "/kind") == "Pod" => pod,
            _ => {
                crate::klog::error(
                    "file.go:187",
                    &format!("\"Could not process manifest file\" err=\"invalid pod\" path=\"{}\"", path.display()),
                );
                continue;
            }
        };
        let digest = ring::digest::digest(&ring::digest::SHA256, format!("{}{content}", settings.node).as_bytes());
        let hash = hex(&digest.as_ref()[..16]);
        if pod["metadata"]["namespace"].is_null() {
            pod["metadata"]["namespace"] = json!("default");
        }
        pod["metadata"]["name"] = json!(format!("{}-{}", text(&pod, "/metadata/name"), settings.node));
        pod["metadata"]["uid"] = json!(hash);
        pod["spec"]["nodeName"] = json!(settings.node);
        pod["metadata"]["annotations"]["kubernetes.io/config.hash"] = json!(hash);
        pod["metadata"]["annotations"]["kubernetes.io/config.source"] = json!("file");
        pods.push(pod);
    }
    pods
}

/// Whether an object of the API is the mirror of a static pod.
pub fn is_mirror(pod: &Value) -> bool {
    !pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null()
}

/// Makes the mirrors that are missing and takes away those whose static pod is gone.
pub fn mirror(api: &Api, statics: &mut [Value], listed: &[Value]) {
    for old in listed.iter().filter(|pod| is_mirror(pod)) {
        let current = statics
            .iter()
            .any(|own| own["metadata"]["uid"] == old["metadata"]["annotations"]["kubernetes.io/config.hash"]);
        if !current {
            let _ = api.delete(&format!(
                "/api/v1/namespaces/{}/pods/{}?gracePeriodSeconds=0",
                text(old, "/metadata/namespace"),
                text(old, "/metadata/name")
            ));
        }
    }
    for own in statics {
        let known = listed.iter().find(|pod| {
            is_mirror(pod) && pod["metadata"]["annotations"]["kubernetes.io/config.hash"] == own["metadata"]["uid"]
        });
        if let Some(known) = known {
            own["status"] = known["status"].clone();
            continue;
        }
        let mut copy = own.clone();
        copy["metadata"]["annotations"]["kubernetes.io/config.mirror"] = own["metadata"]["uid"].clone();
        // Not possible while the Node is not there or the API server is down: the next round tries again.
        let _ = api.create(&format!("/api/v1/namespaces/{}/pods", text(own, "/metadata/namespace")), &copy);
    }
}

/// The pod with the volume and mounts that carry its service account's token, as admission adds them.
pub fn with_account(mut pod: Value) -> Value {
    if pod["spec"]["automountServiceAccountToken"] == false {
        return pod;
    }
    let uid = text(&pod, "/metadata/uid").replace('-', "");
    let name = format!("kube-api-access-{}", uid.get(..5).unwrap_or("xxxxx"));
    let path = "/var/run/secrets/kubernetes.io/serviceaccount";
    let mut volumes = items(&pod, "/spec/volumes").to_vec();
    volumes.push(json!({"name": name, "projected": {"defaultMode": 420, "sources": []}}));
    pod["spec"]["volumes"] = json!(volumes);
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            let mut mounts = items(container, "/volumeMounts").to_vec();
            if !mounts.iter().any(|mount| text(mount, "/mountPath") == path) {
                mounts.push(json!({"mountPath": path, "name": name, "readOnly": true}));
            }
            container["volumeMounts"] = json!(mounts);
        }
    }
    pod
}
