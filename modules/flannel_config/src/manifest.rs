//! flannel's objects, as JSON.
//!
//! What flannel needs of a cluster is its own documentation's (flannel-io/flannel, Documentation/kubernetes.md and
//! backends.md); the VXLAN numbers for Windows are those of the Windows HNS overlay, which takes VNI 4096 and above and
//! port 4789 only.

use crate::args::{Args, Nftables};
use crate::release::Release;
use serde_json::{Value, json};

/// What the manifest depends on besides the options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The pod network, IPv4.
    pub network: String,
    /// Whether a node runs Windows.
    pub windows: bool,
    /// Whether kube-proxy's mode is nftables.
    pub proxy_nftables: bool,
}

/// The name of the ConfigMap.
pub const CONFIG: &str = "kube-flannel-cfg";
/// The name of the DaemonSet.
pub const DAEMON_SET: &str = "kube-flannel-ds";

/// net-conf.json, which flanneld reads.
pub fn net_conf(args: &Args, cluster: &Cluster) -> Value {
    let mut backend = json!({"Type": args.backend});
    if args.backend == "vxlan" {
        let vni = args.vni.or(cluster.windows.then_some(4096));
        let port = args.port.or(cluster.windows.then_some(4789));
        // Linux defaults are left unsaid: flannel's own stay in force.
        for (key, value) in [("VNI", vni), ("Port", port)] {
            if let Some(value) = value {
                backend[key] = json!(value);
            }
        }
    }
    if let Some(mtu) = args.mtu {
        backend["MTU"] = json!(mtu);
    }
    // Two programs that masquerade with different tools both do it, and what one lets through the other may not.
    let nftables = match args.nftables {
        Nftables::Auto => cluster.proxy_nftables,
        Nftables::Enabled => true,
        Nftables::Disabled => false,
    };
    json!({"Network": cluster.network, "EnableNFTables": nftables, "Backend": backend})
}

/// Every object, in the order in which they are applied.
pub fn objects(args: &Args, cluster: &Cluster) -> Vec<Value> {
    let cni_conf = json!({
        "name": "cbr0",
        "cniVersion": "0.3.1",
        "plugins": [
            {"type": "flannel", "delegate": {"hairpinMode": true, "isDefaultGateway": true}},
            {"type": "portmap", "capabilities": {"portMappings": true}}
        ]
    });
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": CONFIG, "namespace": args.namespace, "labels": labels()},
        "data": {"cni-conf.json": format!("{cni_conf:#}\n"), "net-conf.json": format!("{:#}\n", net_conf(args, cluster))}
    });
    let daemon_set = daemon_set(args, &config["data"]);
    let mut all = vec![namespace(args)];
    all.extend(access(args));
    all.extend([config, daemon_set]);
    all
}

fn labels() -> Value {
    json!({"app": "flannel", "k8s-app": "flannel", "tier": "node"})
}

fn namespace(args: &Args) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": args.namespace,
        "labels": {"k8s-app": "flannel", "pod-security.kubernetes.io/enforce": "privileged"}}})
}

fn access(args: &Args) -> [Value; 3] {
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "flannel", "namespace": args.namespace, "labels": {"k8s-app": "flannel"}}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "flannel", "labels": {"k8s-app": "flannel"}},
        "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]}
        ]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "flannel", "labels": {"k8s-app": "flannel"}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "flannel"},
            "subjects": [{"kind": "ServiceAccount", "name": "flannel", "namespace": args.namespace}]}),
    ]
}

fn daemon_set(args: &Args, config: &Value) -> Value {
    let release = Release::of(&args.image);
    let init = |name: &str, image: &str, command: &str, words: Value, mounts: Value| json!({"name": name, "image": image, "imagePullPolicy": args.image_pull_policy, "command": [command], "args": words, "volumeMounts": mounts});
    let (conf, place) = ("/etc/kube-flannel/cni-conf.json", "/etc/cni/net.d/10-flannel.conflist");
    // It renames the file into place, so that no loader of CNI configurations reads half of it.
    let (install, words) = match release.has_install_conf() {
        true => ("/opt/bin/install-conf", json!([conf, place])),
        false => ("cp", json!(["-f", conf, place])),
    };
    let probes = args.healthz_port > 0 && release.has_readyz();
    let mut flags = vec!["--ip-masq".to_owned(), "--kube-subnet-mgr".to_owned()];
    flags.extend(args.iface.iter().map(|i| format!("--iface={i}")));
    flags.extend(probes.then(|| format!("--healthz-port={}", args.healthz_port)));
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}});
    let mut all = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": DAEMON_SET, "namespace": args.namespace, "labels": labels()},
        "spec": {
            "selector": {"matchLabels": {"app": "flannel", "k8s-app": "flannel"}},
            // One node at a time: a wrong configuration must not take the pod network of all of them.
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {
                // flanneld reads its configuration once, at start: a changed one has to change the template.
                "metadata": {"labels": labels(), "annotations": {"kubejoin/config": fingerprint(config)}},
                "spec": {
                    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}]}}},
                    "hostNetwork": true,
                    "priorityClassName": "system-node-critical",
                    "serviceAccountName": "flannel",
                    "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
                    "initContainers": [
                        init("install-cni-plugin", &args.cni_plugin_image, "cp", json!(["-f", "/flannel", "/opt/cni/bin/flannel"]),
                            json!([{"name": "cni-plugin", "mountPath": "/opt/cni/bin"}])),
                        init("install-cni", &args.image, install, words,
                            json!([{"name": "cni", "mountPath": "/etc/cni/net.d"}, {"name": "flannel-cfg", "mountPath": "/etc/kube-flannel/"}])),
                    ],
                    "containers": [{
                        "name": "kube-flannel", "image": args.image, "imagePullPolicy": args.image_pull_policy,
                        "command": ["/opt/bin/flanneld"], "args": flags,
                        "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}},
                        "securityContext": {"privileged": false, "capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
                        "env": [field("POD_NAME", "metadata.name"), field("POD_NAMESPACE", "metadata.namespace"),
                            {"name": "EVENT_QUEUE_DEPTH", "value": "5000"},
                            {"name": "CONT_WHEN_CACHE_NOT_READY", "value": "false"}],
                        "volumeMounts": [
                            {"name": "run", "mountPath": "/run/flannel"},
                            {"name": "flannel-cfg", "mountPath": "/etc/kube-flannel/"},
                            {"name": "xtables-lock", "mountPath": "/run/xtables.lock"}
                        ]
                    }],
                    "volumes": [
                        {"name": "run", "hostPath": {"path": "/run/flannel"}},
                        {"name": "cni-plugin", "hostPath": {"path": "/opt/cni/bin"}},
                        {"name": "cni", "hostPath": {"path": "/etc/cni/net.d"}},
                        {"name": "flannel-cfg", "configMap": {"name": CONFIG}},
                        {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}}
                    ]
                }
            }
        }
    });
    if probes {
        let container = &mut all["spec"]["template"]["spec"]["containers"][0];
        let get = |path: &str| json!({"path": path, "port": "healthz"});
        container["ports"] = json!([{"name": "healthz", "containerPort": args.healthz_port, "protocol": "TCP"}]);
        container["livenessProbe"] =
            json!({"httpGet": get("/healthz"), "initialDelaySeconds": 10, "periodSeconds": 30});
        // Ready is who has written the subnet file and the rules, and not who has only been started.
        container["readinessProbe"] = json!({"httpGet": get("/readyz"), "initialDelaySeconds": 5, "periodSeconds": 10});
    }
    all
}

/// A short name for a configuration: FNV-1a, which need not resist anybody, only differ when the text does.
fn fingerprint(config: &Value) -> String {
    let hash = config
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
