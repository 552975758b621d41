//! One HTTP/1.1 request, and the status line of its answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Fault;

/// A status line longer than this is none.
const LONGEST: u64 = 1024;

/// Any status below 500 proves the way there and a server behind it.
pub fn get(to: SocketAddr, host: &str, path: &str, timeout: Duration) -> Result<(), Fault> {
    let mut stream = TcpStream::connect_timeout(&to, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: pod_connectivity\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => Fault::Answer("the answer is not HTTP".into()),
        _ => Fault::from(error),
    })?;
    match status(&line) {
        Some(code) if code < 500 => Ok(()),
        Some(code) => Err(Fault::Answer(format!("HTTP status {code}"))),
        None if line.is_empty() => Err(Fault::Answer("the connection was closed without an answer".into())),
        None => Err(Fault::Answer("the answer is not HTTP".into())),
    }
}

/// `HTTP/1.1 200 OK`.
fn status(line: &str) -> Option<u16> {
    let mut words = line.split_whitespace();
    words.next()?.starts_with("HTTP/").then(|| words.next()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_and_nothing_else_is_one() {
        assert_eq!(status("HTTP/1.1 404 Not Found\r\n"), Some(404));
        assert_eq!(status("HTTP/2 200\r\n"), Some(200));
        assert_eq!(status("SSH-2.0-OpenSSH_9.2p1"), None);
        assert_eq!(status(""), None);
    }
}
