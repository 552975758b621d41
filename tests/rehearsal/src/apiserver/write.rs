//! Writing verbs: creation with its defaults, updates, patches, graceful deletion of pods.

use super::auth::User;
use super::rest::{Target, find, resource};
use super::status::{Failure, answer};
use super::store::{Store, key};
use crate::net::http::{Request, Response};
use crate::yaml::{items, set, text};
use crate::{clock, merge, pki};
use serde_json::{Value, json};

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

pub fn create(store: &mut Store, target: &Target, object: Value, user: &User, dry: bool) -> Result<Response, Failure> {
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
    if target.kind.kind == "CustomResourceDefinition" {
        let condition = |kind: &str| json!({"type": kind, "status": "True"});
        object["status"] = json!({"conditions": [condition("NamesAccepted"), condition("Established")]});
    }
    let made = if dry { object } else { store.put(at, object)? };
    Ok(answer(201, &made))
}

pub fn update(store: &mut Store, target: &Target, object: Value, dry: bool) -> Result<Response, Failure> {
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
    if target.sub == "approval" {
        // Nothing but the conditions is taken over from an approval (registry/certificates, approvalStrategy).
        let conditions = object["status"]["conditions"].take();
        object["spec"] = old["spec"].clone();
        object["status"] = old["status"].clone();
        object["status"]["conditions"] = conditions;
    } else if target.sub == "status" {
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

pub fn patch(
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

pub fn delete(store: &mut Store, target: &Target, request: &Request) -> Result<Response, Failure> {
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
