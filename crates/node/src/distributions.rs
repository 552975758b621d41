//! Other distributions of Kubernetes at work on this machine, by its processes.

use anyhow::Result;
use footprint::distributions::{self, Active, Process};
use host::processes;

/// Those that run here, each with what shows it. A process in a container of somebody's counts for nothing.
pub fn active() -> Result<Vec<Active>> {
    let all = processes::list()?;
    let sockets: Vec<Option<&str>> = all.iter().map(socket).collect();
    let seen = all.iter().zip(sockets).filter(|(process, _)| process.same_namespace).filter_map(|(process, socket)| {
        let exe = process.exe.as_deref()?.to_str()?;
        Some(Process { pid: process.pid, exe, unit: process.unit.as_deref(), socket })
    });
    // A unit that is active has a process, which says its unit.
    Ok(distributions::active(&[], &seen.collect::<Vec<_>>()))
}

/// The containerd that a shim belongs to.
fn socket(process: &processes::Process) -> Option<&str> {
    let is_shim = process.program().is_some_and(|name| name.starts_with("containerd-shim"));
    let at = process.argv.iter().position(|word| word == "-address").filter(|_| is_shim)?;
    process.argv.get(at + 1).map(String::as_str)
}
