//! A thread per connection: TLS (or plain) in, [`Request`]s to a handler, [`Response`]s back.

use super::http::{Request, Response, read_request, write_response};
use rustls::pki_types::CertificateDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What answers: the request and the client's certificate, if it showed one.
pub type Handler = Arc<dyn Fn(Request, Option<CertificateDer<'static>>) -> Response + Send + Sync>;

const IDLE: Duration = Duration::from_secs(90);

/// Accepts for ever. `tls` None means plain HTTP.
pub fn serve(listener: TcpListener, tls: Option<Arc<ServerConfig>>, handler: Handler) {
    for tcp in listener.incoming().flatten() {
        if tls.is_some() && crate::faults::switched("api-silent") {
            std::thread::spawn(move || {
                crate::clock::pause(IDLE);
                drop(tcp);
            });
            continue;
        }
        let (tls, handler) = (tls.clone(), handler.clone());
        // A peer that breaks off is its own affair.
        std::thread::spawn(move || {
            let _ = connection(tcp, tls, &handler);
        });
    }
}

fn connection(tcp: TcpStream, tls: Option<Arc<ServerConfig>>, handler: &Handler) -> anyhow::Result<()> {
    let _ = tcp.set_nodelay(true);
    tcp.set_read_timeout(Some(IDLE))?;
    let Some(config) = tls else {
        let mut stream = BufReader::new(tcp);
        while let Some(request) = read_request(&mut stream)? {
            let head = request.method == "HEAD";
            write_response(stream.get_mut(), &handler(request, None), head)?;
        }
        return Ok(());
    };
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    let peer = stream.conn.peer_certificates().and_then(|chain| chain.first()).map(|cert| cert.clone().into_owned());
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        let head = request.method == "HEAD";
        let close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let mut response = handler(request, peer.clone());
        if close {
            response.headers.push(("Connection".into(), "close".into()));
        }
        write_response(stream.get_mut(), &response, head)?;
        if close {
            break;
        }
    }
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush()?;
    Ok(())
}
