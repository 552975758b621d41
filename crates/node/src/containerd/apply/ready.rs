//! Waiting for containerd's first answer.

use crate::containerd::args::Args;
use crate::containerd::journal;
use crate::containerd::observe::Runtime;
use crate::containerd::service::UNIT;
use anyhow::bail;
use cri::{self, Client, Error};
use host::deadline::{Deadline, Look};
use std::time::{Duration, SystemTime};

/// How often an answer is looked for.
const EVERY: Duration = Duration::from_millis(200);

/// Waits until containerd answers and calls itself ready; `since` is when it was started, for the journal.
pub fn wait(args: &Args, since: SystemTime, deadline: &Deadline) -> anyhow::Result<Runtime> {
    deadline.poll(EVERY, "an answer from containerd over CRI", || {
        // A hung attempt must leave time for another one.
        match ready(args, &deadline.at_most(Duration::from_secs(5))) {
            Ok(runtime) if runtime.status.holds(cri::RUNTIME_READY) => Ok(Look::Ready(runtime)),
            Ok(runtime) => {
                let condition = runtime.status.condition(cri::RUNTIME_READY);
                let words = condition.map(|c| format!("{} {}", c.reason, c.message)).unwrap_or_default();
                Ok(Look::NotYet(format!("it is not ready: {words}")))
            }
            // containerd serves its socket only when all plugins are loaded: this will not change by waiting.
            Err(e @ Error::NoCri { .. }) => match journal::answer(UNIT, since) {
                Some(line) => bail!("containerd runs, but without CRI: {line}"),
                None => bail!("{e}"),
            },
            Err(e) => Ok(Look::NotYet(e.to_string())),
        }
    })
}

fn ready(args: &Args, deadline: &Deadline) -> Result<Runtime, Error> {
    let mut client = Client::connect(args.socket_path(), deadline)?;
    Ok(Runtime { version: client.version().clone(), status: client.status()? })
}
