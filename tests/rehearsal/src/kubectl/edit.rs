//! Changes to live objects: patch, annotate, label, taint, cordon, drain, scale.

use super::get::{fetch, targets, until};
use super::{Line, Refusal};
use crate::clock;
use crate::kinds::Kind;
use crate::net::api::Api;
use crate::yaml::{items, text};
use serde_json::{Value, json};
use std::time::Duration;

/// Splits words into resource words and change words (`a=b`, `a-`).
fn split(words: &[String]) -> (Vec<String>, Vec<String>) {
    let change = |word: &String| word.contains('=') || word.ends_with('-') || word.contains(':');
    words.iter().cloned().partition(|word| !change(word))
}

fn target(kind: &Kind, object: &Value) -> String {
    format!("{}/{}", kind.path(text(object, "/metadata/namespace")), text(object, "/metadata/name"))
}

fn merge(api: &Api, kind: &Kind, object: &Value, patch: &Value) -> Result<Value, Refusal> {
    Ok(api.call("PATCH", &target(kind, object), "application/merge-patch+json", Some(patch))?)
}

/// One of the verbs above.
pub fn edit(line: &Line, api: &Api, verb: &str) -> Result<u8, Refusal> {
    let words = match verb {
        "cordon" | "uncordon" | "drain" => [vec!["nodes".to_owned()], line.words[1..].to_vec()].concat(),
        _ => line.words[1..].to_vec(),
    };
    let (resources, changes) =
        if matches!(verb, "annotate" | "label" | "taint") { split(&words) } else { (words, Vec::new()) };
    for (kind, names) in targets(&resources)? {
        if names.is_empty() && line.flag(&["l", "selector"]).is_none() && !line.on(&["all"]) {
            return Err(Refusal::new("error: resource(s) were provided, but no name was specified"));
        }
        for object in fetch(line, api, kind, &names)?.0 {
            let shown = format!("{}/{}", kind.singular(), text(&object, "/metadata/name"));
            let word = match verb {
                "patch" => patch(line, api, kind, &object)?,
                "annotate" => map(line, api, kind, &object, "annotations", &changes)?,
                "label" => map(line, api, kind, &object, "labels", &changes)?,
                "taint" => taint(line, api, kind, &object, &changes)?,
                "scale" => {
                    let replicas: u32 = line
                        .flag(&["replicas"])
                        .and_then(|text| text.parse().ok())
                        .ok_or_else(|| Refusal::new("error: --replicas=COUNT is required"))?;
                    merge(api, kind, &object, &json!({"spec": {"replicas": replicas}}))?;
                    "scaled"
                }
                "uncordon" => {
                    merge(api, kind, &object, &json!({"spec": {"unschedulable": null}}))?;
                    "uncordoned"
                }
                _ => {
                    merge(api, kind, &object, &json!({"spec": {"unschedulable": true}}))?;
                    "cordoned"
                }
            };
            println!("{shown} {word}");
            if verb == "drain" {
                drain(line, api, text(&object, "/metadata/name"))?;
                println!("{shown} drained");
            }
        }
    }
    Ok(0)
}

fn patch(line: &Line, api: &Api, kind: &Kind, object: &Value) -> Result<&'static str, Refusal> {
    let change = line.flag(&["p", "patch"]).ok_or_else(|| {
        Refusal::new("error: must specify --patch or --patch-file containing the contents of the patch")
    })?;
    let change = crate::yaml::parse(change)
        .map_err(|error| Refusal::new(format!("error: unable to parse {change:?}: {error:#}")))?;
    let form = match line.flag(&["type"]).unwrap_or("strategic") {
        "merge" => "application/merge-patch+json",
        "json" => "application/json-patch+json",
        "strategic" => "application/strategic-merge-patch+json",
        other => {
            return Err(Refusal::new(format!("error: --type must be one of [json merge strategic], not {other:?}")));
        }
    };
    let sub = line.flag(&["subresource"]).map(|sub| format!("/{sub}")).unwrap_or_default();
    let after = api.call("PATCH", &format!("{}{sub}", target(kind, object)), form, Some(&change))?;
    Ok(if after["metadata"]["resourceVersion"] == object["metadata"]["resourceVersion"] {
        "patched (no change)"
    } else {
        "patched"
    })
}

fn map(
    line: &Line,
    api: &Api,
    kind: &Kind,
    object: &Value,
    field: &str,
    changes: &[String],
) -> Result<&'static str, Refusal> {
    let mut values = serde_json::Map::new();
    for change in changes {
        match change.split_once('=') {
            Some((name, value)) => {
                let old = object["metadata"][field][name].as_str();
                if old.is_some_and(|old| old != value) && !line.on(&["overwrite"]) {
                    let singular = field.trim_end_matches('s');
                    return Err(Refusal::new(format!(
                        "error: '{name}' already has a value ({}), and --overwrite is false ({singular})",
                        old.unwrap_or_default()
                    )));
                }
                values.insert(name.to_owned(), json!(value));
            }
            None => drop(values.insert(change.trim_end_matches('-').to_owned(), Value::Null)),
        }
    }
    merge(api, kind, object, &json!({"metadata": {field: values}}))?;
    Ok(if field == "labels" { "labeled" } else { "annotated" })
}

fn taint(line: &Line, api: &Api, kind: &Kind, object: &Value, changes: &[String]) -> Result<&'static str, Refusal> {
    let mut taints = items(object, "/spec/taints").to_vec();
    let mut word = "tainted";
    for change in changes {
        let (rest, effect) = change.trim_end_matches('-').split_once(':').unwrap_or((change.trim_end_matches('-'), ""));
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        let same =
            |taint: &Value| text(taint, "/key") == key && (effect.is_empty() || text(taint, "/effect") == effect);
        if change.ends_with('-') {
            if !taints.iter().any(same) {
                return Err(Refusal::new(format!(
                    "error: taint \"{rest}{}{effect}\" not found",
                    if effect.is_empty() { "" } else { ":" }
                )));
            }
            taints.retain(|taint| !same(taint));
            word = "untainted";
            continue;
        }
        if taints.iter().any(same) && !line.on(&["overwrite"]) {
            return Err(Refusal::new(format!(
                "error: node {} already has {key} taint(s) with same effect(s) and --overwrite is false",
                text(object, "/metadata/name")
            )));
        }
        taints.retain(|taint| !same(taint));
        let mut taint = json!({"effect": effect, "key": key});
        if !value.is_empty() {
            taint["value"] = json!(value);
        }
        taints.push(taint);
    }
    merge(
        api,
        kind,
        object,
        &json!({"spec": {"taints": if taints.is_empty() { Value::Null } else { json!(taints) }}}),
    )?;
    Ok(word)
}

/// Ends the pods of a node that nothing but the node keeps.
fn drain(line: &Line, api: &Api, node: &str) -> Result<(), Refusal> {
    let list = api.get(&format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}"))?;
    let daemon = |pod: &Value| items(pod, "/metadata/ownerReferences").iter().any(|owner| owner["kind"] == "DaemonSet");
    let mirror = |pod: &Value| !pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null();
    let pods: Vec<&Value> = items(&list, "/items").iter().filter(|pod| !mirror(pod)).collect();
    if pods.iter().any(|pod| daemon(pod)) && !line.on(&["ignore-daemonsets"]) {
        return Err(Refusal::new(format!(
            "error: unable to drain node {node:?}, aborting command...\n\ncannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
        )));
    }
    let path = |pod: &Value| {
        format!("/api/v1/namespaces/{}/pods/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"))
    };
    let ending: Vec<&&Value> = pods.iter().filter(|pod| !daemon(pod)).collect();
    for pod in &ending {
        println!("evicting pod {}/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        api.delete(&path(pod))?;
    }
    let limit = line
        .flag(&["timeout"])
        .and_then(clock::duration)
        .filter(|span| !span.is_zero())
        .unwrap_or(Duration::from_secs(300));
    let over =
        until(limit, || Ok(ending.iter().all(|pod| api.get(&path(pod)).is_err_and(|error| error.is_not_found()))))?;
    if over {
        Ok(())
    } else {
        Err(Refusal::new(format!("error: unable to drain node {node:?}: global timeout reached")))
    }
}
