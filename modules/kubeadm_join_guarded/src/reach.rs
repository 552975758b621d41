//! What makes an attempt pointless before it begins: an API server or a container runtime that is out of reach.

use crate::args::Args;
use crate::watch::runtime_class;
use host::deadline::{Deadline, Look};
use kubeadm::classify::Finding;
use kubeadm::proxy;
use std::time::Duration;

/// How long an API server may be out of reach before the attempt is given up: longer than a restart of it takes.
const REACH: Duration = Duration::from_secs(10);
/// How long the runtime may be out of reach before the attempt is given up.
const RUNTIME: Duration = Duration::from_secs(5);

/// Without the API server or the runtime kubeadm would only fail later.
pub fn pointless(args: &Args, deadline: &Deadline) -> Option<Finding> {
    if let Some(endpoint) = args.endpoint() {
        let limit = deadline.at_most(REACH);
        let mut last = None;
        let reached = limit.poll(Duration::from_secs(1), "the API server", || {
            Ok(match proxy::reach(&endpoint, &limit) {
                Ok(()) => Look::Ready(()),
                Err(unreachable) => {
                    let cause = unreachable.cause.clone();
                    // Cut short by the end of the time, the last look knows less than the one before.
                    last = last.take().filter(|_| limit.expired()).or(Some(unreachable));
                    Look::NotYet(cause)
                }
            })
        });
        if let (Err(_), Some(unreachable)) = (reached, last) {
            return Some(Finding::of(unreachable.class, &unreachable.cause));
        }
    }
    let error = unanswering(&args.cri_socket, &deadline.at_most(RUNTIME))?;
    Some(Finding::of(runtime_class(&error), &error.to_string()))
}

/// Why the runtime does not answer; none when it does, be it after a moment.
fn unanswering(socket: &str, limit: &Deadline) -> Option<cri::Error> {
    let mut last = None;
    let answered = limit.poll(Duration::from_millis(500), "the container runtime", || {
        Ok(match cri::Client::connect(socket, limit) {
            Ok(_) => Look::Ready(None),
            // It does answer, and a server that has started loads no plugin any more.
            Err(error @ cri::Error::NoCri { .. }) => Look::Ready(Some(error)),
            Err(error) => {
                let cause = error.to_string();
                last = last.take().filter(|_| limit.expired()).or(Some(error));
                Look::NotYet(cause)
            }
        })
    });
    answered.unwrap_or(last)
}
