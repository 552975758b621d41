//! Kernel, memory and clock, from /proc and /sys.

use super::{Facts, text};
use host::deadline::Deadline;
use host::systemd;
use std::path::Path;

/// Units that keep the clock; any one will do.
const TIME_SERVICES: [&str; 5] =
    ["chrony.service", "chronyd.service", "systemd-timesyncd.service", "ntpsec.service", "ntp.service"];

/// Fills in what the kernel tells.
pub(super) fn observe(facts: &mut Facts, deadline: &Deadline) {
    facts.memory_kb = memory(&text("/proc/meminfo"));
    facts.swaps = swaps(&text("/proc/swaps"));
    let release = text("/proc/sys/kernel/osrelease");
    let modules = Path::new("/lib/modules").join(&release);
    facts.modules_can_load = modules.is_dir();
    let built_in = text(modules.join("modules.builtin"));
    let filesystems = text("/proc/filesystems");
    let bridge = text("/proc/sys/net/bridge/bridge-nf-call-iptables");
    let has = |name: &str| {
        Path::new("/sys/module").join(name).exists()
            || built_in.lines().any(|line| line.ends_with(&format!("/{name}.ko")))
            || (name == "overlay" && filesystems.lines().any(|line| line.split_whitespace().last() == Some("overlay")))
            || (name == "br_netfilter" && !bridge.is_empty())
    };
    facts.missing_modules = ["overlay", "br_netfilter"].into_iter().filter(|name| !has(name)).collect();
    facts.ip_forward = flag(&text("/proc/sys/net/ipv4/ip_forward"));
    facts.bridge_nf = flag(&bridge);
    facts.cgroup_v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let number = |name: &str| text(Path::new("/proc/sys/fs/inotify").join(name)).parse().unwrap_or(0);
    facts.inotify = (number("max_user_instances"), number("max_user_watches"));
    facts.time_service = if node::os::in_container() {
        None
    } else {
        Some(
            TIME_SERVICES.iter().any(|unit| systemd::active_state(unit, deadline).is_ok_and(|state| state == "active")),
        )
    };
}

pub(super) fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn memory(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Swap in compressed memory is swap all the same to the kubelet.
fn swaps(table: &str) -> Vec<String> {
    table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procs_tables_are_read() {
        assert_eq!(memory("MemTotal:       24684092 kB\nMemFree: 1 kB\n"), 24_684_092);
        let table =
            "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n/dev/zram0  partition 1 0 100\n/swapfile file 1 0 -2\n";
        assert_eq!(swaps(table), ["/dev/zram0", "/swapfile"]);
        assert!(swaps("Filename\n").is_empty());
        assert_eq!((flag("1"), flag("0"), flag("")), (Some(true), Some(false), None));
    }
}
