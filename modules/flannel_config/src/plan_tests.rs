//! What the options and the cluster make of flannel's objects.

use super::*;
use crate::args::SPEC;
use crate::manifest::{Cluster, net_conf, objects};

fn args(options: Value) -> Args {
    let mut all: serde_json::Map<_, _> = SPEC
        .options
        .iter()
        .map(|o| (o.name.to_owned(), o.default.map_or(Value::Null, |d| serde_json::from_str(d).unwrap())))
        .collect();
    all.extend(options.as_object().unwrap().clone());
    serde_json::from_value(all.into()).unwrap()
}

fn cluster(windows: bool) -> Cluster {
    Cluster { network: "10.9.0.0/16".into(), windows }
}

fn state(args: &Args, cluster: Cluster, live: impl Fn(&Value) -> Option<Value>) -> State {
    let objects = objects(args, &cluster).into_iter().map(|o| (o.clone(), live(&o))).collect();
    State { cluster, objects }
}

#[test]
fn the_network_is_the_clusters_and_linux_keeps_flannels_own_vxlan_numbers() {
    assert_eq!(net_conf(&args(json!({})), &cluster(false))["Network"], "10.9.0.0/16");
    assert_eq!(net_conf(&args(json!({})), &cluster(false))["Backend"], json!({"Type": "vxlan"}));
}

#[test]
fn windows_nodes_get_the_only_numbers_they_accept() {
    assert_eq!(
        net_conf(&args(json!({})), &cluster(true))["Backend"],
        json!({"Type": "vxlan", "VNI": 4096, "Port": 4789})
    );
    let refused = plan(
        &args(json!({"backend": "host-gw"})),
        &state(&args(json!({"backend": "host-gw"})), cluster(true), |_| None),
    );
    assert!(refused.unwrap_err().to_string().contains("Windows nodes, which need vxlan"));
}

#[test]
fn what_is_in_the_cluster_already_is_an_empty_plan_even_with_the_servers_additions() {
    let args = args(json!({"iface": "eth1"}));
    let live = |o: &Value| {
        let mut live = o.clone();
        live["metadata"]["uid"] = json!("x");
        live["status"] = json!({"numberReady": 3});
        Some(live)
    };
    let plan = plan(&args, &state(&args, cluster(false), live)).unwrap();
    assert!(!plan.outcome().is_changed() && plan.apply.is_empty());
}

#[test]
fn a_changed_configuration_changes_the_pod_template_too_and_the_old_one_can_come_back() {
    let (old, new) = (args(json!({})), args(json!({"mtu": 1400})));
    let before = objects(&old, &cluster(false));
    let live = |o: &Value| before.iter().find(|b| b["kind"] == o["kind"]).cloned();
    let plan = plan(&new, &state(&new, cluster(false), live)).unwrap();
    let names: Vec<_> = plan.differences.iter().map(|d| d.split(':').next().unwrap()).collect();
    assert_eq!(names, ["ConfigMap/kube-flannel-cfg", "DaemonSet/kube-flannel-ds"]);
    assert!(plan.can_go_back() && plan.before.len() == 2);
}
