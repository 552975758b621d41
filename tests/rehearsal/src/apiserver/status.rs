//! The Status objects the API server answers errors with, worded as the real one words them.

use super::auth::{Ask, User};
use crate::net::http::Response;
use serde_json::{Value, json};

/// A failure, ready to be sent.
#[derive(Debug)]
pub struct Failure {
    code: u16,
    reason: &'static str,
    message: String,
}

impl Failure {
    /// Any failure.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into() }
    }

    /// 404 for an object; `qualified` is `nodes` or `daemonsets.apps`.
    pub fn not_found(qualified: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{qualified} {name:?} not found"))
    }

    /// 409 for an object that is there.
    pub fn exists(qualified: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{qualified} {name:?} already exists"))
    }

    /// 409 for an object that changed meanwhile.
    pub fn conflict(qualified: &str, name: &str) -> Self {
        let text = "the object has been modified; please apply your changes to the latest version and try again";
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {qualified} {name:?}: {text}"))
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403.
    pub fn forbidden(user: &User, ask: &Ask<'_>) -> Self {
        let group = ask.group;
        let qualified = if group.is_empty() { ask.resource.to_owned() } else { format!("{}.{group}", ask.resource) };
        let object =
            if ask.name.is_empty() { format!("{qualified} is") } else { format!("{qualified} {:?} is", ask.name) };
        let scope = match ask.namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        let message = format!(
            "{object} forbidden: User {:?} cannot {} resource {:?} in API group {group:?} {scope}",
            user.name, ask.verb, ask.resource
        );
        Self::new(403, "Forbidden", message)
    }

    /// The response to send.
    pub fn response(&self) -> Response {
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code});
        answer(self.code, &status)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {error:#}"))
    }
}

/// An object as response.
pub fn answer(status: u16, object: &Value) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: object.to_string().into_bytes(),
    }
}
