//! The REST verbs on objects: paths, selectors, creation defaults, patches, graceful deletion of pods.

use super::auth::{self, Ask, User};
use super::status::{Failure, answer};
use super::store::{Store, key};
use crate::kinds::{self, Kind};
use crate::net::http::{Request, Response};
use crate::yaml::{items, set, text};
use crate::{clock, merge, pki};
use serde_json::{Value, json};

/// A path taken apart.
pub struct Target {
    kind: &'static Kind,
    namespace: String,
    name: String,
    sub: String,
}

fn parse(path: &str) -> Option<Target> {
    let mut parts = path.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let group = match parts.first()?.as_str() {
        "api" => {
            parts.drain(..2.min(parts.len()));
            String::new()
        }
        "apis" if parts.len() > 2 => {
            let group = parts[1].clone();
            parts.drain(..3);
            group
        }
        _ => return None,
    };
    let mut namespace = String::new();
    if group.is_empty() && parts.len() > 2 && parts[0] == "namespaces" && parts[2] != "status" && parts[2] != "finalize"
        || !group.is_empty() && parts.len() > 2 && parts[0] == "namespaces"
    {
        namespace = parts[1].clone();
        parts.drain(..2);
    }
    let at = |index: usize| parts.get(index).cloned().unwrap_or_default();
    Some(Target { kind: kinds::by_path(&group, &at(0))?, namespace, name: at(1), sub: at(2) })
}

fn resource(kind: &Kind) -> String {
    if kind.group.is_empty() { kind.plural.into() } else { format!("{}/{}", kind.group, kind.plural) }
}

/// Whether an object's labels fit a selector like `a=b,c!=d,e,!f`.
pub fn selects(selector: &str, labels: &Value) -> bool {
    selector.split(',').map(str::trim).filter(|term| !term.is_empty()).all(|term| {
        let get = |name: &str| labels[name.trim()].as_str();
        if let Some((name, value)) = term.split_once("!=") {
            get(name) != Some(value.trim())
        } else if let Some((name, value)) = term.split_once('=') {
            get(name) == Some(value.trim_start_matches('=').trim())
        } else if let Some(name) = term.strip_prefix('!') {
            get(name).is_none()
        } else {
            get(term).is_some()
        }
    })
}

fn fits_fields(selector: &str, object: &Value) -> bool {
    selector.split(',').filter(|term| !term.is_empty()).all(|term| {
        let (path, value, same) = match term.split_once("!=") {
            Some((path, value)) => (path, value, false),
            None => term
                .split_once('=')
                .map_or((term, "", true), |(path, value)| (path, value.trim_start_matches('='), true)),
        };
        (text(object, &format!("/{}", path.replace('.', "/"))) == value) == same
    })
}

fn prepare(target: &Target, mut object: Value, user: &User) -> Value {
    object["kind"] = json!(target.kind.kind);
    object["apiVersion"] = json!(target.kind.api_version());
    let generate = text(&object, "/metadata/generateName").to_owned();
    if text(&object, "/metadata/name").is_empty() && !generate.is_empty() {
        object["metadata"]["name"] = json!(generate + &pki::random(5, b"bcdfghjklmnpqrstvwxz2456789"));
    }
    if target.kind.namespaced {
        object["metadata"]["namespace"] = json!(target.namespace);
    }
    object["metadata"]["uid"] = json!(pki::uuid());
    object["metadata"]["creationTimestamp"] = json!(clock::now());
    match target.kind.kind {
        "Pod" if object["status"]["phase"].is_null() => set(&mut object, "/status/phase", json!("Pending")),
        "Namespace" => set(&mut object, "/status/phase", json!("Active")),
        "CertificateSigningRequest" => {
            object["spec"]["username"] = json!(user.name);
            object["spec"]["groups"] = json!(user.groups);
            object["status"] = json!({});
        }
        "Secret" => {
            let plain = object.as_object_mut().and_then(|map| map.shift_remove("stringData"));
            for (name, value) in plain.iter().filter_map(Value::as_object).flatten() {
                set(
                    &mut object,
                    &format!("/data/{}", name.replace('/', "~1")),
                    json!(pki::base64(value.as_str().unwrap_or_default())),
                );
            }
        }
        _ if target.kind.group == "apps" => object["metadata"]["generation"] = json!(1),
        _ => {}
    }
    object
}

/// Answers one request on an object or a collection. `account_key` signs service account tokens.
pub fn handle(store: &mut Store, user: &User, request: &Request, account_key: &[u8]) -> Result<Response, Failure> {
    let Some(target) = parse(&request.path) else {
        return Err(Failure::new(404, "NotFound", "the server could not find the requested resource"));
    };
    let verb = match request.method.as_str() {
        "GET" | "HEAD" if target.name.is_empty() => "list",
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        _ => "delete",
    };
    let ask = Ask {
        verb,
        group: target.kind.group,
        resource: target.kind.plural,
        namespace: &target.namespace,
        name: &target.name,
    };
    if !auth::allowed(user, &ask) {
        return Err(Failure::forbidden(user, &ask));
    }
    let body = || -> Result<Value, Failure> {
        serde_json::from_slice(&request.body)
            .map_err(|error| Failure::new(400, "BadRequest", format!("the object provided is unrecognized: {error}")))
    };
    let dry = request.query("dryRun") == Some("All");
    match verb {
        "list" => Ok(list(store, &target, request)),
        "get" => Ok(answer(200, find(store, &target)?)),
        "create" if target.sub == "token" => {
            let token = auth::account_token(&format!("{}:{}", target.namespace, target.name), account_key);
            Ok(answer(
                201,
                &json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "status": {"token": token}}),
            ))
        }
        "create" => create(store, &target, body()?, user, dry),
        "update" => update(store, &target, body()?, dry),
        "patch" => patch(store, &target, request, user, body()?, dry),
        _ if dry => Ok(answer(200, find(store, &target)?)),
        _ if target.name.is_empty() => {
            let names: Vec<_> = matching(store, &target, request)
                .iter()
                .map(|object| {
                    (text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned())
                })
                .collect();
            for (namespace, name) in names {
                delete(store, &Target { kind: target.kind, namespace, name, sub: String::new() }, request)?;
            }
            Ok(answer(200, &json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})))
        }
        _ => delete(store, &target, request),
    }
}

fn find<'a>(store: &'a Store, target: &Target) -> Result<&'a Value, Failure> {
    store
        .get(&key(&resource(target.kind), &target.namespace, &target.name))
        .ok_or_else(|| Failure::not_found(&target.kind.qualified(), &target.name))
}

fn matching(store: &Store, target: &Target, request: &Request) -> Vec<Value> {
    let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
    let name = resource(target.kind);
    store
        .list(&name, namespace)
        .filter(|object| selects(request.query("labelSelector").unwrap_or_default(), &object["metadata"]["labels"]))
        .filter(|object| fits_fields(request.query("fieldSelector").unwrap_or_default(), object))
        .cloned()
        .collect()
}

fn list(store: &Store, target: &Target, request: &Request) -> Response {
    let found = matching(store, target, request);
    answer(
        200,
        &json!({"apiVersion": target.kind.api_version(), "kind": format!("{}List", target.kind.kind),
        "metadata": {"resourceVersion": store.version().to_string()}, "items": found}),
    )
}

fn create(store: &mut Store, target: &Target, object: Value, user: &User, dry: bool) -> Result<Response, Failure> {
    let mut object = prepare(target, object, user);
    let name = text(&object, "/metadata/name").to_owned();
    if name.is_empty() {
        return Err(Failure::new(422, "Invalid", "name or generateName is required"));
    }
    if target.kind.namespaced && store.get(&key("namespaces", "", &target.namespace)).is_none() {
        return Err(Failure::not_found("namespaces", &target.namespace));
    }
    let at = key(&resource(target.kind), &target.namespace, &name);
    if store.get(&at).is_some() {
        return Err(Failure::exists(&target.kind.qualified(), &name));
    }
    super::services::default(store, &mut object);
    let made = if dry { object } else { store.put(at, object)? };
    Ok(answer(201, &made))
}

fn update(store: &mut Store, target: &Target, object: Value, dry: bool) -> Result<Response, Failure> {
    let old = find(store, target)?.clone();
    let version = text(&object, "/metadata/resourceVersion");
    if !version.is_empty() && version != text(&old, "/metadata/resourceVersion") {
        return Err(Failure::conflict(&target.kind.qualified(), &target.name));
    }
    save(store, target, &old, object, dry)
}

fn save(store: &mut Store, target: &Target, old: &Value, mut object: Value, dry: bool) -> Result<Response, Failure> {
    for field in ["uid", "creationTimestamp", "name", "namespace", "deletionTimestamp", "generation"] {
        match &old["metadata"][field] {
            Value::Null => {}
            kept => object["metadata"][field] = kept.clone(),
        }
    }
    object["kind"] = old["kind"].clone();
    object["apiVersion"] = old["apiVersion"].clone();
    if object["status"].is_null() && !old["status"].is_null() {
        object["status"] = old["status"].clone();
    }
    if target.sub == "status" {
        object["spec"] = old["spec"].clone();
    } else if target.kind.group == "apps" && object["spec"] != old["spec"] {
        object["metadata"]["generation"] = json!(old["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
    }
    if target.kind.kind == "Service" && object["spec"]["clusterIP"].is_null() {
        object["spec"]["clusterIP"] = old["spec"]["clusterIP"].clone();
    }
    let at = key(&resource(target.kind), &target.namespace, &target.name);
    let saved = if dry { object } else { store.put(at, object)? };
    Ok(answer(200, &saved))
}

fn patch(
    store: &mut Store,
    target: &Target,
    request: &Request,
    user: &User,
    change: Value,
    dry: bool,
) -> Result<Response, Failure> {
    let kind = request.header("content-type").unwrap_or_default().to_owned();
    let old = match find(store, target) {
        Ok(old) => old.clone(),
        // Server-side apply creates what is not there.
        Err(_) if kind.contains("apply-patch") => return create(store, target, change, user, dry),
        Err(failure) => return Err(failure),
    };
    let mut object = old.clone();
    if kind.contains("json-patch") {
        merge::json_patch(&mut object, items(&change, ""))
            .map_err(|error| Failure::new(422, "Invalid", error.to_string()))?;
    } else if kind.contains("strategic") || kind.contains("apply-patch") {
        merge::strategic(&mut object, &change);
    } else {
        merge::merge(&mut object, &change);
    }
    save(store, target, &old, object, dry)
}

fn delete(store: &mut Store, target: &Target, request: &Request) -> Result<Response, Failure> {
    let old = find(store, target)?.clone();
    let at = key(&resource(target.kind), &target.namespace, &target.name);
    let options: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let grace = request
        .query("gracePeriodSeconds")
        .and_then(|text| text.parse().ok())
        .or(options["gracePeriodSeconds"].as_i64());
    let graceful = target.kind.kind == "Pod" && grace != Some(0) && !text(&old, "/spec/nodeName").is_empty();
    if graceful {
        let mut object = old;
        object["metadata"]["deletionTimestamp"] = json!(clock::now());
        object["metadata"]["deletionGracePeriodSeconds"] = json!(grace.unwrap_or(30));
        return Ok(answer(200, &store.put(at, object)?));
    }
    store.remove(&at)?;
    if target.kind.kind == "Namespace" {
        for at in store.keys().into_iter().filter(|(_, namespace, _)| *namespace == target.name) {
            store.remove(&at)?;
        }
    }
    Ok(answer(
        200,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": target.name, "kind": target.kind.plural}}),
    ))
}
