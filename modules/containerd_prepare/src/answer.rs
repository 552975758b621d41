//! What containerd says of itself over CRI.

use crate::args::Args;
use cri::Client;
use host::deadline::{Deadline, Look};
use node::containerd::apply;
use node::containerd::observe::Runtime;
use node::containerd::plan::Plan;
use node::containerd::{ImageFilesystem, image_filesystem};
use std::time::{Duration, SystemTime};

/// How long containerd may take to load a CNI configuration after it answers; it watches the directory.
const NETWORK_LOAD: Duration = Duration::from_secs(5);

/// Its version and status, and the file system that it keeps images on.
pub(crate) struct Answer {
    pub(crate) runtime: Runtime,
    pub(crate) images: ImageFilesystem,
}

impl Answer {
    /// Adds the image file system to what the runtime has said.
    pub(crate) fn of(args: &Args, runtime: Runtime, deadline: &Deadline) -> anyhow::Result<Self> {
        let images = image_filesystem(&mut Client::connect(args.socket_path(), deadline)?)?;
        Ok(Answer { runtime, images })
    }
}

/// Asks a containerd that was configured, and waits for the network that it is to load.
pub(crate) fn after(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<Answer> {
    let mut runtime = apply::wait(args, SystemTime::now(), deadline)?;
    if plan.network && !runtime.status.holds(cri::NETWORK_READY) {
        runtime = with_network(args, deadline, runtime);
    }
    Answer::of(args, runtime, deadline)
}

fn with_network(args: &Args, deadline: &Deadline, first: Runtime) -> Runtime {
    let mut last = first;
    let looked = deadline.at_most(NETWORK_LOAD).poll(Duration::from_millis(200), "the CNI configuration", || {
        let runtime = apply::wait(args, SystemTime::now(), deadline)?;
        let ready = runtime.status.holds(cri::NETWORK_READY);
        last = runtime;
        Ok(if ready { Look::Ready(()) } else { Look::NotYet(String::new()) })
    });
    // Not ready is not a failure here: it is reported, and flannel may still be to come.
    drop(looked);
    last
}
