//! rollout restart|status and wait.

use super::get::{fetch, targets, until};
use super::{Line, Refusal};
use crate::clock;
use crate::kinds::Kind;
use crate::net::api::Api;
use crate::yaml::{items, text};
use serde_json::{Value, json};
use std::time::Duration;

fn limit(line: &Line, default: u64) -> Duration {
    line.flag(&["timeout"])
        .and_then(clock::duration)
        .filter(|span| !span.is_zero())
        .unwrap_or(Duration::from_secs(default))
}

/// `kubectl rollout restart|status|undo|history`.
pub fn rollout(line: &Line, api: &Api) -> Result<u8, Refusal> {
    let verb = line.words.get(1).map_or("", String::as_str);
    for (kind, names) in targets(line.words.get(2..).unwrap_or_default())? {
        for object in fetch(line, api, kind, &names)?.0 {
            let target =
                format!("{}/{}", kind.path(text(&object, "/metadata/namespace")), text(&object, "/metadata/name"));
            match verb {
                "restart" => {
                    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": clock::now_micro()}}}}});
                    api.call("PATCH", &target, "application/merge-patch+json", Some(&patch))?;
                    println!("{}/{} restarted", kind.singular(), text(&object, "/metadata/name"));
                }
                "status" => status(line, api, kind, &target)?,
                other => return Err(Refusal::new(format!("error: the rehearsal has no \"kubectl rollout {other}\""))),
            }
        }
    }
    Ok(0)
}

fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

/// Why a rollout is not over yet; None when it is.
fn unfinished(object: &Value) -> Option<String> {
    let name = text(object, "/metadata/name");
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Some(format!("Waiting for {} spec update to be observed...", text(object, "/kind").to_lowercase()));
    }
    if object["kind"] == "DaemonSet" {
        let (wanted, updated, available) = (
            number(object, "/status/desiredNumberScheduled"),
            number(object, "/status/updatedNumberScheduled"),
            number(object, "/status/numberAvailable"),
        );
        if updated < wanted {
            return Some(format!(
                "Waiting for daemon set {name:?} rollout to finish: {updated} out of {wanted} new pods have been updated..."
            ));
        }
        return (available < wanted).then(|| format!("Waiting for daemon set {name:?} rollout to finish: {available} of {wanted} updated pods are available..."));
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let (updated, all, available) = (
        number(object, "/status/updatedReplicas"),
        number(object, "/status/replicas"),
        number(object, "/status/availableReplicas"),
    );
    if updated < wanted {
        return Some(format!(
            "Waiting for deployment {name:?} rollout to finish: {updated} out of {wanted} new replicas have been updated..."
        ));
    }
    if all > updated {
        return Some(format!(
            "Waiting for deployment {name:?} rollout to finish: {} old replicas are pending termination...",
            all - updated
        ));
    }
    (available < wanted).then(|| format!("Waiting for deployment {name:?} rollout to finish: {available} of {wanted} updated replicas are available..."))
}

fn status(line: &Line, api: &Api, kind: &Kind, target: &str) -> Result<(), Refusal> {
    let mut told = String::new();
    let over = until(limit(line, 600), || {
        let object = api.get(target)?;
        match unfinished(&object) {
            None => Ok(true),
            Some(_) if line.flag(&["watch", "w"]) == Some("false") => Ok(true),
            Some(text) => {
                if text != told {
                    println!("{text}");
                    told = text;
                }
                Ok(false)
            }
        }
    })?;
    let name = target.rsplit('/').next().unwrap_or_default();
    if !over {
        return Err(Refusal::new("error: timed out waiting for the condition"));
    }
    match kind.kind {
        "DaemonSet" => println!("daemon set {name:?} successfully rolled out"),
        _ => println!("{} {name:?} successfully rolled out", kind.kind.to_lowercase()),
    }
    Ok(())
}

/// `kubectl wait --for=condition=X|delete|jsonpath=...`.
pub fn wait(line: &Line, api: &Api) -> Result<u8, Refusal> {
    let what = line.flag(&["for"]).ok_or_else(|| Refusal::new("error: --for is required"))?;
    for (kind, names) in targets(&line.words[1..])? {
        let found = fetch(line, api, kind, &names);
        let objects = match found {
            Ok((objects, _)) => objects,
            Err(refusal) if what == "delete" && refusal.0.contains("NotFound") => continue,
            Err(refusal) => return Err(refusal),
        };
        if objects.is_empty() && what != "delete" {
            return Err(Refusal::new("error: no matching resources found"));
        }
        for object in objects {
            let name = format!("{}/{}", kind.singular(), text(&object, "/metadata/name"));
            let target =
                format!("{}/{}", kind.path(text(&object, "/metadata/namespace")), text(&object, "/metadata/name"));
            let over = until(limit(line, 30), || match api.get(&target) {
                Ok(object) => fulfilled(what, &object),
                Err(error) if error.is_not_found() && what == "delete" => Ok(true),
                Err(error) => Err(error.into()),
            })?;
            if !over {
                return Err(Refusal::new(format!(
                    "error: timed out waiting for the condition on {}/{}",
                    kind.plural,
                    text(&object, "/metadata/name")
                )));
            }
            println!("{name} {}", if what == "delete" { "deleted" } else { "condition met" });
        }
    }
    Ok(0)
}

fn fulfilled(what: &str, object: &Value) -> Result<bool, Refusal> {
    if what == "delete" {
        return Ok(false);
    }
    if let Some(rest) = what.strip_prefix("jsonpath=") {
        let (path, wanted) = rest.rsplit_once('=').ok_or_else(|| {
            Refusal::new("error: jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3")
        })?;
        let found = super::jsonpath::render(path.trim_matches('\''), object).map_err(Refusal::new)?;
        return Ok(found == wanted.trim_matches(['\'', '"']));
    }
    let condition = what
        .strip_prefix("condition=")
        .ok_or_else(|| Refusal::new(format!("error: unrecognized condition: {what:?}")))?;
    let (kind, wanted) = condition.split_once('=').unwrap_or((condition, "True"));
    let status = items(object, "/status/conditions")
        .iter()
        .find(|entry| text(entry, "/type").eq_ignore_ascii_case(kind))
        .map_or("", |entry| text(entry, "/status"));
    Ok(status.eq_ignore_ascii_case(wanted))
}
