//! Services of new packages do not start by themselves: Debian asks `policy-rc.d` before it starts one.
//!
//! The answer depends on a variable that only our apt has in its environment, and hands down to the maintainer scripts. So a
//! file that is left over, after a power loss or SIGKILL, holds nothing back, and somebody else's apt is never affected. A
//! policy of the administrator is not touched: ours is bound over it in a mount namespace that ends with our apt.

use anyhow::Context as _;
use host::files;
use std::path::Path;

/// What Debian's invoke-rc.d and deb-systemd-invoke ask.
pub const PATH: &str = "/usr/sbin/policy-rc.d";
/// In the environment of our apt alone.
pub const VARIABLE: &str = "KUBEJOIN_INSTALLS";

const TEXT: &str = "#!/bin/sh\n\
    # Written by kubejoin (node_packages): services of the packages that it is installing are started later, in order.\n\
    # For anybody else everything is allowed. Left over after a crash, this file does nothing and may be deleted.\n\
    [ -z \"$KUBEJOIN_INSTALLS\" ] || exit 101\nexit 0\n";

/// Whose policy there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// None.
    None,
    /// The administrator's.
    Theirs,
    /// Ours, left over.
    LeftOver,
}

/// Looks.
pub fn observe() -> anyhow::Result<Policy> {
    Ok(match files::read_optional(PATH)? {
        None => Policy::None,
        Some(text) if text == TEXT.as_bytes() => Policy::LeftOver,
        Some(_) => Policy::Theirs,
    })
}

/// Ours in force; dropping it takes it away.
#[derive(Debug)]
pub struct Held {
    /// What apt is started through, so that ours hides the administrator's.
    pub over: Option<String>,
    abort: Option<ansible::AbortGuard>,
}

/// Puts ours in force. `scratch` is a directory of ours.
pub fn hold(found: Policy, scratch: &Path) -> anyhow::Result<Held> {
    let path = if found == Policy::Theirs { scratch.join("policy-rc.d") } else { PATH.into() };
    files::write_atomic(&path, TEXT.as_bytes(), 0o755).context("keeping services from starting")?;
    if found == Policy::Theirs {
        return Ok(Held { over: Some(path.display().to_string()), abort: None });
    }
    Ok(Held { over: None, abort: Some(ansible::on_abort(|| release().unwrap_or_default())) })
}

/// Takes ours away, and nobody else's.
pub fn release() -> anyhow::Result<()> {
    if observe()? == Policy::LeftOver {
        files::delete_file(PATH)?;
    }
    Ok(())
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.abort.take().is_some() {
            // What cannot be taken away holds nothing back; see above.
            let _ = release();
        }
    }
}
