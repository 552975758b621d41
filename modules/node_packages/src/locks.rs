//! Who is at work with the package manager: the locks are the kernel's, which also says whose they are.

use ansible::Run;
use anyhow::Context as _;
use host::deadline::{Deadline, Expired, Look};
use rustix::process::{Flock, FlockType, fcntl_getlk};
use std::fs::File;
use std::io::ErrorKind;
use std::time::Duration;

/// Waits until nobody holds one of them, saying who does.
pub fn wait(locks: &[&str], run: &Run, deadline: &Deadline) -> anyhow::Result<()> {
    let mut told = String::new();
    let waited = deadline.poll(Duration::from_millis(500), "the package manager's lock", || {
        let Some(holder) = holder(locks)? else { return Ok(Look::Ready(())) };
        if holder != told {
            run.phase(&format!("waiting for {holder}"));
            told.clone_from(&holder);
        }
        Ok(Look::NotYet(holder))
    });
    waited.map_err(|error| match error.downcast::<Expired>() {
        Ok(Expired { waited, last, .. }) => anyhow::anyhow!(
            "waiting for the package manager: {} still holds it after {} s; nothing was installed",
            last.unwrap_or_default(),
            waited.as_secs()
        ),
        Err(error) => error,
    })
}

/// Who holds the first of them that is held: `process 812 (unattended-upgr), which has /var/lib/dpkg/lock-frontend`.
fn holder(locks: &[&str]) -> anyhow::Result<Option<String>> {
    for path in locks {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("opening {path}")),
        };
        let asked = Flock::from(FlockType::WriteLock);
        let held = fcntl_getlk(&file, &asked).with_context(|| format!("asking who holds {path}"))?;
        if let Some(held) = held {
            let who = held.pid.map_or_else(
                // The kernel gives no number for a process of another container.
                || "a process outside of this machine's own".to_owned(),
                |pid| {
                    let pid = pid.as_raw_nonzero();
                    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                    format!("process {pid} ({})", name.trim())
                },
            );
            return Ok(Some(format!("{who}, which has {path},")));
        }
    }
    Ok(None)
}
