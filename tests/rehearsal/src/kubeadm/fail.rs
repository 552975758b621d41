//! How kubeadm ends: the error lines, their prefix by version, and the exit status (which classifies nothing).

use crate::version;
use std::process::ExitCode;

/// A failed run.
#[derive(Debug)]
pub struct Fail {
    phase: Option<&'static str>,
    text: String,
    code: u8,
    preflight: bool,
}

impl Fail {
    /// A failure outside of any phase.
    pub fn plain(text: String) -> Self {
        Self { phase: None, text, code: 1, preflight: false }
    }

    /// The `[ERROR X]` lines of preflight, in kubeadm's envelope.
    pub fn preflight(lines: &str) -> Self {
        let hint = "[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`";
        Self {
            phase: None,
            text: format!("[preflight] Some fatal errors occurred:\n{lines}{hint}"),
            code: 1,
            preflight: true,
        }
    }

    /// The same failure, said to have happened in `phase`.
    pub fn during(mut self, phase: &'static str) -> Self {
        self.phase.get_or_insert(phase);
        self
    }

    /// Puts `context: ` in front.
    pub fn wrap(mut self, context: &str) -> Self {
        self.text = format!("{context}: {}", self.text);
        self
    }

    /// The bare sentence.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Prints it as kubeadm of the claimed version does.
    pub fn report(&self) -> ExitCode {
        let new = version::at_least(34);
        let mut text = self.text.clone();
        if new && self.preflight {
            eprintln!("{text}");
            text = "preflight checks failed".into();
        }
        if let Some(phase) = self.phase {
            text = format!("error execution phase {phase}: {text}");
        }
        eprintln!(
            "{}{text}\nTo see the stack trace of this error execute with --v=5 or higher",
            if new { "error: " } else { "" }
        );
        ExitCode::from(if new { 1 } else { self.code })
    }
}

/// A configuration that does not validate: exit status 3.
pub fn invalid(text: String) -> Fail {
    Fail { phase: None, text, code: 3, preflight: false }
}

impl From<anyhow::Error> for Fail {
    fn from(error: anyhow::Error) -> Self {
        Self::plain(format!("{error:#}"))
    }
}

impl From<crate::net::api::ApiError> for Fail {
    fn from(error: crate::net::api::ApiError) -> Self {
        Self::plain(error.to_string())
    }
}
