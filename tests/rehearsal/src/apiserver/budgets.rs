//! PodDisruptionBudgets, and the eviction that heeds them (registry/core/pod/storage/eviction.go).

use super::nodes::condition;
use super::rest::Target;
use super::status::{Failure, answer};
use super::store::{Store, key};
use super::write;
use crate::net::http::{Request, Response};
use crate::yaml::{items, set, text};
use anyhow::Result;
use serde_json::{Value, json};

const BUDGETS: &str = "policy/poddisruptionbudgets";

/// Whether a budget's selector takes a pod; of expressions only what the tests use, `Exists`.
fn covers(budget: &Value, pod: &Value) -> bool {
    let labels = &pod["metadata"]["labels"];
    let selector = &budget["spec"]["selector"];
    selector.is_object()
        && selector["matchLabels"].as_object().into_iter().flatten().all(|(name, value)| &labels[name] == value)
        && items(selector, "/matchExpressions").iter().all(|term| !labels[text(term, "/key")].is_null())
}

/// A number, or a percentage of all, rounded up.
fn share(value: &Value, all: usize) -> Option<usize> {
    if let Some(number) = value.as_u64() {
        return usize::try_from(number).ok();
    }
    let percent: usize = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    Some((all * percent).div_ceil(100))
}

/// One round: how many pods of each budget may be away.
pub fn round(store: &mut Store) -> Result<()> {
    for mut budget in store.list(BUDGETS, None).cloned().collect::<Vec<_>>() {
        let (namespace, name) =
            (text(&budget, "/metadata/namespace").to_owned(), text(&budget, "/metadata/name").to_owned());
        let pods: Vec<&Value> = store.list("pods", Some(&namespace)).filter(|pod| covers(&budget, pod)).collect();
        let healthy = pods
            .iter()
            .filter(|pod| condition(pod, "Ready") == "True" && pod["metadata"]["deletionTimestamp"].is_null())
            .count();
        let wanted = match share(&budget["spec"]["maxUnavailable"], pods.len()) {
            Some(away) => pods.len().saturating_sub(away),
            None => share(&budget["spec"]["minAvailable"], pods.len()).unwrap_or(1),
        };
        let status = json!({"currentHealthy": healthy, "desiredHealthy": wanted, "expectedPods": pods.len(),
            "disruptionsAllowed": healthy.saturating_sub(wanted)});
        set(&mut budget, "/status", status);
        store.put(key(BUDGETS, &namespace, &name), budget)?;
    }
    Ok(())
}

/// `POST …/pods/NAME/eviction`.
pub fn evict(store: &mut Store, target: &Target, request: &Request, asked: &Value) -> Result<Response, Failure> {
    let pod = super::rest::find(store, target)?.clone();
    let uid = text(asked, "/deleteOptions/preconditions/uid");
    if !uid.is_empty() && uid != text(&pod, "/metadata/uid") {
        return Err(Failure::conflict("pods", &target.name));
    }
    let over = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed" | "Pending");
    let at: Vec<Value> =
        store.list(BUDGETS, Some(&target.namespace)).filter(|budget| !over && covers(budget, &pod)).cloned().collect();
    match at.as_slice() {
        [] => {}
        [budget] if budget["status"]["disruptionsAllowed"].as_u64().unwrap_or(0) > 0 => {
            let mut budget = budget.clone();
            let left = budget["status"]["disruptionsAllowed"].as_u64().unwrap_or(1) - 1;
            budget["status"]["disruptionsAllowed"] = json!(left);
            let name = text(&budget, "/metadata/name").to_owned();
            store.put(key(BUDGETS, &target.namespace, &name), budget)?;
        }
        [_] => {
            let words = "Cannot evict pod as it would violate the pod's disruption budget.";
            return Err(Failure::new(429, "TooManyRequests", words));
        }
        _ => {
            let words =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Failure::new(500, "InternalError", words));
        }
    }
    let body = asked["deleteOptions"].to_string().into_bytes();
    let deletion = Request { query: request.query.clone(), body, ..Request::default() };
    write::delete(store, target, &deletion)?;
    Ok(answer(201, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})))
}
