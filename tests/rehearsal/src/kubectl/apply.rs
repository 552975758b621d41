//! apply, create and replace of objects in files, directories and on stdin.

use super::{Line, Refusal, print};
use crate::kinds::{self, Kind};
use crate::merge;
use crate::net::api::Api;
use crate::yaml::{self, text};
use serde_json::{Value, json};
use std::io::Read;

/// The annotation that holds what was applied last.
pub const LAST: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Every object of the `-f` arguments. Kinds that are not built in are learnt before the first is made.
pub fn objects(line: &Line, api: &Api) -> Result<Vec<Value>, Refusal> {
    let mut found = Vec::new();
    for path in line.all(&["f", "filename"]) {
        for content in contents(path)? {
            for document in yaml::documents(&content)
                .map_err(|error| Refusal::new(format!("error: error parsing {path}: {error:#}")))?
            {
                match document["items"].as_array() {
                    Some(items) if text(&document, "/kind").ends_with("List") => found.extend(items.iter().cloned()),
                    _ => found.push(document),
                }
            }
        }
    }
    if found.is_empty() {
        return Err(Refusal::new(if line.all(&["f", "filename"]).is_empty() {
            "error: must specify one of -f and -k"
        } else {
            "error: no objects passed to apply"
        }));
    }
    if found.iter().any(|object| kinds::by_kind(text(object, "/kind")).is_none()) {
        super::learn(api);
    }
    Ok(found)
}

fn contents(path: &str) -> Result<Vec<String>, Refusal> {
    if path == "-" {
        let mut content = String::new();
        std::io::stdin()
            .read_to_string(&mut content)
            .map_err(|error| Refusal::new(format!("error: reading stdin: {error}")))?;
        return Ok(vec![content]);
    }
    let missing = |_| Refusal::new(format!("error: the path {path:?} does not exist"));
    if !std::path::Path::new(path).is_dir() {
        return Ok(vec![std::fs::read_to_string(path).map_err(missing)?]);
    }
    let mut files: Vec<_> = std::fs::read_dir(path).map_err(missing)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let wanted = |file: &std::path::PathBuf| {
        file.extension().is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|known| ext == *known))
    };
    Ok(files.iter().filter(|file| wanted(file)).filter_map(|file| std::fs::read_to_string(file).ok()).collect())
}

/// An object's resource and collection path.
pub fn place(line: &Line, object: &Value) -> Result<(&'static Kind, String), Refusal> {
    let name = text(object, "/kind");
    let kind = kinds::by_kind(name).ok_or_else(|| {
        Refusal::new(format!("error: resource mapping not found for name: {:?} namespace: {:?} from \"-\": no matches for kind {name:?} in version {:?}\nensure CRDs are installed first", text(object, "/metadata/name"), text(object, "/metadata/namespace"), text(object, "/apiVersion")))
    })?;
    let own = text(object, "/metadata/namespace");
    let namespace = if own.is_empty() { line.flag(&["n", "namespace"]).unwrap_or("default") } else { own };
    Ok((kind, kind.path(namespace)))
}

/// What of `last` is not in `new` any more becomes null, for deletion.
fn deletions(last: &Value, new: &Value) -> Value {
    let mut gone = serde_json::Map::new();
    for (key, old) in last.as_object().into_iter().flatten() {
        match new.get(key) {
            None => drop(gone.insert(key.clone(), Value::Null)),
            Some(value) if value.is_object() && old.is_object() => {
                let below = deletions(old, value);
                if below.as_object().is_some_and(|map| !map.is_empty()) {
                    gone.insert(key.clone(), below);
                }
            }
            Some(_) => {}
        }
    }
    Value::Object(gone)
}

/// The live object as it would be after applying `new`.
pub fn applied(live: &Value, new: &Value) -> Value {
    let last: Value = live["metadata"]["annotations"][LAST]
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let mut result = live.clone();
    merge::merge(&mut result, &deletions(&last, new));
    merge::strategic(&mut result, new);
    result["metadata"]["annotations"][LAST] = json!(format!("{}\n", yaml::sorted(new)));
    result
}

/// `kubectl apply|create|replace -f`.
pub fn files(line: &Line, api: &Api, verb: &str) -> Result<u8, Refusal> {
    if let Some(path) = line.flag(&["raw"]).filter(|_| verb == "create") {
        let body = objects(line, api)?;
        println!("{}", api.create(path, body.first().unwrap_or(&Value::Null))?);
        return Ok(0);
    }
    if verb == "create" && line.words.len() > 1 {
        return create_word(line, api);
    }
    let dry = line.flag(&["dry-run"]).filter(|mode| *mode != "none");
    let query = if dry == Some("server") { "?dryRun=All" } else { "" };
    let suffix = match dry {
        Some("server") => " (server dry run)",
        Some(_) => " (dry run)",
        None => "",
    };
    let mut failed = Vec::new();
    for object in objects(line, api)? {
        let outcome = one(line, api, verb, &object, query, dry == Some("client"));
        match outcome {
            Ok((kind, live, word)) => match line.flag(&["o", "output"]) {
                Some(_) => print::show(line, kind, std::slice::from_ref(&live), &live)?,
                None => println!("{}/{} {word}{suffix}", kind.singular(), text(&object, "/metadata/name")),
            },
            Err(refusal) => failed.push(refusal.0),
        }
    }
    if failed.is_empty() { Ok(0) } else { Err(Refusal::new(failed.join("\n"))) }
}

fn one(
    line: &Line,
    api: &Api,
    verb: &str,
    object: &Value,
    query: &str,
    client: bool,
) -> Result<(&'static Kind, Value, &'static str), Refusal> {
    let (kind, collection) = place(line, object)?;
    let target = format!("{collection}/{}", text(object, "/metadata/name"));
    let mut fresh = object.clone();
    if verb == "create" {
        return Ok((
            kind,
            if client { fresh } else { api.create(&format!("{collection}{query}"), &fresh)? },
            "created",
        ));
    }
    let live = match api.get(&target) {
        Ok(live) => live,
        Err(error) if error.is_not_found() && verb == "apply" => {
            fresh["metadata"]["annotations"][LAST] = json!(format!("{}\n", yaml::sorted(object)));
            if line.on(&["server-side"]) {
                fresh = object.clone();
            }
            let word = if line.on(&["server-side"]) { "serverside-applied" } else { "created" };
            return Ok((kind, if client { fresh } else { api.create(&format!("{collection}{query}"), &fresh)? }, word));
        }
        Err(error) => return Err(error.into()),
    };
    if verb == "replace" {
        return Ok((kind, api.replace(&format!("{target}{query}"), &fresh)?, "replaced"));
    }
    if line.on(&["server-side"]) {
        let answer = api.call("PATCH", &format!("{target}{query}"), "application/apply-patch+yaml", Some(object))?;
        return Ok((kind, answer, "serverside-applied"));
    }
    let wanted = applied(&live, object);
    if wanted == live {
        return Ok((kind, live, "unchanged"));
    }
    let saved = if client { wanted } else { api.replace(&format!("{target}{query}"), &wanted)? };
    Ok((kind, saved, "configured"))
}

/// `kubectl create namespace|configmap|serviceaccount NAME`.
fn create_word(line: &Line, api: &Api) -> Result<u8, Refusal> {
    let [_, what, name, ..] = line.words.as_slice() else {
        return Err(Refusal::new("error: exactly one NAME is required"));
    };
    let kind = super::kind(what)?;
    let mut object = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {"name": name}});
    for pair in line.all(&["from-literal"]) {
        if let Some((key, value)) = pair.split_once('=') {
            object["data"][key] = json!(value);
        }
    }
    for file in line.all(&["from-file"]) {
        let (key, path) = file.split_once('=').unwrap_or((file.rsplit('/').next().unwrap_or(file), file));
        object["data"][key] = json!(
            std::fs::read_to_string(path)
                .map_err(|error| Refusal::new(format!("error: error reading {path}: {error}")))?
        );
    }
    if line.flag(&["dry-run"]).is_none() {
        object = api.create(&kind.path(&line.namespace()), &object)?;
    }
    match line.flag(&["o", "output"]) {
        Some(_) => print::show(line, kind, std::slice::from_ref(&object), &object)?,
        None => println!("{}/{name} created", kind.singular()),
    }
    Ok(0)
}
