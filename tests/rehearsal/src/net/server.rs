//! A thread per connection: TLS (or plain) in, [`Request`]s to a handler, [`Response`]s back.

use super::http::{Request, Response, read_request, write_response};
use rustls::pki_types::CertificateDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Read, Write};
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
        return answer_all(&mut BufReader::new(tcp), None, handler);
    };
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    let peer = stream.conn.peer_certificates().and_then(|chain| chain.first()).map(|cert| cert.clone().into_owned());
    let mut stream = BufReader::new(stream);
    answer_all(&mut stream, peer, handler)?;
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush()?;
    Ok(())
}

/// Answers until the peer closes, or asks for the connection to be closed.
fn answer_all<S: Read + Write>(
    stream: &mut BufReader<S>,
    peer: Option<CertificateDer<'static>>,
    handler: &Handler,
) -> anyhow::Result<()> {
    while let Some(request) = read_request(stream)? {
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
    Ok(())
}
