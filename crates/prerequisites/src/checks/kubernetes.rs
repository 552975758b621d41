//! Kubernetes on this node: programs, versions, the kubelet's unit, what an earlier join left.

use super::{Check, Status};
use crate::fix::Fix;
use crate::observe::Facts;
use crate::planned::PlannedJoin;
use kubeadm::programs::{PROGRAMS, Program};
use kubeadm::version::Version;
use std::collections::BTreeSet;

pub(super) fn checks(join: &PlannedJoin, facts: &Facts) -> Vec<Check> {
    vec![
        kubeadm(facts),
        kubelet(facts),
        programs(facts),
        skew(join, facts),
        drop_in(facts),
        drop_in_files(facts),
        files(facts),
        resolver(facts),
        leftovers(facts),
    ]
}

fn kubeadm(facts: &Facts) -> Check {
    match facts.kubeadm {
        Some(version) => Check::ok("kubeadm", version.to_string(), "installed"),
        None => Check::bad("kubeadm", Status::Fail, "not found", "installed", "install the package kubeadm"),
    }
}

fn kubelet(facts: &Facts) -> Check {
    match (facts.kubelet, facts.unit_load.as_str()) {
        (Some(version), "loaded" | "masked") => Check::ok("kubelet", version.to_string(), "installed, with a unit"),
        (Some(version), load) => Check::bad(
            "kubelet",
            Status::Fail,
            format!("{version}, its unit is {load}"),
            "installed, with a unit",
            "install the package kubelet, or mend kubelet.service: systemctl status kubelet",
        ),
        (None, _) => {
            Check::bad("kubelet", Status::Fail, "not found", "installed, with a unit", "install the package kubelet")
        }
    }
}

/// What this kubeadm, the kubelet and the CNI plugins call.
fn programs(facts: &Facts) -> Check {
    let wanted = PROGRAMS.iter().filter(|program| program.needed_by(facts.kubeadm)).map(|program| program.name);
    let wanted = wanted.collect::<Vec<_>>().join(", ");
    let missing = |which: fn(&Program, Option<Version>) -> bool| -> Vec<&Program> {
        facts.missing_programs.iter().copied().filter(|program| which(program, facts.kubeadm)).collect()
    };
    let (needed, useful) = (missing(Program::needed_by), missing(Program::useful_to));
    let (status, without) = match (needed.is_empty(), useful.is_empty()) {
        (true, true) => return Check::ok("programs", "all there", wanted),
        (true, false) => (Status::Warn, useful),
        (false, _) => (Status::Fail, needed),
    };
    let found: Vec<&str> = without.iter().map(|program| program.name).collect();
    let packages: BTreeSet<&str> = without.iter().map(|program| program.package).collect();
    let packages: Vec<&str> = packages.into_iter().collect();
    let mend = format!("apt install {}", packages.join(" "));
    Check::bad("programs", status, format!("without {}", found.join(", ")), wanted, mend)
}

/// Kubernetes' version skew policy. The kubelet may be three releases behind the control plane, up to 1.27 two.
fn skew(join: &PlannedJoin, facts: &Facts) -> Check {
    let wanted = "kubelet not newer than control plane and kubeadm, and not more than three releases behind";
    let (Some(kubeadm), Some(kubelet)) = (facts.kubeadm, facts.kubelet) else {
        return Check::bad("versions", Status::Fail, "unknown", wanted, "install kubeadm and kubelet");
    };
    let plane = join.control_plane_version.as_deref().and_then(|text| Version::parse(text).ok());
    let plane = plane.or(facts.api.as_ref().and_then(|api| api.version));
    let mut found = format!("kubeadm {kubeadm}, kubelet {kubelet}");
    if let Some(plane) = plane {
        found.push_str(&format!(", control plane {plane}"));
    }
    let newest = plane.unwrap_or(kubeadm);
    let most_behind = if newest.minor >= 28 { 3 } else { 2 };
    let bad = |mend: &str| Check::bad("versions", Status::Fail, found.clone(), wanted, mend);
    if kubelet.minors_ahead_of(newest) > 0 {
        return bad("install a kubelet of the control plane's release");
    }
    if newest.minors_ahead_of(kubelet) > most_behind {
        return bad("upgrade the kubelet to the control plane's release");
    }
    // kubeadm joins with the control plane's release or, from 1.28 on, one newer.
    if plane.is_some_and(|plane| !(0..=1).contains(&kubeadm.minors_ahead_of(plane))) {
        return bad("install a kubeadm of the control plane's release");
    }
    Check::ok("versions", found, wanted)
}

/// Without --kubeconfig the kubelet runs standalone and never joins.
fn drop_in(facts: &Facts) -> Check {
    let wanted = "a unit that starts the kubelet with --kubeconfig";
    if facts.has_kubeconfig || facts.unit_load == "not-found" {
        return Check::ok("kubelet_drop_in", "--kubeconfig is there", wanted);
    }
    let mend = "restore /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf (apt install --reinstall kubeadm) and remove what hides it in /etc/systemd/system";
    Check::bad("kubelet_drop_in", Status::Fail, "no --kubeconfig", wanted, mend).with(Fix::DropIn)
}

fn drop_in_files(facts: &Facts) -> Check {
    let wanted = "drop-ins that systemd understands, none hidden by one of the same name";
    let mut bad: Vec<String> =
        facts.malformed_drop_ins.iter().map(|path| format!("{path} has lines outside of a section")).collect();
    bad.extend(
        facts
            .shadowed_drop_ins
            .iter()
            .map(|path| format!("{path} is hidden by one of the same name in /etc/systemd/system")),
    );
    if bad.is_empty() {
        return Check::ok("drop_in_files", "all in order", wanted);
    }
    let mend = "correct or remove these files, then systemctl daemon-reload";
    Check::bad("drop_in_files", Status::Warn, bad.join("; "), wanted, mend)
}

/// In a pod a loopback name server is the pod itself: CoreDNS asks itself until it ends (its plugin loop).
fn resolver(facts: &Facts) -> Check {
    let wanted = "name servers that are the same machine inside a pod";
    match facts.loopback_resolvers.as_slice() {
        [] => Check::ok("resolver", "no loopback address", wanted),
        some => Check::bad(
            "resolver",
            Status::Warn,
            some.join("; "),
            wanted,
            "name a resolv.conf with the real name servers as resolvConf of the kubelet (systemd-resolved keeps one in /run/systemd/resolve/resolv.conf)",
        ),
    }
}

/// Without its resolv.conf no pod starts, without the others not even the kubelet.
fn files(facts: &Facts) -> Check {
    let wanted = "every file that the kubelet's configuration names is there";
    match facts.useless_files.as_slice() {
        [] => Check::ok("kubelet_files", "all there", wanted),
        some => {
            let mend = "put the file back (systemctl restart systemd-resolved writes its own), or name the right one in the kubelet's configuration";
            Check::bad("kubelet_files", Status::Fail, some.join("; "), wanted, mend)
        }
    }
}

fn leftovers(facts: &Facts) -> Check {
    let wanted = "none, or a node that is joined";
    match (facts.joined, facts.leftovers.as_slice()) {
        (true, _) => Check::ok("leftovers", "this node is joined", wanted),
        (false, []) => Check::ok("leftovers", "none", wanted),
        (false, some) => Check::bad(
            "leftovers",
            Status::Warn,
            some.join(", "),
            wanted,
            "the join removes them; or run aggressive_reset level=gentle",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{join, named};
    use super::*;
    use crate::checks::all;

    #[test]
    fn the_version_skew_policy() {
        for (kubeadm, kubelet, plane, wanted) in [
            ("v1.31.0", "v1.31.2", Some("v1.31.1"), Status::Ok),
            ("v1.31.0", "v1.32.0", Some("v1.31.1"), Status::Fail),
            ("v1.31.0", "v1.28.0", Some("v1.31.1"), Status::Ok),
            ("v1.31.0", "v1.27.0", Some("v1.31.1"), Status::Fail),
            ("v1.26.0", "v1.23.0", Some("v1.26.1"), Status::Fail),
            ("v1.30.0", "v1.30.0", Some("v1.31.1"), Status::Fail),
            ("v1.32.0", "v1.31.0", Some("v1.31.1"), Status::Ok),
            ("v1.33.0", "v1.31.0", Some("v1.31.1"), Status::Fail),
            ("v1.31.0", "v1.31.0", None, Status::Ok),
        ] {
            let facts =
                Facts { kubeadm: Version::parse(kubeadm).ok(), kubelet: Version::parse(kubelet).ok(), ..Facts::good() };
            let join = PlannedJoin { control_plane_version: plane.map(str::to_owned), ..join() };
            assert_eq!(named(&all(&join, &facts), "versions").status, wanted, "{kubeadm} {kubelet} {plane:?}");
        }
    }

    #[test]
    fn a_unit_without_kubeconfig_fails_and_can_be_mended() {
        let facts = Facts { has_kubeconfig: false, ..Facts::good() };
        let checks = all(&join(), &facts);
        assert_eq!(
            (named(&checks, "kubelet_drop_in").status, named(&checks, "kubelet_drop_in").fix),
            (Status::Fail, Some(Fix::DropIn))
        );
    }

    #[test]
    fn a_file_that_the_kubelet_needs_and_has_not_fails_with_option_and_path() {
        let words = "resolvConf will name /etc/resolv.conf, which is not there";
        let facts = Facts { useless_files: vec![words.into()], ..Facts::good() };
        let checks = all(&join(), &facts);
        let check = named(&checks, "kubelet_files");
        assert_eq!((check.status, check.found.as_str()), (Status::Fail, words));
        assert_eq!(named(&all(&join(), &Facts::good()), "kubelet_files").status, Status::Ok);
    }

    #[test]
    fn a_loopback_name_server_is_told_with_its_file() {
        let words = "/etc/resolv.conf has nameserver 127.0.0.53";
        let facts = Facts { loopback_resolvers: vec![words.into()], ..Facts::good() };
        let checks = all(&join(), &facts);
        let check = named(&checks, "resolver");
        assert_eq!((check.status, check.found.as_str()), (Status::Warn, words));
        assert_eq!(named(&all(&join(), &Facts::good()), "resolver").status, Status::Ok);
    }

    #[test]
    fn a_program_is_missed_only_where_the_release_calls_it() {
        let without = |names: &[&str], version: &str| {
            let missing_programs = PROGRAMS.iter().filter(|program| names.contains(&program.name)).collect();
            let facts = Facts { kubeadm: Version::parse(version).ok(), missing_programs, ..Facts::good() };
            let checks = all(&join(), &facts);
            let check = named(&checks, "programs");
            (check.status, check.mend.clone())
        };
        assert_eq!(without(&["conntrack"], "v1.31.9"), (Status::Fail, "apt install conntrack".into()));
        assert_eq!(without(&["conntrack", "socat", "ethtool"], "v1.34.0"), (Status::Ok, String::new()));
        assert_eq!(without(&["iptables", "ip"], "v1.33.0"), (Status::Warn, "apt install iptables".into()));
        assert_eq!(without(&["losetup", "mount", "nsenter"], "v1.33.0"), (Status::Fail, "apt install mount".into()));
    }
}
