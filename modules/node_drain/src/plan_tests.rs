use super::*;
use crate::budget::Budget;
use ansible::Plan as _;
use serde_json::{Value, json};

fn args() -> Args {
    serde_json::from_value(json!({"node_name": "w1", "state": "drained", "machine_id": null, "system_uuid": null,
        "delete_emptydir_data": false, "force": false, "timeout": 9, "kubeconfig": "/k"}))
    .unwrap()
}

/// A pod called `name`, made by a controller of this kind, with a volume.
fn pod(name: &str, owner: &str, volume: Value) -> Pod {
    let owners = if owner.is_empty() { json!([]) } else { json!([{"kind": owner, "controller": true}]) };
    Pod::read(&json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "ownerReferences": owners,
        "labels": {"app": name}}, "spec": {"volumes": [volume]}}))
}

fn state(pods: Vec<Pod>) -> State {
    State {
        machine_id: "a31fd7e07c504f73bb14b10bb339fc84".into(),
        system_uuid: "4c4c4544-0042-3510-8052-b4c04f4e3432".into(),
        cordoned: false,
        silent: false,
        pods,
        budgets: Vec::new(),
        eviction: "v1".into(),
    }
}

fn refused(args: &Args, state: &State) -> String {
    plan(args, Some(state)).unwrap_err().to_string()
}

#[test]
fn pods_of_a_controller_go_and_those_of_the_node_stay() {
    let all = vec![pod("web", "ReplicaSet", json!({})), pod("flannel", "DaemonSet", json!({"emptyDir": {}}))];
    let plan = plan(&args(), Some(&state(all))).unwrap();
    assert_eq!(
        (plan.cordon, plan.evict.iter().map(Pod::id).collect::<Vec<_>>()),
        (Some(true), vec!["shop/web".to_owned()])
    );
}

#[test]
fn what_would_be_lost_is_named_and_nothing_is_done_until_it_is_asked_for() {
    let all = state(vec![pod("cache", "ReplicaSet", json!({"emptyDir": {}})), pod("bare", "", json!({}))]);
    let said = refused(&args(), &all);
    assert!(said.contains("nothing was touched") && said.contains("shop/cache (it has an emptyDir"), "{said}");
    assert!(said.contains("shop/bare (no controller"), "{said}");
    let allowed = Args { force: true, delete_emptydir_data: true, ..args() };
    assert_eq!(plan(&allowed, Some(&all)).unwrap().evict.len(), 2);
}

#[test]
fn a_pod_that_is_over_has_nothing_to_lose() {
    let done = Pod { finished: true, ..pod("job", "", json!({"emptyDir": {}})) };
    assert_eq!(plan(&args(), Some(&state(vec![done]))).unwrap().evict.len(), 1);
}

#[test]
fn a_budget_without_room_is_told_and_is_no_refusal() {
    let item = json!({"metadata": {"name": "keep", "namespace": "shop"}, "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": {"disruptionsAllowed": 0}});
    let found = State { budgets: vec![Budget::read(&item)], ..state(vec![pod("web", "ReplicaSet", json!({}))]) };
    let plan = plan(&args(), Some(&found)).unwrap();
    assert_eq!((plan.evict.len(), plan.waiting[0].reason), (1, "disruption_budget"));
}

#[test]
fn another_machines_node_and_a_silent_one_are_refused() {
    let other = Args { machine_id: Some("f".repeat(32)), ..args() };
    assert!(refused(&other, &state(vec![])).contains("another machine's"));
    let same = Args { machine_id: Some("A31FD7E0-7C504F73BB14B10BB339FC84".into()), ..args() };
    assert!(plan(&same, Some(&state(vec![]))).is_ok());
    let silent = State { silent: true, ..state(vec![pod("web", "ReplicaSet", json!({}))]) };
    assert!(refused(&args(), &silent).contains("stopped talking"));
}

#[test]
fn what_was_done_leaves_nothing_to_do() {
    assert!(plan(&args(), None).unwrap().is_empty());
    let after = State { cordoned: true, ..state(vec![pod("flannel", "DaemonSet", json!({}))]) };
    assert!(plan(&args(), Some(&after)).unwrap().is_empty());
    let uncordon = Args { state: Wanted::Uncordoned, ..args() };
    assert_eq!(plan(&uncordon, Some(&after)).unwrap().cordon, Some(false));
    assert!(plan(&uncordon, Some(&state(vec![]))).unwrap().is_empty());
}
