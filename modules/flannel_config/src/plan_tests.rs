//! What the options and the cluster make of flannel's objects.

use super::*;
use crate::args::SPEC;
use crate::manifest::{Cluster, net_conf, objects};
use proptest::prelude::*;
use serde_json::json;

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
    Cluster { network: "10.9.0.0/16".into(), windows, proxy_nftables: false }
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
fn nftables_follows_kube_proxy_unless_it_is_said() {
    let told = |options: Value, proxy_nftables: bool| {
        net_conf(&args(options), &Cluster { proxy_nftables, ..cluster(false) })["EnableNFTables"].clone()
    };
    assert_eq!((told(json!({}), true), told(json!({}), false)), (json!(true), json!(false)));
    assert_eq!(
        (told(json!({"nftables": "disabled"}), true), told(json!({"nftables": "enabled"}), false)),
        (json!(false), json!(true))
    );
}

#[test]
fn an_older_image_of_a_site_is_installed_as_that_release_is() {
    let daemon_set = |options: Value| {
        let all = objects(&args(options), &cluster(false));
        let pod = all.iter().find(|o| o["kind"] == "DaemonSet").unwrap()["spec"]["template"]["spec"].clone();
        (
            pod["initContainers"][1]["command"][0].clone(),
            pod["containers"][0]["readinessProbe"]["httpGet"]["path"].clone(),
        )
    };
    assert_eq!(daemon_set(json!({})), (json!("/opt/bin/install-conf"), json!("/readyz")));
    assert_eq!(daemon_set(json!({"image": "r/flannel:v0.26.7"})), (json!("cp"), Value::Null));
    assert_eq!(daemon_set(json!({"healthz_port": 0})), (json!("/opt/bin/install-conf"), Value::Null));
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
    assert!(!ansible::Plan::is_change(&plan) && plan.apply.is_empty());
}

#[test]
fn a_rollout_that_is_under_way_is_waited_for_and_changes_nothing() {
    let args = args(json!({}));
    let with = |status: Value| {
        let live = |o: &Value| {
            let mut live = o.clone();
            (live["metadata"]["generation"], live["status"]) = (json!(2), status.clone());
            Some(live)
        };
        plan(&args, &state(&args, cluster(false), live)).unwrap()
    };
    let done = json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3});
    assert!(ansible::Plan::is_empty(&with(done.clone())));
    for (field, number) in [("observedGeneration", 1), ("numberAvailable", 2), ("updatedNumberScheduled", 2)] {
        let mut status = done.clone();
        status[field] = json!(number);
        let waits = with(status);
        assert!(waits.wait && !ansible::Plan::is_empty(&waits) && !ansible::Plan::is_change(&waits), "{field}");
    }
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

/// Options that a site may have, of which some exclude each other.
fn options() -> impl Strategy<Value = Value> {
    let backend = prop::sample::select(vec!["vxlan", "host-gw", "wireguard"]);
    let iface = prop::option::of(prop::sample::select(vec!["eth1", "10.0.0.7"]));
    let policy = prop::sample::select(vec!["IfNotPresent", "Always"]);
    (backend, prop::option::of(1i64..9000), prop::option::of(576i64..9000), iface, policy).prop_map(
        |(backend, vni, mtu, iface, policy)| {
            let vni = vni.filter(|_| backend == "vxlan");
            json!({"backend": backend, "vni": vni, "mtu": mtu, "iface": iface, "image_pull_policy": policy})
        },
    )
}

proptest! {
    #[test]
    fn once_applied_nothing_is_left_and_what_was_there_can_be_put_back(
        old in options(), new in options(), installed: bool, windows: bool
    ) {
        let server = |object: &Value| {
            let mut live = object.clone();
            live["metadata"]["resourceVersion"] = json!("7");
            live["status"] = json!({"numberReady": 3});
            live
        };
        let find = |all: &[Value], o: &Value| {
            all.iter().find(|b| b["kind"] == o["kind"] && b["metadata"]["name"] == o["metadata"]["name"]).cloned()
        };
        let before: Vec<Value> = objects(&args(old.clone()), &cluster(windows)).iter().map(server).collect();
        let before = if installed { before } else { Vec::new() };
        let new = args(new);
        let Ok(first) = plan(&new, &state(&new, cluster(windows), |o| find(&before, o))) else {
            prop_assert!(windows && new.backend != "vxlan");
            return Ok(());
        };
        let mut live = before.clone();
        for object in &first.apply {
            live.retain(|l| l["kind"] != object["kind"] || l["metadata"]["name"] != object["metadata"]["name"]);
            live.push(server(object));
        }
        let second = plan(&new, &state(&new, cluster(windows), |o| find(&live, o))).unwrap();
        prop_assert!(second.apply.is_empty(), "{:?}", second.differences);
        // Going back: with the saved objects applied again, the old options find nothing to do.
        for object in &first.before {
            live.retain(|l| l["kind"] != object["kind"] || l["metadata"]["name"] != object["metadata"]["name"]);
            live.push(server(object));
        }
        let old = args(old);
        if installed && (old.backend == "vxlan" || !windows) {
            let back = plan(&old, &state(&old, cluster(windows), |o| find(&live, o))).unwrap();
            prop_assert!(back.apply.is_empty(), "{:?}", back.differences);
        }
    }
}
