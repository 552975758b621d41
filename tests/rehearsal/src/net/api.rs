//! The Kubernetes API as a client sees it: objects in, objects out, a Status as error.

use super::client::Client;
use serde_json::Value;
use std::fmt;

/// Why an API call failed.
#[derive(Debug)]
pub enum ApiError {
    /// the server answered with a Status object
    Status {
        /// HTTP status
        code: u16,
        /// `NotFound`, `Forbidden`, ...
        reason: String,
        /// the server's sentence
        message: String,
    },
    /// the server was not reached; Go's wording
    Transport(String),
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { message, .. } => out.write_str(message),
            Self::Transport(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// Whether the object was not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { code: 404, .. })
    }

    /// Whether it was there already, or changed meanwhile.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Status { code: 409, .. })
    }
}

/// A call's result.
pub type Answer = Result<Value, ApiError>;

/// The API over one [`Client`].
pub struct Api(pub Client);

impl Api {
    /// Any call with a JSON body.
    pub fn call(&self, method: &str, target: &str, kind: &str, body: Option<&Value>) -> Answer {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let response = self.0.send(method, target, kind, &bytes).map_err(ApiError::Transport)?;
        let value: Value = serde_json::from_slice(&response.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&response.body).into_owned()));
        if (200..300).contains(&response.status) {
            return Ok(value);
        }
        if response.status == 429 && value["message"].is_null() {
            // apimachinery, api/errors, NewGenericServerResponse
            let message = "the server has received too many requests and has asked us to try again later".into();
            return Err(ApiError::Status { code: 429, reason: "TooManyRequests".into(), message });
        }
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let message = match value["message"].as_str() {
            Some(message) => message.to_owned(),
            None => format!(
                "an error on the server ({:?}) has prevented the request from succeeding",
                value.as_str().unwrap_or("unknown")
            ),
        };
        Err(ApiError::Status { code: response.status, reason: text("reason"), message })
    }

    /// Reads an object or a list.
    pub fn get(&self, target: &str) -> Answer {
        self.call("GET", target, "", None)
    }

    /// Creates below a collection.
    pub fn create(&self, target: &str, body: &Value) -> Answer {
        self.call("POST", target, "application/json", Some(body))
    }

    /// Replaces an object.
    pub fn replace(&self, target: &str, body: &Value) -> Answer {
        self.call("PUT", target, "application/json", Some(body))
    }

    /// Merges `body` into an object, lists by their merge keys.
    pub fn patch(&self, target: &str, body: &Value) -> Answer {
        self.call("PATCH", target, "application/strategic-merge-patch+json", Some(body))
    }

    /// Deletes an object.
    pub fn delete(&self, target: &str) -> Answer {
        self.call("DELETE", target, "", None)
    }

    /// Creates, or replaces what is there.
    pub fn apply(&self, collection: &str, body: &Value) -> Answer {
        match self.create(collection, body) {
            Err(error) if error.is_conflict() => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                self.replace(&format!("{collection}/{name}"), body)
            }
            other => other,
        }
    }
}
