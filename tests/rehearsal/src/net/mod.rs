//! HTTP/1.1 over TLS, blocking: just what the stand-ins say to each other, with Go's error wordings.

pub mod api;
pub mod client;
pub mod http;
pub mod server;
pub mod trust;
