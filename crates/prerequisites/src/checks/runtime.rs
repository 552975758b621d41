//! The container runtime: does it answer, is it new enough, does it agree with the kubelet.

use super::{Check, Status};
use crate::fix::Fix;
use crate::observe::{Facts, Runtime};
use kubeadm::runtime_support as support;
use kubeadm::version::Version;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    match &facts.runtime {
        Err(why) => vec![
            Check::bad(
                "runtime",
                Status::Fail,
                why,
                "a runtime that answers CRI calls",
                "systemctl restart containerd; see journalctl -u containerd",
            )
            .with(Fix::Runtime),
        ],
        Ok(runtime) => vec![answers(runtime), version(facts, runtime), driver(facts, runtime), network(runtime)],
    }
}

fn answers(runtime: &Runtime) -> Check {
    let found = format!("{} {}, CRI {}", runtime.name, runtime.version, runtime.api);
    let wanted = "a runtime that answers CRI calls and is ready";
    match &runtime.not_ready {
        None => Check::ok("runtime", found, wanted),
        Some(why) => Check::bad(
            "runtime",
            Status::Fail,
            format!("{found}, not ready: {why}"),
            wanted,
            "systemctl restart containerd; see journalctl -u containerd",
        )
        .with(Fix::Runtime),
    }
}

/// The kubelet speaks only CRI v1 from 1.26 on (containerd 1.6), and wants RuntimeConfig (containerd 2.0) from 1.38 on.
fn version(facts: &Facts, runtime: &Runtime) -> Check {
    let mut found = format!("{} {}", runtime.name, runtime.version);
    let wanted =
        "containerd 1.6 or later for Kubernetes 1.26, 2.0 or later for 1.38, and one that is recommended with it";
    // A date alone is no reason to stop: distributions mend their packages longer.
    if let Some(ended) =
        facts.now.and_then(|now| support::ended(&runtime.version, now)).filter(|_| runtime.name == "containerd")
    {
        found = format!("{found}; {ended}");
    }
    let kubelet = facts.kubelet.map_or(0, |version| version.minor);
    let containerd =
        (runtime.name == "containerd").then(|| Version::parse(&runtime.version.replace('~', "-")).ok()).flatten();
    if runtime.api == "v1alpha2" && kubelet >= 26 {
        return Check::bad("runtime_version", Status::Fail, found, wanted, "upgrade the container runtime");
    }
    match containerd {
        Some(version) if version.major < 2 && kubelet >= 38 => {
            Check::bad("runtime_version", Status::Fail, found, wanted, "upgrade containerd to 2.0 or later")
        }
        Some(version) if version.major < 2 && kubelet >= 35 => {
            Check::bad("runtime_version", Status::Warn, found, wanted, "plan the upgrade of containerd to 2.0 or later")
        }
        Some(_) if kubelet >= 36 && support::not_recommended(&runtime.version, kubelet).is_some() => {
            let why = support::not_recommended(&runtime.version, kubelet).unwrap_or_default();
            Check::bad(
                "runtime_version",
                Status::Warn,
                format!("{found}; {why}"),
                wanted,
                "plan the upgrade of containerd",
            )
        }
        _ => Check::ok("runtime_version", found, wanted),
    }
}

/// Two drivers on one node make pods fail to start, or be killed by the wrong limits.
fn driver(facts: &Facts, runtime: &Runtime) -> Check {
    let wanted = "the same cgroup driver in kubelet and runtime, systemd where systemd runs";
    let name = |systemd: bool| if systemd { "systemd" } else { "cgroupfs" };
    // kubeadm sets systemd since 1.22 unless told otherwise.
    let kubelet = facts.kubelet_systemd_driver.unwrap_or(true);
    match runtime.systemd_driver {
        None => Check::ok("cgroup_driver", "the runtime does not tell", wanted),
        Some(runtime) if runtime == kubelet => Check::ok("cgroup_driver", name(runtime), wanted),
        // From 1.31 on the kubelet follows a runtime that tells through RuntimeConfig.
        Some(driver) if runtime.tells_driver && facts.kubelet.is_some_and(|version| version.minor >= 31) => {
            Check::ok("cgroup_driver", format!("{}, which the kubelet follows", name(driver)), wanted)
        }
        Some(driver) => {
            let found = format!("kubelet {}, runtime {}", name(kubelet), name(driver));
            Check::bad(
                "cgroup_driver",
                Status::Fail,
                found,
                wanted,
                "set SystemdCgroup = true in containerd's config.toml (the module containerd_prepare does)",
            )
        }
    }
}

/// A node joins without it and stays NotReady until the network add-on brings one. With plugins that do not run it becomes
/// Ready, and no pod starts; only flannel's own is written anew by its pod.
fn network(runtime: &Runtime) -> Check {
    let wanted = "a CNI configuration that the runtime has loaded, with plugins that run";
    if !runtime.broken_plugins.is_empty() {
        let found: Vec<String> = runtime.broken_plugins.iter().map(ToString::to_string).collect();
        let comes = runtime.broken_plugins.iter().all(|broken| broken.plugin == "flannel");
        let status = if comes { Status::Warn } else { Status::Fail };
        let mend = "install these plugins anew (Debian: apt install --reinstall containernetworking-plugins), or remount without noexec";
        return Check::bad("cni", status, found.join("; "), wanted, mend);
    }
    match &runtime.network_not_ready {
        None => Check::ok("cni", "loaded", wanted),
        Some(why) => Check::bad(
            "cni",
            Status::Warn,
            why,
            wanted,
            "run cni_placeholder before containerd_prepare, or wait for the network add-on",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{join, named};
    use super::*;
    use crate::checks::all;

    fn with(kubelet: &str, change: fn(&mut Runtime)) -> Vec<Check> {
        let mut facts = Facts { kubelet: Version::parse(kubelet).ok(), ..Facts::good() };
        facts.runtime.as_mut().map(change).unwrap();
        all(&join(), &facts)
    }

    #[test]
    fn an_old_runtime_is_judged_by_the_kubelets_release() {
        let old = |runtime: &mut Runtime| (runtime.version, runtime.api) = ("1.5.9".into(), "v1alpha2");
        assert_eq!(named(&with("v1.22.6", old), "runtime_version").status, Status::Ok);
        assert_eq!(named(&with("v1.26.0", old), "runtime_version").status, Status::Fail);
        let bookworm = |runtime: &mut Runtime| runtime.version = "1.6.20~ds1".into();
        assert_eq!(named(&with("v1.34.0", bookworm), "runtime_version").status, Status::Ok);
        assert_eq!(named(&with("v1.36.0", bookworm), "runtime_version").status, Status::Warn);
        let forky = |runtime: &mut Runtime| runtime.version = "2.1.9+unknown".into();
        assert_eq!(named(&with("v1.35.0", forky), "runtime_version").status, Status::Ok);
        let checks = with("v1.36.0", forky);
        let check = named(&checks, "runtime_version");
        assert_eq!(check.status, Status::Warn);
        assert!(
            check.found.contains("2.3.0, 2.2.0 or later") && check.found.contains("ended on 2026-07-03"),
            "{check:?}"
        );
        let newest = |runtime: &mut Runtime| runtime.version = "v2.3.4".into();
        assert_eq!(named(&with("v1.38.0", newest), "runtime_version").status, Status::Ok);
    }

    #[test]
    fn different_cgroup_drivers_fail_unless_the_kubelet_follows() {
        let cgroupfs = |runtime: &mut Runtime| (runtime.systemd_driver, runtime.tells_driver) = (Some(false), false);
        assert_eq!(named(&with("v1.31.0", cgroupfs), "cgroup_driver").status, Status::Fail);
        let tells = |runtime: &mut Runtime| (runtime.systemd_driver, runtime.tells_driver) = (Some(false), true);
        assert_eq!(named(&with("v1.31.0", tells), "cgroup_driver").status, Status::Ok);
        assert_eq!(named(&with("v1.30.0", tells), "cgroup_driver").status, Status::Fail);
    }

    #[test]
    fn a_plugin_that_does_not_run_fails_unless_its_own_pod_brings_it_anew() {
        use host::cni::plugins::{Broken, Cause};
        let broken =
            |plugin: &str| Broken { plugin: plugin.into(), path: "/opt/cni/bin/x".into(), cause: Cause::Empty };
        for (plugins, status) in [(vec!["portmap", "flannel"], Status::Fail), (vec!["flannel"], Status::Warn)] {
            let mut facts = Facts::good();
            facts.runtime.as_mut().unwrap().broken_plugins = plugins.into_iter().map(broken).collect();
            let checks = all(&join(), &facts);
            let check = named(&checks, "cni");
            assert_eq!(check.status, status);
            assert!(check.found.contains("/opt/cni/bin/x: the file is empty"), "{}", check.found);
        }
    }

    #[test]
    fn a_runtime_that_does_not_answer_is_restarted_by_fix() {
        let facts = Facts { runtime: Err("refused".into()), ..Facts::good() };
        let checks = all(&join(), &facts);
        assert_eq!(
            (named(&checks, "runtime").status, named(&checks, "runtime").fix),
            (Status::Fail, Some(Fix::Runtime))
        );
    }
}
