//! containerd's part of the work: pods removed through CRI, and containerd up again at the end, proved.

use std::time::Duration;

use anyhow::Result;
use cri::{Client, Error, Image, RUNTIME_READY};
use host::deadline::{Deadline, Look};
use host::{files, systemd};

use crate::containerd::{self, SOCKET, UNIT};
use crate::record;
use crate::targets::CNI_CONF;

/// How long containerd may take to answer after its start.
const ANSWER: Duration = Duration::from_secs(60);
/// How long one pod may take.
const POD: Duration = Duration::from_secs(30);

/// Stops and removes every pod sandbox. Gives back the names of those removed, and what went wrong with the others.
pub fn remove_sandboxes(deadline: &Deadline) -> Result<(Vec<String>, Vec<String>)> {
    let (mut removed, mut problems) = (Vec::new(), Vec::new());
    let sandboxes = Client::connect(SOCKET, &deadline.at_most(POD))?.list_pod_sandbox()?;
    for sandbox in sandboxes {
        let name = format!("{}/{}", sandbox.namespace, sandbox.name);
        // A connection for each: a call that hangs must not take the time of the others.
        let done = Client::connect(SOCKET, &deadline.at_most(POD)).and_then(|mut client| {
            client.stop_pod_sandbox(&sandbox.id)?;
            client.remove_pod_sandbox(&sandbox.id)
        });
        match done {
            Ok(()) => removed.push(name),
            Err(error) => problems.push(format!("removing pod {name}: {error}")),
        }
    }
    Ok((removed, problems))
}

/// Removes these images. Gives back the names of those removed, and what went wrong with the others.
pub fn remove_images(images: &[Image], deadline: &Deadline) -> Result<(Vec<String>, Vec<String>)> {
    let (mut removed, mut problems) = (Vec::new(), Vec::new());
    let mut client = Client::connect(SOCKET, deadline)?;
    for image in images {
        match client.remove_image(&image.id) {
            Ok(()) => removed.push(image_name(image)),
            Err(error) => problems.push(format!("removing image {}: {error}", image_name(image))),
        }
    }
    Ok((removed, problems))
}

/// Its first name; without one, its id.
pub fn image_name(image: &Image) -> String {
    image.tags.first().unwrap_or(&image.id).clone()
}

/// Starts containerd and waits until it says that it can run pods; then the units that went down with it. Records what
/// it holds now, so that the next run knows that there is nothing to do.
pub fn start(bound: &[String], deadline: &Deadline) -> Result<()> {
    // containerd 2.1 and later ends when the directory it watches is not there.
    files::make_dir(CNI_CONF, 0o755)?;
    // A start limit that was reached while it was broken must not hold it back now. Not failed is no error worth having.
    drop(systemd::reset_failed(UNIT, deadline));
    systemd::start(UNIT, deadline)?;
    deadline.at_most(ANSWER).poll(Duration::from_millis(200), "containerd to be ready for pods", || {
        let status = Client::connect(SOCKET, &deadline.at_most(ANSWER)).and_then(|mut client| client.status());
        Ok(match status {
            Ok(status) if status.holds(RUNTIME_READY) => Look::Ready(()),
            Ok(_) => Look::NotYet("its runtime is not ready".to_owned()),
            // It serves nothing before all its plugins are loaded: this does not get better by waiting.
            Err(error @ Error::NoCri { .. }) => return Err(error.into()),
            Err(error) => Look::NotYet(error.to_string()),
        })
    })?;
    for unit in bound {
        systemd::start(unit, deadline)?;
    }
    record::write(&containerd::namespaces().unwrap_or_default().kubernetes)
}
