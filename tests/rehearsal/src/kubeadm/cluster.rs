//! What init puts into the cluster: its configuration, the marks on its node, tokens, cluster-info and the addons.

use super::fail::Fail;
use super::initconfig::Init;
use super::{join, machine, manifests};
use crate::kubeconfig::{self, Credential};
use crate::net::api::Api;
use crate::yaml::{self, items, text};
use crate::{clock, version};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SYSTEM: &str = "/api/v1/namespaces/kube-system";

/// A ConfigMap.
fn map(namespace: &str, name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data})
}

fn admin() -> Result<Api, Fail> {
    Ok(kubeconfig::load("/etc/kubernetes/admin.conf")?)
}

/// upload-config: kubeadm's and the kubelet's configuration, and the CRI socket of the Node.
pub fn upload(init: &Init) -> Result<(), Fail> {
    let api = &admin()?;
    println!(
        "[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace"
    );
    api.apply(
        &format!("{SYSTEM}/configmaps"),
        &map("kube-system", "kubeadm-config", &json!({"ClusterConfiguration": yaml::write(&init.cluster)})),
    )?;
    let name = machine::config_map();
    println!(
        "[kubelet] Creating a ConfigMap {name:?} in namespace kube-system with the configuration for the kubelets in the cluster"
    );
    api.apply(
        &format!("{SYSTEM}/configmaps"),
        &map("kube-system", &name, &json!({"kubelet": yaml::write(&init.kubelet)})),
    )?;
    // The Node object is made by the kubelet, which may still be on its way.
    let start = Instant::now();
    while api.get(&format!("/api/v1/nodes/{}", init.node.name)).is_err() {
        if start.elapsed() > Duration::from_secs(120) {
            return Err(Fail::plain("error uploading crisocket: timed out waiting for the condition".into()));
        }
        clock::pause(Duration::from_millis(250));
    }
    if !machine::instance_config() {
        join::annotate(api, &init.node.name, &init.node.cri_socket)?;
    }
    println!("[upload-certs] Skipping phase. Please see --upload-certs");
    Ok(())
}

/// mark-control-plane: labels and taints.
pub fn mark(init: &Init) -> Result<(), Fail> {
    let api = admin()?;
    let (old, new) = ("node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane");
    let balancer = "node.kubernetes.io/exclude-from-external-load-balancers";
    let labels: Vec<&str> = if version::at_least(24) { vec![new, balancer] } else { vec![old, new, balancer] };
    let shown: Vec<String> = labels
        .iter()
        .map(|label| if *label == old { format!("{label}(deprecated)") } else { (*label).to_owned() })
        .collect();
    println!(
        "[mark-control-plane] Marking the node {} as control-plane by adding the labels: [{}]",
        init.node.name,
        shown.join(" ")
    );
    let taints = init.taints();
    if !taints.is_empty() {
        let shown: Vec<_> =
            taints.iter().map(|taint| format!("{}:{}", text(taint, "/key"), text(taint, "/effect"))).collect();
        println!(
            "[mark-control-plane] Marking the node {} as control-plane by adding the taints [{}]",
            init.node.name,
            shown.join(" ")
        );
    }
    let target = format!("/api/v1/nodes/{}", init.node.name);
    let own = api.get(&target)?;
    let mut all = items(&own, "/spec/taints").to_vec();
    all.retain(|taint| !taints.iter().any(|new| new["key"] == taint["key"]));
    all.extend(taints);
    let labels: Value =
        labels.iter().map(|label| ((*label).to_owned(), json!(""))).collect::<serde_json::Map<_, _>>().into();
    api.patch(&target, &json!({"metadata": {"labels": labels}, "spec": {"taints": all}}))?;
    Ok(())
}

/// bootstrap-token: the tokens, and cluster-info for discovery.
pub fn tokens(init: &Init) -> Result<(), Fail> {
    let (api, ca) = (admin()?, &super::certs::ca()?.cert);
    for token in &init.tokens {
        println!("[bootstrap-token] Using token: {}", token.text());
    }
    println!("[bootstrap-token] Configuring bootstrap tokens, cluster-info ConfigMap, RBAC Roles");
    for token in &init.tokens {
        api.apply(&format!("{SYSTEM}/secrets"), &token.secret())?;
    }
    println!("[bootstrap-token] {}onfigured RBAC rules to allow Node Bootstrap tokens to get nodes", c());
    println!(
        "[bootstrap-token] {}onfigured RBAC rules to allow Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials",
        c()
    );
    println!(
        "[bootstrap-token] {}onfigured RBAC rules to allow the csrapprover controller automatically approve CSRs from a Node Bootstrap Token",
        c()
    );
    println!(
        "[bootstrap-token] {}onfigured RBAC rules to allow certificate rotation for all node client certificates in the cluster",
        c()
    );
    println!("[bootstrap-token] Creating the \"cluster-info\" ConfigMap in the \"kube-public\" namespace");
    let config = kubeconfig::make(&format!("https://{}", init.endpoint()), ca, "", "", &Credential::Nobody);
    let info = map("kube-public", "cluster-info", &json!({"kubeconfig": yaml::write(&config)}));
    api.apply("/api/v1/namespaces/kube-public/configmaps", &info)?;
    Ok(())
}

fn c() -> char {
    if version::at_least(25) { 'C' } else { 'c' }
}

/// CoreDNS and kube-proxy.
pub fn addons(init: &Init) -> Result<(), Fail> {
    let api = admin()?;
    let registry = text(&init.cluster, "/imageRepository");
    let dns = crate::apiserver::services::address(text(&init.cluster, "/networking/serviceSubnet"), 10)
        .map(|ip| ip.to_string())
        .unwrap_or_default();
    let first = crate::apiserver::services::address(text(&init.cluster, "/networking/serviceSubnet"), 1)
        .map(|ip| ip.to_string())
        .unwrap_or_default();
    let apply = |path: &str, object: Value| api.apply(path, &object).map(drop);
    let account = |name: &str| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "kube-system"}});
    let corefile = format!(
        ".:53 {{\n    errors\n    health\n    ready\n    kubernetes {} in-addr.arpa ip6.arpa\n    forward . /etc/resolv.conf\n    cache 30\n}}\n",
        text(&init.cluster, "/networking/dnsDomain")
    );
    apply(&format!("{SYSTEM}/configmaps"), map("kube-system", "coredns", &json!({"Corefile": corefile})))?;
    apply(&format!("{SYSTEM}/serviceaccounts"), account("coredns"))?;
    let tolerations = json!([{"key": "CriticalAddonsOnly", "operator": "Exists"}, {"effect": "NoSchedule", "key": "node-role.kubernetes.io/master"}, {"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]);
    let labels = json!({"k8s-app": "kube-dns"});
    apply(
        "/apis/apps/v1/namespaces/kube-system/deployments",
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system", "labels": labels},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "coredns", "image": manifests::coredns_image(registry), "args": ["-conf", "/etc/coredns/Corefile"],
                "ports": [{"containerPort": 53, "name": "dns", "protocol": "UDP"}, {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"}],
                "volumeMounts": [{"mountPath": "/etc/coredns", "name": "config-volume", "readOnly": true}]}],
            "dnsPolicy": "Default", "nodeSelector": {"kubernetes.io/os": "linux"}, "priorityClassName": "system-cluster-critical",
            "serviceAccountName": "coredns", "tolerations": tolerations,
            "volumes": [{"configMap": {"name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}]}, "name": "config-volume"}]}}}}),
    )?;
    apply(
        &format!("{SYSTEM}/services"),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
        "spec": {"clusterIP": dns, "selector": labels, "type": "ClusterIP", "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}, {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53}]}}),
    )?;
    println!("[addons] Applied essential addon: CoreDNS");
    let proxy =
        kubeconfig::make(&format!("https://{}", init.endpoint()), "", "default", "default", &Credential::Token(""));
    let config = format!(
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nclusterCIDR: {:?}\nkind: KubeProxyConfiguration\nmode: \"\"\n",
        text(&init.cluster, "/networking/podSubnet")
    );
    apply(
        &format!("{SYSTEM}/configmaps"),
        map("kube-system", "kube-proxy", &json!({"config.conf": config, "kubeconfig.conf": yaml::write(&proxy)})),
    )?;
    apply(&format!("{SYSTEM}/serviceaccounts"), account("kube-proxy"))?;
    let labels = json!({"k8s-app": "kube-proxy"});
    apply(
        "/apis/apps/v1/namespaces/kube-system/daemonsets",
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "kube-proxy", "namespace": "kube-system", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "updateStrategy": {"type": "RollingUpdate"}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "kube-proxy", "image": format!("{registry}/kube-proxy:{}", version::claimed()),
                "command": ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf", "--hostname-override=$(NODE_NAME)"],
                "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}], "securityContext": {"privileged": true},
                "volumeMounts": [{"mountPath": "/var/lib/kube-proxy", "name": "kube-proxy"}, {"mountPath": "/run/xtables.lock", "name": "xtables-lock"}, {"mountPath": "/lib/modules", "name": "lib-modules", "readOnly": true}]}],
            "hostNetwork": true, "nodeSelector": {"kubernetes.io/os": "linux"}, "priorityClassName": "system-node-critical", "serviceAccountName": "kube-proxy",
            "tolerations": [{"operator": "Exists"}],
            "volumes": [{"configMap": {"name": "kube-proxy"}, "name": "kube-proxy"}, {"hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}, "name": "xtables-lock"}, {"hostPath": {"path": "/lib/modules"}, "name": "lib-modules"}]}}}}),
    )?;
    apply(
        "/api/v1/namespaces/default/services",
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": first, "type": "ClusterIP", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": init.port}]}}),
    )?;
    apply(
        "/api/v1/namespaces/default/endpoints",
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "kubernetes", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": init.address}], "ports": [{"name": "https", "port": init.port, "protocol": "TCP"}]}]}),
    )?;
    println!("[addons] Applied essential addon: kube-proxy");
    Ok(())
}
