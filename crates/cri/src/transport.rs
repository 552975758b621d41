//! One HTTP/2 connection over a unix socket, and one gRPC call on it before a deadline.
//!
//! hyper directly instead of tonic's channel: a short-lived caller wants neither reconnecting nor balancing, wants to see
//! why connecting failed, and saves their code in every binary.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::http::uri::PathAndQuery;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic_prost::ProstCodec;

use super::error::{Error, one_line};
use host::deadline::Deadline;

/// As much as kubelet accepts from a runtime.
const LARGEST_ANSWER: usize = 16 << 20;

pub(super) struct Connection {
    runtime: tokio::runtime::Runtime,
    grpc: Grpc<Wire>,
    socket: String,
    deadline: Deadline,
}

impl Connection {
    pub(super) fn open(socket: &str, deadline: Deadline) -> Result<Self, Error> {
        let socket = socket.strip_prefix("unix://").unwrap_or(socket).to_owned();
        let broken = |cause: String| Error::Broken { socket: socket.clone(), cause: one_line(&cause) };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| broken(format!("starting the asynchronous runtime: {e}")))?;
        let began = Instant::now();
        let hung = || Error::Hung { socket: socket.clone(), call: "Version", waited: began.elapsed() };
        let sender = runtime.block_on(async {
            let connect = tokio::time::timeout(deadline.left(), tokio::net::UnixStream::connect(&socket));
            let stream = match connect.await.map_err(|_elapsed| hung())? {
                Ok(stream) => stream,
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    return Err(Error::SocketMissing { socket: socket.clone() });
                }
                Err(e) if e.kind() == ErrorKind::ConnectionRefused => {
                    return Err(Error::Refused { socket: socket.clone() });
                }
                // A unix socket whose queue of waiting connections is full: nobody accepts them.
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Err(hung()),
                Err(e) => return Err(broken(e.to_string())),
            };
            let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
            let shaken = tokio::time::timeout(deadline.left(), shake).await.map_err(|_elapsed| hung())?;
            let (sender, connection) = shaken.map_err(|e| broken(e.to_string()))?;
            // It runs while a call is waited for; its error is also that call's error.
            tokio::spawn(connection);
            Ok(sender)
        })?;
        let origin = hyper::Uri::from_static("http://localhost");
        let grpc = Grpc::with_origin(Wire(sender), origin).max_decoding_message_size(LARGEST_ANSWER);
        Ok(Connection { runtime, grpc, socket, deadline })
    }

    pub(super) fn socket(&self) -> &str {
        &self.socket
    }

    /// One request, one response. `path` is `/runtime.v1.RuntimeService/Version`; `call` is its last part, for errors.
    pub(super) fn unary<Q, A>(&mut self, path: String, call: &'static str, request: Q) -> Result<A, Error>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.unary_in(path, call, request, None)
    }

    /// The same in one of containerd's namespaces; an empty name is none.
    pub(super) fn unary_in<Q, A>(
        &mut self,
        path: String,
        call: &'static str,
        request: Q,
        namespace: Option<&str>,
    ) -> Result<A, Error>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let request = self.request(request, namespace)?;
        self.ask(path, call, async |grpc, path| {
            Ok(grpc.unary(request, path, ProstCodec::<Q, A>::default()).await?.into_inner())
        })
    }

    /// One request, and all responses until the server has no more.
    pub(super) fn stream_in<Q, A>(
        &mut self,
        path: String,
        call: &'static str,
        request: Q,
        namespace: Option<&str>,
    ) -> Result<Vec<A>, Error>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let request = self.request(request, namespace)?;
        self.ask(path, call, async |grpc, path| {
            let mut stream = grpc.server_streaming(request, path, ProstCodec::<Q, A>::default()).await?.into_inner();
            let mut parts = Vec::new();
            while let Some(part) = stream.message().await? {
                parts.push(part);
            }
            Ok(parts)
        })
    }

    /// containerd takes its namespace from the call's metadata (containerd, pkg/namespaces/grpc.go).
    fn request<Q>(&self, message: Q, namespace: Option<&str>) -> Result<tonic::Request<Q>, Error> {
        let mut request = tonic::Request::new(message);
        if let Some(namespace) = namespace.filter(|name| !name.is_empty()) {
            let value = namespace.parse().map_err(|_| self.broken(&format!("a namespace called {namespace:?}")))?;
            request.metadata_mut().insert("containerd-namespace", value);
        }
        Ok(request)
    }

    fn broken(&self, cause: &str) -> Error {
        Error::Broken { socket: self.socket.clone(), cause: one_line(cause) }
    }

    fn ask<A>(
        &mut self,
        path: String,
        call: &'static str,
        asking: impl AsyncFnOnce(&mut Grpc<Wire>, PathAndQuery) -> Result<A, tonic::Status>,
    ) -> Result<A, Error> {
        let path: PathAndQuery = path.parse().map_err(|e| self.broken(&format!("the path of {call}: {e}")))?;
        let Connection { runtime, grpc, socket, deadline } = self;
        let broken = |cause: String| Error::Broken { socket: socket.clone(), cause: one_line(&cause) };
        let began = Instant::now();
        let asking = async {
            grpc.ready().await.map_err(|e| tonic::Status::from_error(e.into()))?;
            asking(grpc, path).await
        };
        // The timer needs the runtime's context, hence inside.
        let answer = runtime.block_on(async { tokio::time::timeout(deadline.left(), asking).await });
        match answer {
            Err(_elapsed) => Err(Error::Hung { socket: socket.clone(), call, waited: began.elapsed() }),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(status)) if status.code() == tonic::Code::Unimplemented => Err(Error::Unimplemented { call }),
            Ok(Err(status)) => match std::error::Error::source(&status) {
                // A source means the status was made up on this side, for a connection that failed.
                Some(source) => Err(broken(root_cause(source))),
                None => Err(Error::Status { call, code: status.code() as i32, message: one_line(status.message()) }),
            },
        }
    }
}

fn root_cause(mut error: &(dyn std::error::Error + 'static)) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

struct Wire(SendRequest<Body>);

impl GrpcService<Body> for Wire {
    type ResponseBody = Incoming;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<hyper::Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: hyper::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
