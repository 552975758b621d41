//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use serde::Deserialize;
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "containerd_upgrade",
    summary: "containerd goes to a newer release, is proved to work, and comes back to the old one when it does not",
    options: &[
        Opt::new(
            "source",
            Kind::Str,
            "Where the new containerd is. V(package) is the newest that apt offers of the package that containerd came with; otherwise an absolute path or an C(http://) or C(https://) address of a C(.deb), or of a release archive (C(.tar.gz)), for which O(sha256) is needed.",
        )
        .default("\"package\""),
        Opt::new("sha256", Kind::Str, "SHA-256 of O(source), 64 hexadecimal digits."),
        Opt::new(
            "runc",
            Kind::Str,
            "Where a new runc is: an absolute path or an address of a C(.deb), or of the program itself, which goes to C(/usr/local/sbin). Without it runc stays.",
        ),
        Opt::new("runc_sha256", Kind::Str, "SHA-256 of O(runc), 64 hexadecimal digits."),
        Opt::new(
            "allow_shared",
            Kind::Bool,
            "Whether to go on when somebody else than Kubernetes has containers in this containerd, such as Docker or nerdctl. They keep running, but are not proved.",
        )
        .default("false"),
        Opt::new(
            "allow_restarts",
            Kind::Bool,
            "Whether pods may be ended and made anew: those whose sandbox the new containerd takes for a leaked one. They are named in either case; V(false) refuses.",
        )
        .default("true"),
        Opt::new("socket", Kind::Str, "containerd's socket, as a path or with unix://.")
            .default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new("timeout", Kind::Int, "Seconds for everything together. The way back has its own five minutes.")
            .default("600"),
    ],
    rules: &[],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// `package`, a path or an address.
    pub source: String,
    /// 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// A path or an address.
    pub runc: Option<String>,
    /// 64 hexadecimal digits.
    pub runc_sha256: Option<String>,
    /// Whether others may use this containerd, too.
    pub allow_shared: bool,
    /// Whether pods may be restarted.
    pub allow_restarts: bool,
    socket: String,
    timeout: i64,
}

/// What apt offers.
pub const PACKAGE: &str = "package";

impl Args {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> anyhow::Result<()> {
        if self.source == PACKAGE {
            ensure!(
                self.sha256.is_none(),
                "option sha256 is given, and source is package, which apt checks: leave it out"
            );
        } else {
            let known = [".deb", ".tar.gz", ".tgz"].iter().any(|end| self.source.ends_with(end));
            ensure!(
                is_location(&self.source) && known,
                "option source is {:?}: it must be package, or an absolute path or an http:// or https:// address of a .deb or a .tar.gz",
                self.source
            );
            check("sha256", "source", self.sha256.as_deref())?;
        }
        if let Some(runc) = &self.runc {
            ensure!(
                is_location(runc),
                "option runc is {runc:?}: it must be an absolute path or an http:// or https:// address of a .deb or of the program"
            );
            check("runc_sha256", "runc", self.runc_sha256.as_deref())?;
        }
        ensure!(
            self.socket_path().starts_with('/'),
            "option socket is {:?}: use a path or a unix:// URL, such as /run/containerd/containerd.sock",
            self.socket
        );
        ensure!(
            (30..=7200).contains(&self.timeout),
            "option timeout is {}: it must be 30 to 7200 seconds",
            self.timeout
        );
        Ok(())
    }

    /// The socket without `unix://`.
    pub fn socket_path(&self) -> &str {
        self.socket.strip_prefix("unix://").unwrap_or(&self.socket)
    }

    /// The time for everything.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }
}

fn is_location(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"'\"\\".contains(c);
    let address = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    text.chars().all(plain)
        && match address {
            // A password would be in the process list of the client that fetches it.
            Some(rest) => !rest.starts_with('/') && !rest.split('/').next().unwrap_or_default().contains('@'),
            None => text.starts_with('/') && !text.ends_with('/'),
        }
}

fn check(option: &str, of: &str, hash: Option<&str>) -> anyhow::Result<()> {
    let Some(hash) = hash else {
        anyhow::bail!("option {option} is missing: what {of} names is only used when its SHA-256 is right")
    };
    ensure!(
        hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit()),
        "option {option} is {hash:?}: it must be the 64 hexadecimal digits that sha256sum prints"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(change: Value) -> String {
        let mut all: serde_json::Map<String, Value> = SPEC
            .options
            .iter()
            .map(|o| (o.name.to_owned(), o.default.map_or(Value::Null, |json| serde_json::from_str(json).unwrap())))
            .collect();
        all.extend(change.as_object().unwrap().clone());
        let args: Args = serde_json::from_value(all.into()).unwrap();
        args.validate().map_or_else(|error| format!("{error:#}"), |()| String::new())
    }

    #[test]
    fn bad_input_is_named_with_its_option_and_what_would_be_right() {
        assert_eq!(said(json!({})), "");
        let hash = "a".repeat(64);
        assert_eq!(said(json!({"source": "/x.deb", "sha256": hash})), "");
        assert!(said(json!({"source": "/x.deb"})).starts_with("option sha256 is missing"));
        assert!(said(json!({"source": "x.deb", "sha256": hash})).starts_with("option source is \"x.deb\""));
        assert!(said(json!({"source": "/x.rpm", "sha256": hash})).starts_with("option source is \"/x.rpm\""));
        assert!(said(json!({"source": "https://me:secret@h/x.deb", "sha256": hash})).starts_with("option source"));
        assert!(said(json!({"source": "/x.deb", "sha256": "abc"})).starts_with("option sha256 is \"abc\""));
        assert!(said(json!({"sha256": hash})).contains("leave it out"));
        assert!(said(json!({"runc": "/runc"})).starts_with("option runc_sha256 is missing"));
        assert!(said(json!({"timeout": 1})).starts_with("option timeout is 1"));
    }
}
