//! The file for `kubeadm init --config`: documents in JSON, one after the other.

use crate::args::Args;
use crate::settings;
use kubeadm::config::{NodeRegistration, Taint, registration, separate};
use kubeadm::endpoint::Endpoint;
use kubeadm::version::{Api, Version};
use serde_json::{Map, Value, json};

/// A token that kubeadm makes in any case need not live for a day: `join_token` makes those that are used.
const TOKEN_TTL: &str = "15m0s";
/// flannel's own default.
const POD_NETWORK: &str = "10.244.0.0/16";
/// kubeadm's own default.
const SERVICE_NETWORK: &str = "10.96.0.0/12";

/// InitConfiguration, ClusterConfiguration, and a KubeletConfiguration and a KubeProxyConfiguration when one is wanted.
pub fn init(args: &Args, version: Version) -> String {
    let api = version.api();
    let mut init = json!({
        "apiVersion": api.name(),
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"ttl": TOKEN_TTL, "description": "made by kubeadm init"}],
        "nodeRegistration": registration(api, &node(args)),
    });
    if let Some(address) = &args.advertise_address {
        init["localAPIEndpoint"] = json!({"advertiseAddress": address});
    }
    if !args.skip_phases.is_empty() {
        init["skipPhases"] = json!(args.skip_phases);
    }
    let mut documents = vec![init, cluster(args, api, version)];
    documents.extend(kubelet(args, version));
    if !args.kube_proxy_config.is_empty() {
        let mut proxy = json!({"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"});
        merge(&mut proxy, &args.kube_proxy_config);
        documents.push(proxy);
    }
    separate(&documents)
}

/// None when kubeadm's own defaults do.
fn kubelet(args: &Args, version: Version) -> Option<Value> {
    let mut kubelet = json!({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"});
    // kubeadm's default since 1.22, and `containerd_prepare`'s: a kubelet with another driver than the runtime starts no pod.
    let silent = version.minor < 22;
    if silent {
        kubelet["cgroupDriver"] = json!("systemd");
    }
    merge(&mut kubelet, &args.kubelet_config);
    (silent || !args.kubelet_config.is_empty()).then_some(kubelet)
}

fn cluster(args: &Args, api: Api, version: Version) -> Value {
    let mut cluster = json!({
        "apiVersion": api.name(),
        "kind": "ClusterConfiguration",
        "kubernetesVersion": settings::version(args, version),
        "networking": {
            "podSubnet": args.pod_network_cidr.as_deref().unwrap_or(POD_NETWORK),
            "serviceSubnet": args.service_cidr.as_deref().unwrap_or(SERVICE_NETWORK),
        },
    });
    if let Some(endpoint) = args.control_plane_endpoint.as_deref().and_then(|text| Endpoint::parse(text).ok()) {
        cluster["controlPlaneEndpoint"] = json!(endpoint.to_string());
    }
    merge(&mut cluster, &args.cluster_config);
    cluster
}

fn node(args: &Args) -> NodeRegistration {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    NodeRegistration {
        name: args.node_name.clone(),
        cri_socket: Some(args.cri_socket.clone()),
        kubelet_extra_args: args.kubelet_extra_args.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        taints: args.node_taints.as_ref().map(|list| list.iter().filter_map(|text| Taint::parse(text)).collect()),
        ignore_preflight_errors: args.ignore_preflight_errors.clone(),
    }
}

/// The user's word goes before ours; maps are merged, everything else is replaced.
fn merge(into: &mut Value, from: &Map<String, Value>) {
    for (key, value) in from {
        match (&mut into[key], value) {
            (old @ Value::Object(_), Value::Object(new)) => merge(old, new),
            (old, new) => *old = new.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::tests::args;

    fn documents(given: Value, version: &str) -> Vec<Value> {
        let text = init(&args(given), Version::parse(version).unwrap());
        text.split("---\n").map(|document| serde_json::from_str(document).unwrap()).collect()
    }

    #[test]
    fn the_version_is_kubeadms_own_unless_given() {
        assert_eq!(documents(json!({}), "v1.31.2")[1]["kubernetesVersion"], "v1.31.2");
        assert_eq!(documents(json!({"kubernetes_version": "1.31.0"}), "v1.31.2")[1]["kubernetesVersion"], "1.31.0");
    }

    #[test]
    fn what_the_user_merges_in_wins_and_the_rest_stays() {
        let given = json!({"cluster_config": {"networking": {"dnsDomain": "home"}, "clusterName": "x"}, "kubelet_config": {"failCgroupV1": false}});
        let all = documents(given, "v1.36.0");
        assert_eq!(
            all[1]["networking"],
            json!({"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/12", "dnsDomain": "home"})
        );
        assert_eq!(all[1]["apiVersion"], "kubeadm.k8s.io/v1beta4");
        assert_eq!((&all[2]["kind"], &all[2]["failCgroupV1"]), (&json!("KubeletConfiguration"), &json!(false)));
    }

    #[test]
    fn a_kubeadm_before_1_22_is_told_the_cgroup_driver_that_newer_ones_choose() {
        assert_eq!(documents(json!({}), "v1.20.2")[2]["cgroupDriver"], "systemd");
        assert_eq!(documents(json!({}), "v1.22.0").len(), 2);
        let given = json!({"kubelet_config": {"cgroupDriver": "cgroupfs"}});
        assert_eq!(documents(given, "v1.20.2")[2]["cgroupDriver"], "cgroupfs");
    }

    #[test]
    fn kube_proxy_gets_a_document_of_its_own_when_it_has_one() {
        let all = documents(json!({"kube_proxy_config": {"conntrack": {"maxPerCore": 0}}}), "v1.31.2");
        assert_eq!(
            (&all[2]["kind"], &all[2]["conntrack"]["maxPerCore"]),
            (&json!("KubeProxyConfiguration"), &json!(0))
        );
    }

    #[test]
    fn an_empty_taint_list_lets_pods_onto_the_control_plane() {
        assert_eq!(documents(json!({"node_taints": []}), "v1.31.2")[0]["nodeRegistration"]["taints"], json!([]));
        assert!(documents(json!({}), "v1.31.2")[0]["nodeRegistration"].get("taints").is_none());
    }
}
