//! The machine itself: memory, disk, swap, clock, name and identity.

use super::{Check, Status};
use crate::fix::Fix;
use crate::observe::Facts;

/// A kubelet with a runtime and the cluster's own pods does not live in less.
const MEMORY_LEAST_KB: u64 = 450_000;
/// Below this the kubelet soon evicts pods.
const MEMORY_GOOD_KB: u64 = 900_000;
/// Images of the cluster's own pods need about this.
const DISK_LEAST: u64 = 512 << 20;
/// The kubelet's default for nodefs is 10 %, for imagefs 15 %.
const DISK_SHARE: f64 = 0.15;
/// The kubelet evicts below 5 % of the inodes.
const INODE_SHARE: f64 = 0.05;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![memory(facts)];
    checks.extend(facts.filesystems.iter().map(disk));
    checks.extend([swap(facts), clock(facts), name(facts), identity(facts)]);
    checks
}

fn memory(facts: &Facts) -> Check {
    let found = format!("{} MB", facts.memory_kb / 1000);
    let wanted = format!("{} MB", MEMORY_GOOD_KB / 1000);
    match facts.memory_kb {
        MEMORY_GOOD_KB.. => Check::ok("memory", found, wanted),
        MEMORY_LEAST_KB.. => {
            Check::bad("memory", Status::Warn, found, wanted, "give this machine more memory, or few pods")
        }
        _ => Check::bad("memory", Status::Fail, found, wanted, "give this machine more memory"),
    }
}

fn disk(disk: &crate::observe::Disk) -> Check {
    let name = if disk.path.contains("containerd") { "disk_images" } else { "disk_kubelet" };
    let found = format!("{} MB and {} inodes free at {}", disk.available >> 20, disk.inodes_available, disk.path);
    let wanted = format!(
        "{} MB, {:.0} % of the space and {:.0} % of the inodes",
        DISK_LEAST >> 20,
        DISK_SHARE * 100.0,
        INODE_SHARE * 100.0
    );
    let share = |part: u64, whole: u64| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    let mend = format!("free space on the filesystem of {}", disk.path);
    if disk.read_only {
        return Check::bad(
            name,
            Status::Fail,
            format!("{} is read-only", disk.path),
            wanted,
            format!("mount the filesystem of {} writable", disk.path),
        );
    }
    if disk.available < DISK_LEAST || (disk.inodes > 0 && disk.inodes_available == 0) {
        return Check::bad(name, Status::Fail, found, wanted, mend);
    }
    if share(disk.available, disk.bytes) < DISK_SHARE || share(disk.inodes_available, disk.inodes) < INODE_SHARE {
        return Check::bad(name, Status::Warn, found, wanted, format!("{mend}: the kubelet would evict pods at once"));
    }
    Check::ok(name, found, wanted)
}

/// kubeadm up to 1.27 refuses swap; later ones warn, and the kubelet still refuses unless its configuration allows swap.
fn swap(facts: &Facts) -> Check {
    let mend =
        "swapoff -a, and remove it from /etc/fstab; or set failSwapOn: false in the cluster's kubelet configuration";
    let refused = facts.kubelet_allows_swap != Some(true) && facts.kubelet.is_none_or(|version| version.minor < 28);
    match (facts.swaps.as_slice(), facts.kubelet_allows_swap) {
        ([], _) => Check::ok("swap", "none", "none"),
        (swaps, Some(true)) => Check::ok("swap", swaps.join(", "), "none, or allowed by the kubelet's configuration"),
        (swaps, _) if refused => Check::bad("swap", Status::Fail, swaps.join(", "), "none", mend),
        (swaps, _) => Check::bad("swap", Status::Warn, swaps.join(", "), "none, or allowed by the cluster", mend),
    }
}

/// Where it is to be off, whatever the kubelet could live with.
pub(super) fn swap_off(facts: &Facts) -> Check {
    let all: Vec<&str> = facts.swaps.iter().chain(&facts.swap_at_boot).map(String::as_str).collect();
    if all.is_empty() {
        return Check::ok("swap", "none", "none");
    }
    let mend = "swapoff -a, and remove it from /etc/fstab and from systemd's units";
    Check::bad("swap", Status::Fail, all.join(", "), "none", mend).with(Fix::Swap)
}

fn clock(facts: &Facts) -> Check {
    let wanted = "within 60 s of the API server, and kept in time";
    let mend = "set the clock and keep it in time: apt install chrony, or systemctl enable --now systemd-timesyncd";
    match (facts.api.as_ref().and_then(|api| api.ahead), facts.time_service) {
        (Some(ahead), _) if ahead.abs() > 300 => {
            Check::bad("clock", Status::Fail, format!("{ahead:+} s"), wanted, mend)
        }
        (Some(ahead), _) if ahead.abs() > 60 => Check::bad("clock", Status::Warn, format!("{ahead:+} s"), wanted, mend),
        (Some(ahead), _) => Check::ok("clock", format!("{ahead:+} s against the API server"), wanted),
        (None, Some(true)) => Check::ok("clock", "a time service runs", wanted),
        (None, Some(false)) => Check::bad("clock", Status::Warn, "no time service runs", wanted, mend),
        (None, None) => Check::ok("clock", "kept by the machine this container runs on", wanted),
    }
}

fn name(facts: &Facts) -> Check {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let good = facts.node_name.len() <= 253 && facts.node_name.split('.').all(label) && facts.node_name != "localhost";
    if good {
        return Check::ok("node_name", &facts.node_name, "a DNS name in lower case");
    }
    Check::bad(
        "node_name",
        Status::Fail,
        format!("{:?}", facts.node_name),
        "a DNS name in lower case",
        "hostnamectl set-hostname NAME, or give node_name",
    )
}

fn identity(facts: &Facts) -> Check {
    let good = facts.machine_id.len() == 32 && facts.machine_id.bytes().all(|b| b.is_ascii_hexdigit());
    if good {
        return Check::ok("machine_id", &facts.machine_id, "32 hexadecimal digits, unique");
    }
    let found = if facts.machine_id.is_empty() { "none".to_owned() } else { facts.machine_id.clone() };
    Check::bad(
        "machine_id",
        Status::Warn,
        found,
        "32 hexadecimal digits, unique",
        "systemd-machine-id-setup; on a clone, truncate /etc/machine-id first",
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{join, named};
    use super::*;
    use crate::checks::all;
    use kubeadm::version::Version;

    fn status(facts: &Facts, name: &str) -> Status {
        named(&all(&join(), facts), name).status
    }

    #[test]
    fn swap_fails_up_to_1_27_warns_later_and_is_fine_when_allowed() {
        let with = |version: &str, allows| Facts {
            swaps: vec!["/swapfile".into()],
            kubelet: Version::parse(version).ok(),
            kubelet_allows_swap: allows,
            ..Facts::good()
        };
        assert_eq!(status(&with("v1.22.6", None), "swap"), Status::Fail);
        assert_eq!(status(&with("v1.34.0", None), "swap"), Status::Warn);
        assert_eq!(status(&with("v1.22.6", Some(true)), "swap"), Status::Ok);
    }

    #[test]
    fn a_full_a_nearly_full_and_a_read_only_disk() {
        let with = |change: fn(&mut crate::observe::Disk)| {
            let mut facts = Facts::good();
            change(&mut facts.filesystems[0]);
            status(&facts, "disk_kubelet")
        };
        assert_eq!(with(|disk| disk.available = 1 << 20), Status::Fail);
        assert_eq!(with(|disk| disk.available = disk.bytes / 10), Status::Warn);
        assert_eq!(with(|disk| disk.inodes_available = 0), Status::Fail);
        assert_eq!(with(|disk| (disk.inodes, disk.inodes_available) = (0, 0)), Status::Ok);
        assert_eq!(with(|disk| disk.read_only = true), Status::Fail);
    }

    #[test]
    fn a_clock_is_judged_by_the_api_server_when_it_answers() {
        let mut facts = Facts::good();
        for (ahead, wanted) in [(0, Status::Ok), (-90, Status::Warn), (4000, Status::Fail)] {
            facts.api = Some(crate::observe::Api { ahead: Some(ahead), ..crate::observe::Api::good() });
            assert_eq!(status(&facts, "clock"), wanted, "{ahead}");
        }
    }
}
