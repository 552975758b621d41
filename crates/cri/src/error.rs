//! Why a CRI call gave no answer: what a caller decides by, apart from the words for the user.

use std::fmt;
use std::time::Duration;

/// A call that did not succeed. `Display` is one line that names the socket or the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// No file at the socket's path: the runtime is not running, or listens elsewhere.
    SocketMissing {
        /// The path, without `unix://`.
        socket: String,
    },
    /// The socket is there and nobody listens: the runtime died and left it.
    Refused {
        /// The path, without `unix://`.
        socket: String,
    },
    /// Nothing came back before the deadline: the runtime hangs.
    Hung {
        /// The path, without `unix://`.
        socket: String,
        /// The call that was waiting.
        call: &'static str,
        /// How long it had waited.
        waited: Duration,
    },
    /// A gRPC server answers and knows neither CRI v1 nor v1alpha2: containerd with its CRI plugin disabled or not loaded.
    NoCri {
        /// The path, without `unix://`.
        socket: String,
    },
    /// The runtime does not know this one call (RuntimeConfig before containerd 2.0).
    Unimplemented {
        /// The call.
        call: &'static str,
    },
    /// The runtime answered with an error of its own.
    Status {
        /// The call.
        call: &'static str,
        /// The gRPC status code's number: 5 is NotFound, 14 Unavailable.
        code: i32,
        /// The runtime's words, on one line.
        message: String,
    },
    /// The connection cannot be made or breaks: not a socket, no permission, not gRPC, closed half-way.
    Broken {
        /// The path, without `unix://`.
        socket: String,
        /// The cause, on one line.
        cause: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::SocketMissing { socket } => write!(f, "connecting to {socket}: there is no such socket"),
            Error::Refused { socket } => write!(f, "connecting to {socket}: nobody listens (connection refused)"),
            Error::Hung { socket, call, waited } => {
                write!(f, "calling {call} at {socket}: no answer for {:.1} s", waited.as_secs_f64())
            }
            Error::NoCri { socket } => {
                write!(
                    f,
                    "calling Version at {socket}: a server answers, but its CRI plugin is disabled or did not load"
                )
            }
            Error::Unimplemented { call } => write!(f, "calling {call}: this runtime does not implement it"),
            Error::Status { call, code, message } => write!(f, "calling {call}: {message} (gRPC status {code})"),
            Error::Broken { socket, cause } => write!(f, "talking to {socket}: {cause}"),
        }
    }
}

impl std::error::Error for Error {}

/// Whatever a peer sends becomes one line of printable text, cut at 500 characters.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(500).collect()
}
