//! delete, by file or by name.

use super::apply::{objects, place};
use super::get::{fetch, targets, until};
use super::{Line, Refusal};
use crate::clock;
use crate::kinds::Kind;
use crate::net::api::Api;
use crate::yaml::text;
use std::time::Duration;

/// `kubectl delete`, by file or by name; waits until it is gone.
pub fn delete(line: &Line, api: &Api) -> Result<u8, Refusal> {
    let mut gone: Vec<(&'static Kind, String, String)> = Vec::new();
    if line.all(&["f", "filename"]).is_empty() {
        for (kind, names) in targets(&line.words[1..])? {
            if names.is_empty() && line.flag(&["l", "selector", "field-selector"]).is_none() && !line.on(&["all"]) {
                return Err(Refusal::new("error: resource(s) were provided, but no name was specified"));
            }
            for object in fetch(line, api, kind, &names)?.0 {
                gone.push((
                    kind,
                    kind.path(text(&object, "/metadata/namespace")),
                    text(&object, "/metadata/name").to_owned(),
                ));
            }
        }
        if gone.is_empty() && !line.on(&["ignore-not-found"]) {
            println!("No resources found");
        }
    } else {
        for object in objects(line, api)? {
            let (kind, collection) = place(line, &object)?;
            gone.push((kind, collection, text(&object, "/metadata/name").to_owned()));
        }
    }
    let grace =
        line.flag(&["grace-period"]).map(|seconds| format!("?gracePeriodSeconds={seconds}")).unwrap_or_default();
    let mut refused = Vec::new();
    for (kind, collection, name) in &gone {
        match api.delete(&format!("{collection}/{name}{grace}")) {
            Ok(_) => {
                println!("{} {name:?} {}deleted", kind.singular(), if line.on(&["force"]) { "force " } else { "" })
            }
            Err(error) if error.is_not_found() && line.on(&["ignore-not-found"]) => {}
            Err(error) => refused.push(Refusal::from(error).0),
        }
    }
    if !refused.is_empty() {
        return Err(Refusal::new(refused.join("\n")));
    }
    if line.flag(&["wait"]) != Some("false") {
        let limit = line
            .flag(&["timeout"])
            .and_then(clock::duration)
            .filter(|span| !span.is_zero())
            .unwrap_or(Duration::from_secs(300));
        for (_, collection, name) in &gone {
            let over =
                until(limit, || Ok(api.get(&format!("{collection}/{name}")).is_err_and(|error| error.is_not_found())))?;
            if !over {
                return Err(Refusal::new(format!("error: timed out waiting for the condition on {name}")));
            }
        }
    }
    Ok(0)
}
