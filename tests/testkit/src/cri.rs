//! A CRI server for tests, with messages (crate `cri_api`) that share nothing with the client.
//!
//! It frames gRPC by hand over hyper's HTTP/2, so that neither the messages nor the framing are the client's own code.
//! A call nobody registered is answered with Unimplemented, as a real server does for a service it does not have.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;

pub use cri_api::{upstream, v1};

/// gRPC status: a number and words.
pub type Refusal = (i32, &'static str);
type Handler = Box<dyn Fn(Bytes) -> Result<Vec<u8>, Refusal> + Send + Sync>;

/// What the server will answer.
#[derive(Default)]
pub struct FakeCri {
    handlers: HashMap<String, Handler>,
}

/// A server that runs until this is dropped.
pub struct Serving {
    calls: Arc<Mutex<Vec<String>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl FakeCri {
    /// A server that knows no call at all: containerd with `disabled_plugins = ["cri"]`.
    pub fn empty() -> Self {
        Self::default()
    }

    /// containerd 1.6.20 on a good node: Version, Status (with the verbose info of a real one) and ImageFsInfo, which
    /// names `mountpoint`.
    pub fn containerd(mountpoint: &str) -> Self {
        let mountpoint = mountpoint.to_owned();
        let version = |_: v1::VersionRequest| {
            Ok(v1::VersionResponse {
                version: "0.1.0".into(),
                runtime_name: "containerd".into(),
                runtime_version: "1.6.20~ds1".into(),
                runtime_api_version: "v1".into(),
            })
        };
        let image_fs = move |_: v1::ImageFsInfoRequest| {
            let usage = v1::FilesystemUsage {
                timestamp: 1_795_217_402_695_411_342,
                fs_id: Some(v1::FilesystemIdentifier { mountpoint: mountpoint.clone() }),
                used_bytes: Some(v1::UInt64Value { value: 541_159_424 }),
                inodes_used: Some(v1::UInt64Value { value: 10_734 }),
            };
            Ok(v1::ImageFsInfoResponse { image_filesystems: vec![usage], container_filesystems: vec![] })
        };
        Self::empty()
            .on("/runtime.v1.RuntimeService/Version", version)
            .on("/runtime.v1.RuntimeService/Status", |asked: v1::StatusRequest| Ok(real_status(asked.verbose)))
            .on("/runtime.v1.ImageService/ImageFsInfo", image_fs)
    }

    /// Answers `path` (`/runtime.v1.RuntimeService/Version`) with `answer`, replacing what was there.
    pub fn on<Q, A>(mut self, path: &str, answer: impl Fn(Q) -> Result<A, Refusal> + Send + Sync + 'static) -> Self
    where
        Q: Message + Default,
        A: Message,
    {
        let handler = move |bytes: Bytes| {
            let request = Q::decode(bytes).map_err(|_| (3, "the request does not decode"))?;
            answer(request).map(|a| a.encode_to_vec())
        };
        self.handlers.insert(path.to_owned(), Box::new(handler));
        self
    }

    /// Listens on `socket` from now on, in a thread of its own.
    pub fn serve(self, socket: impl AsRef<Path>) -> Serving {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a tokio runtime");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let listener = {
            let _context = runtime.enter();
            tokio::net::UnixListener::bind(socket.as_ref()).expect("listening on the test's socket")
        };
        let shared = (Arc::new(self.handlers), Arc::clone(&calls));
        runtime.spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let shared = shared.clone();
                let service = hyper::service::service_fn(move |request| answer(shared.clone(), request));
                let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
        });
        Serving { calls, runtime: Some(runtime) }
    }
}

impl Serving {
    /// The paths asked for so far, in order.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("no handler panicked").clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

type Shared = (Arc<HashMap<String, Handler>>, Arc<Mutex<Vec<String>>>);
type Frames = futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

async fn answer(shared: Shared, request: Request<Incoming>) -> Result<Response<StreamBody<Frames>>, hyper::Error> {
    let (handlers, calls) = shared;
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    calls.lock().expect("no handler panicked").push(path.clone());
    // One byte "not compressed", four bytes length, then the message.
    let message = body.slice(5.min(body.len())..);
    let result = match handlers.get(&path) {
        Some(handler) => handler(message),
        None => Err((12, "unknown service or method")),
    };
    let mut trailers = HeaderMap::new();
    let mut frames = Vec::new();
    match result {
        Ok(bytes) => {
            let length = u32::try_from(bytes.len()).expect("a small answer").to_be_bytes();
            let framed = [&[0_u8], &length[..], &bytes[..]].concat();
            frames.push(Ok(Frame::data(Bytes::from(framed))));
            trailers.insert("grpc-status", 0.into());
        }
        Err((code, words)) => {
            trailers.insert("grpc-status", code.into());
            trailers.insert("grpc-message", words.parse().expect("plain words"));
        }
    }
    frames.push(Ok(Frame::trailers(trailers)));
    let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)));
    response.headers_mut().insert("content-type", "application/grpc".parse().expect("a header value"));
    Ok(response)
}

/// The Status of a real node (containerd 1.6.20, joined, a bridge placeholder in force), recorded with crictl.
fn real_status(verbose: bool) -> v1::StatusResponse {
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("../data/cri-status.json")).expect("the recording is JSON");
    let conditions = recorded["status"]["conditions"].as_array().into_iter().flatten().map(|c| v1::RuntimeCondition {
        r#type: c["type"].as_str().unwrap_or_default().to_owned(),
        status: c["status"].as_bool().unwrap_or_default(),
        ..Default::default()
    });
    let status = Some(v1::RuntimeStatus { conditions: conditions.collect() });
    let entries = recorded.as_object().into_iter().flatten().filter(|(key, _)| *key != "status" && verbose);
    // crictl shows the values parsed; on the wire each is a JSON document in a string, but for the bare words of
    // lastCNILoadStatus (containerd internal/cri/server/status.go).
    let on_the_wire = |key: &str, value: &serde_json::Value| match value.as_str() {
        Some(words) if key.starts_with("lastCNILoadStatus") => words.to_owned(),
        _ => value.to_string(),
    };
    let info = entries.map(|(key, value)| (key.clone(), on_the_wire(key, value))).collect();
    v1::StatusResponse { status, info }
}
