//! Other distributions of Kubernetes on the same machine, whose pods a reset would end.

use anyhow::Result;
use footprint::distributions::{self, Active};
use host::deadline::Deadline;
use host::{processes, systemd};

/// Those that are at work here.
pub fn active(booted: bool, all: &[processes::Process], deadline: &Deadline) -> Result<Vec<Active>> {
    let mut units = Vec::new();
    for unit in distributions::TABLE.iter().flat_map(|row| row.units).filter(|_| booted) {
        if systemd::is_up(&systemd::active_state(unit, deadline)?) {
            units.push((*unit).to_owned());
        }
    }
    let address = |process: &'_ processes::Process| {
        let is_shim = process.program().is_some_and(|name| name.starts_with("containerd-shim"));
        let at = process.argv.iter().position(|word| word == "-address").filter(|_| is_shim)?;
        process.argv.get(at + 1).cloned()
    };
    let sockets: Vec<Option<String>> = all.iter().map(address).collect();
    let seen =
        all.iter().zip(&sockets).filter(|(process, _)| process.same_namespace).filter_map(|(process, socket)| {
            let exe = process.exe.as_deref()?.to_str()?;
            let (unit, socket) = (process.unit.as_deref(), socket.as_deref());
            Some(distributions::Process { pid: process.pid, exe, unit, socket })
        });
    Ok(distributions::active(&units, &seen.collect::<Vec<_>>()))
}
