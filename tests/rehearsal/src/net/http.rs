//! HTTP/1.1 messages on a byte stream; refuses bodies above 64 MiB.

use std::io::{self, BufRead, Read, Write};

const LIMIT: usize = 64 << 20;

/// Header names in lower case, or query parameters, with their values.
type Pairs = Vec<(String, String)>;

/// A request, its path still with the query split off.
#[derive(Debug, Default)]
pub struct Request {
    /// GET, POST, ...
    pub method: String,
    /// decoded path
    pub path: String,
    /// decoded query in order
    pub query: Vec<(String, String)>,
    /// header names in lower case
    pub headers: Vec<(String, String)>,
    /// whole body
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug, Default)]
pub struct Response {
    /// 200, 404, ...
    pub status: u16,
    /// header names in lower case
    pub headers: Vec<(String, String)>,
    /// whole body
    pub body: Vec<u8>,
}

impl Request {
    /// The first value of a header (lower-case name).
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Percent-decodes `text`.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = from.take(65536).read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read_rest(from: &mut impl BufRead) -> io::Result<(Pairs, Vec<u8>)> {
    let mut headers = Vec::new();
    while let Some(line) = read_line(from)?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| bad("malformed header"))?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut body = Vec::new();
    if find(&headers, "transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        loop {
            let line = read_line(from)?.ok_or_else(|| bad("chunk missing"))?;
            let size = usize::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16)
                .map_err(|_| bad("malformed chunk"))?;
            if body.len() + size > LIMIT {
                return Err(bad("body too large"));
            }
            let start = body.len();
            body.resize(start + size, 0);
            from.read_exact(&mut body[start..])?;
            read_line(from)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = find(&headers, "content-length") {
        let length: usize = length.parse().map_err(|_| bad("malformed content length"))?;
        if length > LIMIT {
            return Err(bad("body too large"));
        }
        body.resize(length, 0);
        from.read_exact(&mut body)?;
    }
    Ok((headers, body))
}

/// Reads one request; None when the peer closed before it began.
pub fn read_request(from: &mut impl BufRead) -> io::Result<Option<Request>> {
    let Some(line) = read_line(from)? else { return Ok(None) };
    let mut words = line.split(' ');
    let method = words.next().unwrap_or("").to_owned();
    let target = words.next().ok_or_else(|| bad("malformed request"))?.to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect();
    let (headers, body) = read_rest(from)?;
    Ok(Some(Request { method, path: decode(path), query, headers, body }))
}

/// Reads one response.
pub fn read_response(from: &mut impl BufRead) -> io::Result<Response> {
    let line = read_line(from)?.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "EOF"))?;
    if !line.starts_with("HTTP/1.") {
        return Err(bad("malformed HTTP response"));
    }
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| bad("malformed status"))?;
    let (headers, body) = read_rest(from)?;
    Ok(Response { status, headers, body })
}

/// Writes a response with a `Date` header, as Go's server does.
pub fn write_response(to: &mut impl Write, response: &Response, head_only: bool) -> io::Result<()> {
    let ahead = crate::faults::parameter("server-clock").and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    let date = (time::OffsetDateTime::now_utc() + time::Duration::seconds(ahead))
        .format(time::macros::format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        ))
        .unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {}\r\nDate: {date}\r\n", response.status, reason(response.status));
    for (name, value) in &response.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", response.body.len());
    let mut bytes = text.into_bytes();
    if !head_only {
        bytes.extend_from_slice(&response.body);
    }
    to.write_all(&bytes)?;
    to.flush()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
