//! The kernel: modules, sysctls, cgroups, inotify.

use super::{Check, Status};
use crate::fix::Fix;
use crate::observe::Facts;
use crate::observe::ipv6::Ipv6;

/// Each kubelet, runtime and log follower takes some; Debian's default of 128 runs out on busy nodes.
const INOTIFY_INSTANCES: u64 = 128;
const INOTIFY_WATCHES: u64 = 8192;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    vec![modules(facts), forwarding(facts), bridge(facts), cgroup(facts), inotify(facts)]
}

/// A setting that was made by hand is gone after a reboot, and so is the node.
pub(super) fn boot(facts: &Facts) -> Check {
    let wanted = "modules and settings are there after a reboot, too";
    if facts.not_at_boot.is_empty() {
        return Check::ok("kernel_at_boot", "all in files", wanted);
    }
    let found = format!("no file for {}", facts.not_at_boot.join(", "));
    let mend = "name the modules in /etc/modules-load.d, and set the settings to 1 in /etc/sysctl.d";
    Check::bad("kernel_at_boot", Status::Fail, found, wanted, mend).with(Fix::Kernel)
}

fn modules(facts: &Facts) -> Check {
    if facts.missing_modules.is_empty() {
        return Check::ok("kernel_modules", "overlay, br_netfilter", "overlay, br_netfilter");
    }
    let found = format!("without {}", facts.missing_modules.join(", "));
    // Without overlay containerd has no snapshotter; without br_netfilter flannel stops and services do not work.
    let mend = format!("modprobe -a {}, and the same in /etc/modules-load.d", facts.missing_modules.join(" "));
    let status = if facts.modules_can_load { Status::Fail } else { Status::Warn };
    mendable(facts, Check::bad("kernel_modules", status, found, "overlay, br_netfilter", mend))
}

/// Where no module can be loaded, a remedy would be promised at every run and change nothing.
fn mendable(facts: &Facts, check: Check) -> Check {
    if facts.modules_can_load { check.with(Fix::Kernel) } else { check }
}

fn forwarding(facts: &Facts) -> Check {
    match facts.ip_forward {
        Some(true) => Check::ok("ip_forward", "1", "1"),
        other => {
            let found = if other.is_none() { "not readable" } else { "0" };
            Check::bad(
                "ip_forward",
                Status::Fail,
                found,
                "1",
                "sysctl -w net.ipv4.ip_forward=1, and the same in /etc/sysctl.d",
            )
            .with(Fix::Kernel)
        }
    }
}

/// In an order that keeps the machine reachable: what heeds advertisements first, forwarding then.
pub(super) fn ipv6(found: &Ipv6) -> Check {
    let wanted = "1, now and at the next boot, and default routes of router advertisements stay";
    let stake = found.at_stake.join(", ");
    let first = found.at_stake.iter().map(|link| format!("set net.ipv6.conf.{link}.accept_ra to 2, then "));
    let mend = format!("{}net.ipv6.conf.all.forwarding to 1, and the same in /etc/sysctl.d", first.collect::<String>());
    match (found.forwarding, found.at_stake.is_empty(), found.at_boot) {
        (Some(true), true, true) => Check::ok("ipv6_forward", "1", wanted),
        // No remedy brings IPv6 into a kernel that was started without.
        (None, ..) => Check::bad(
            "ipv6_forward",
            Status::Fail,
            "this kernel has no IPv6",
            wanted,
            "start the kernel without ipv6.disable=1",
        ),
        (Some(on), true, _) => {
            let now = if on { "1, and no file for the next boot" } else { "0" };
            Check::bad("ipv6_forward", Status::Fail, now, wanted, mend).with(Fix::Ipv6)
        }
        (Some(on), false, _) => {
            let now = format!("{}, and {stake} would lose its default route", u8::from(on));
            Check::bad("ipv6_forward", Status::Fail, now, wanted, mend).with(Fix::Ipv6)
        }
    }
}

/// kubeadm stopped asking in 1.30; kube-proxy and flannel still need it.
fn bridge(facts: &Facts) -> Check {
    let mend = "modprobe br_netfilter; sysctl -w net.bridge.bridge-nf-call-iptables=1, and the same in /etc/sysctl.d";
    match facts.bridge_nf {
        Some(true) => Check::ok("bridge_netfilter", "1", "1"),
        Some(false) => Check::bad("bridge_netfilter", Status::Fail, "0", "1", mend).with(Fix::Kernel),
        None => {
            let checked = facts.kubelet.is_some_and(|version| version.minor < 30);
            let status = if checked || facts.modules_can_load { Status::Fail } else { Status::Warn };
            mendable(facts, Check::bad("bridge_netfilter", status, "no such sysctl", "1", mend))
        }
    }
}

fn cgroup(facts: &Facts) -> Check {
    let wanted = "cgroup v2 (v1 only up to Kubernetes 1.34)";
    let mend = "boot with systemd.unified_cgroup_hierarchy=1; or set failCgroupV1: false in the cluster's kubelet configuration";
    match (facts.cgroup_v2, facts.kubelet.map(|version| version.minor)) {
        (true, _) => Check::ok("cgroup", "v2", wanted),
        (false, Some(35..)) if facts.kubelet_allows_cgroup_v1 == Some(true) => {
            Check::ok("cgroup", "v1, allowed by the kubelet's configuration", wanted)
        }
        (false, Some(35..)) => Check::bad("cgroup", Status::Fail, "v1", wanted, mend),
        (false, Some(31..)) => Check::bad("cgroup", Status::Warn, "v1", wanted, mend),
        (false, _) => Check::ok("cgroup", "v1", wanted),
    }
}

fn inotify(facts: &Facts) -> Check {
    let (instances, watches) = facts.inotify;
    let found = format!("{instances} instances, {watches} watches");
    let wanted = format!("{INOTIFY_INSTANCES} instances, {INOTIFY_WATCHES} watches");
    if instances >= INOTIFY_INSTANCES && watches >= INOTIFY_WATCHES {
        return Check::ok("inotify", found, wanted);
    }
    Check::bad(
        "inotify",
        Status::Warn,
        found,
        wanted,
        "raise fs.inotify.max_user_instances and fs.inotify.max_user_watches",
    )
    .with(Fix::Inotify)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{join, named};
    use super::*;
    use crate::checks::all;
    use kubeadm::version::Version;

    #[test]
    fn cgroup_v1_is_judged_by_the_kubelets_release() {
        for (version, allows, wanted) in [
            ("v1.22.6", None, Status::Ok),
            ("v1.33.0", None, Status::Warn),
            ("v1.35.0", None, Status::Fail),
            ("v1.35.0", Some(true), Status::Ok),
        ] {
            let facts = Facts {
                cgroup_v2: false,
                kubelet: Version::parse(version).ok(),
                kubelet_allows_cgroup_v1: allows,
                ..Facts::good()
            };
            assert_eq!(named(&all(&join(), &facts), "cgroup").status, wanted, "{version}");
        }
    }

    #[test]
    fn what_the_kernel_lacks_is_mended_by_fix() {
        let facts =
            Facts { ip_forward: Some(false), bridge_nf: None, missing_modules: vec!["br_netfilter"], ..Facts::good() };
        for name in ["ip_forward", "bridge_netfilter", "kernel_modules"] {
            let checks = all(&join(), &facts);
            let check = named(&checks, name);
            assert_eq!((check.status, check.fix), (Status::Fail, Some(Fix::Kernel)), "{name}");
        }
    }
}
