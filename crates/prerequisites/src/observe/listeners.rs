//! Who listens on which TCP port, from /proc: no `ss`, which need not be installed.

use std::collections::HashMap;
use std::path::Path;

/// A program that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The port.
    pub port: u16,
    /// Its process; 0 when it cannot be found, as in another process namespace.
    pub pid: u32,
    /// Its name, as the kernel keeps it.
    pub program: String,
}

/// TCP_LISTEN in include/net/tcp_states.h.
const LISTEN: &str = "0A";

/// Everybody who listens.
pub fn observe() -> Vec<Listener> {
    let mut sockets = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        sockets.extend(listening(&std::fs::read_to_string(table).unwrap_or_default()));
    }
    let owners = owners();
    let mut found: Vec<Listener> = sockets
        .into_iter()
        .map(|(port, inode)| {
            let pid = owners.get(&inode).copied().unwrap_or(0);
            Listener { port, pid, program: name(pid) }
        })
        .collect();
    found.sort_by_key(|listener| (listener.port, listener.pid));
    found.dedup();
    found
}

/// Port and inode of each listening socket.
fn listening(table: &str) -> Vec<(u16, u64)> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let port = fields.get(1)?.rsplit(':').next()?;
            (*fields.get(3)? == LISTEN).then_some(())?;
            Some((u16::from_str_radix(port, 16).ok()?, fields.get(9)?.parse().ok()?))
        })
        .collect()
}

/// Socket inode to process.
fn owners() -> HashMap<u64, u32> {
    let mut owners = HashMap::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        for fd in std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            let target = std::fs::read_link(fd.path()).unwrap_or_default();
            let inode = target.to_str().and_then(|t| t.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode {
                owners.entry(inode).or_insert(pid);
            }
        }
    }
    owners
}

fn name(pid: u32) -> String {
    let name = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("comm")).unwrap_or_default();
    if name.trim().is_empty() { "an unknown program".to_owned() } else { name.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read_and_only_listeners_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:2808 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0\n\
             1: 0100007F:2808 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 0\n\
             2: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 777 1 0\n";
        assert_eq!(listening(table), [(10248, 12345), (10250, 777)]);
    }

    #[test]
    fn this_process_is_found_behind_its_own_socket() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = observe().into_iter().find(|found| found.port == port).unwrap();
        assert_eq!(found.pid, std::process::id());
    }
}
