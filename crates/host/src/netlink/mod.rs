//! The rtnetlink socket: the only directory that imports `rtnetlink`, whose releases break often.
//!
//! Blocking outside; inside, a tokio runtime on the calling thread, so that the socket belongs to the network namespace
//! of that thread, and one deadline for all that is done on it. Errors are the kernel's `errno`: the crate's own texts
//! print whole messages and cost 170 KB in a binary (measured, docs/decisions).

mod links;
mod namespaces;
mod neighbours;
mod routes;

use std::io;

use anyhow::{Context as _, Result};
use rtnetlink::{Error, Handle};

use crate::deadline::Deadline;

pub(crate) use links::{
    add_address, add_bridge, delete_address, delete_links, list_links, set_link_master, set_link_up,
};
pub(crate) use namespaces::namespace_ids;
pub(crate) use neighbours::{list_forwarding, list_neighbours};
pub(crate) use routes::{delete_routes, list_routes};

/// Run `work` on a socket of its own.
fn with_socket<T>(deadline: &Deadline, what: &str, work: impl AsyncFnOnce(Handle) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .with_context(|| format!("{what}: starting the netlink client"))?;
    runtime.block_on(async {
        let (connection, handle, _multicast) =
            rtnetlink::new_connection().with_context(|| format!("{what}: opening a netlink socket"))?;
        let reader = tokio::spawn(connection);
        let result = match tokio::time::timeout(deadline.left(), work(handle)).await {
            Ok(result) => result.with_context(|| what.to_owned()),
            Err(_) => Err(anyhow::anyhow!("{what}: the kernel did not answer in time")),
        };
        reader.abort();
        result
    })
}

/// The kernel's answer as an I/O error.
fn kernel_error(error: Error) -> io::Error {
    match error {
        Error::NetlinkError(message) => message.to_io(),
        _ => io::Error::other("the netlink connection broke"),
    }
}

/// Success also when the thing is no longer there.
fn gone_is_done(result: std::result::Result<(), Error>) -> io::Result<()> {
    const ESRCH: i32 = 3;
    const ENODEV: i32 = 19;
    const EADDRNOTAVAIL: i32 = 99;
    match result.map_err(kernel_error) {
        Err(error) if matches!(error.raw_os_error(), Some(ESRCH | ENODEV | EADDRNOTAVAIL)) => Ok(()),
        other => other,
    }
}
