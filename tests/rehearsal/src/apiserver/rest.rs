//! Requests on objects: what a path names, whether the user may, and reading; writing is `write`'s.

use super::auth::{self, Ask, User};
use super::select::{fits_fields, selects};
use super::status::{Failure, answer};
use super::store::{Store, key};
use super::write::{create, delete, patch, update};
use crate::kinds::{self, Kind};
use crate::net::http::{Request, Response};
use crate::yaml::text;
use serde_json::{Value, json};

/// A path taken apart.
pub struct Target {
    /// the resource
    pub kind: &'static Kind,
    /// namespace, empty for none
    pub namespace: String,
    /// name, empty for the collection
    pub name: String,
    /// subresource such as `status`, mostly empty
    pub sub: String,
}

fn parse(path: &str, store: &Store) -> Option<Target> {
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
    let mut defined = store.list("apiextensions.k8s.io/customresourcedefinitions", None).map(kinds::of_definition);
    let kind =
        kinds::by_path(&group, &at(0)).or_else(|| defined.find(|kind| kind.group == group && kind.plural == at(0)))?;
    Some(Target { kind, namespace, name: at(1), sub: at(2) })
}

/// The store's name of a resource.
pub fn resource(kind: &Kind) -> String {
    if kind.group.is_empty() { kind.plural.into() } else { format!("{}/{}", kind.group, kind.plural) }
}

/// Answers one request on an object or a collection. `account_key` signs service account tokens.
pub fn handle(store: &mut Store, user: &User, request: &Request, account_key: &[u8]) -> Result<Response, Failure> {
    let Some(target) = parse(&request.path, store) else {
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
    if verb == "delete" {
        restrict(store, user, &target)?;
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
        "create" if target.sub == "eviction" => super::budgets::evict(store, &target, request, &body()?),
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

/// What the admission plugin NodeRestriction keeps a kubelet from (plugin/pkg/admission/noderestriction, admitPod).
fn restrict(store: &Store, user: &User, target: &Target) -> Result<(), Failure> {
    let Some(node) = user.name.strip_prefix("system:node:").filter(|_| target.kind.kind == "Pod") else {
        return Ok(());
    };
    if target.name.is_empty() || text(find(store, target)?, "/spec/nodeName") == node {
        return Ok(());
    }
    let message = format!(
        "pods {:?} is forbidden: node {node:?} can only delete pods with spec.nodeName set to itself",
        target.name
    );
    Err(Failure::new(403, "Forbidden", message))
}

/// The object a path names.
pub fn find<'a>(store: &'a Store, target: &Target) -> Result<&'a Value, Failure> {
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
