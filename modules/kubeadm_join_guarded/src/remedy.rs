//! What can be done about a cause from this node. Each says what it changed, in words.

use crate::args::{Args, Cleanup};
use crate::decide::Remedy;
use crate::leftovers;
use crate::observe::UNIT;
use aggressive_reset::args::Level;
use ansible::Task;
use host::deadline::{Deadline, Look};
use host::process::Program;
use host::{cri, files, systemd};
use kubeadm::gate::{self, Unit};
use kubeadm::program;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A runtime that is restarted answers within this, or does not.
const RUNTIME_UP: Duration = Duration::from_secs(30);
/// What Kubernetes needs of the kernel (the documentation's container runtime page).
const MODULES: &[&str] = &["overlay", "br_netfilter"];
const SYSCTLS: &[(&str, &str)] = &[
    ("net/ipv4/ip_forward", "net.ipv4.ip_forward"),
    ("net/bridge/bridge-nf-call-iptables", "net.bridge.bridge-nf-call-iptables"),
    ("net/bridge/bridge-nf-call-ip6tables", "net.bridge.bridge-nf-call-ip6tables"),
];

/// Does it. An error is the reason why it could not be done.
pub fn apply(remedy: Remedy, args: &Args, task: &Task, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    match remedy {
        Remedy::None => Ok(Vec::new()),
        Remedy::FixKernel => kernel(deadline),
        Remedy::RestartRuntime => runtime(args, deadline),
        Remedy::FixKubelet => kubelet(deadline),
        Remedy::Clean(Cleanup::Leftovers) => {
            systemd::stop(UNIT, deadline)?;
            Ok(leftovers::remove_credentials(deadline)?.into_iter().map(|path| format!("removed {path}")).collect())
        }
        Remedy::Clean(Cleanup::Gentle) => reset(Level::Gentle, args, task, deadline),
        Remedy::Clean(Cleanup::Aggressive) => reset(Level::Aggressive, args, task, deadline),
    }
}

/// The reset of the module that owns it, with all its guards. The parts that no failed join is cured by stay: images and
/// CNI configuration, which the node could not get again by itself, and etcd.
fn reset(level: Level, args: &Args, task: &Task, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    use aggressive_reset::args::Part;
    let gentle = [Part::Pods, Part::Kubelet, Part::Kubernetes];
    let more = [Part::Network, Part::Firewall, Part::Units, Part::Temporary];
    let scope = if level == Level::Gentle { gentle.to_vec() } else { [&gentle[..], &more[..]].concat() };
    let timeout = i64::try_from(deadline.left().as_secs()).unwrap_or(i64::MAX).max(10);
    let preserve = args.preserve.iter().map(PathBuf::from).collect();
    let wanted =
        aggressive_reset::args::Args { level, preserve, scope: Some(scope), allow_control_plane: false, timeout };
    let outcome = aggressive_reset::reset(&wanted, task)?;
    let words = outcome.get("msg").and_then(|msg| msg.as_str()).unwrap_or_default();
    Ok(vec![format!("{} reset: {words}", level.name())])
}

fn kernel(deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let mut done = Vec::new();
    for module in MODULES.iter().filter(|module| !Path::new("/sys/module").join(module).exists()) {
        // Built in, or not to be had in a container: the sysctl below tells whether that matters.
        let loaded = Program::new("modprobe").args([module]).env("PATH", program::search_path()).run(deadline);
        if loaded.is_ok_and(|output| output.status.success()) {
            done.push(format!("loaded kernel module {module}"));
        }
    }
    for (file, name) in SYSCTLS {
        let path = Path::new("/proc/sys").join(file);
        if files::read_text(&path)?.is_some_and(|value| value.trim() == "0") {
            std::fs::File::options()
                .write(true)
                .open(&path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, b"1"))
                .map_err(|e| anyhow::anyhow!("setting {name} to 1: {e}"))?;
            done.push(format!("set {name} to 1"));
        }
    }
    if !done.is_empty() {
        done.extend(keep_after_a_reboot()?);
    }
    Ok(done)
}

/// The same at every boot.
fn keep_after_a_reboot() -> anyhow::Result<Vec<String>> {
    let modules: String = MODULES.iter().map(|module| format!("{module}\n")).collect();
    // A leading - lets a setting be absent, as the bridge's are before their module is loaded.
    let sysctls: String = SYSCTLS.iter().map(|(_, name)| format!("-{name} = 1\n")).collect();
    let mut done = Vec::new();
    for (path, text) in [("/etc/modules-load.d/kubejoin.conf", modules), ("/etc/sysctl.d/90-kubejoin.conf", sysctls)] {
        if files::read_text(path)?.as_deref() != Some(&text) {
            if let Some(dir) = Path::new(path).parent() {
                files::make_dir(dir, 0o755)?;
            }
            files::write_atomic(path, text.as_bytes(), 0o644)?;
            done.push(format!("wrote {path}"));
        }
    }
    Ok(done)
}

/// The unit behind a socket.
pub fn runtime_unit(socket: &str) -> &'static str {
    if socket.contains("crio") {
        "crio.service"
    } else if socket.contains("cri-dockerd") {
        "cri-docker.service"
    } else {
        "containerd.service"
    }
}

fn runtime(args: &Args, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let unit = runtime_unit(&args.cri_socket);
    systemd::reset_failed(unit, deadline)?;
    systemd::restart(unit, deadline)?;
    let limit = deadline.at_most(RUNTIME_UP);
    limit.poll(Duration::from_millis(500), &format!("an answer from {unit}"), || {
        Ok(match cri::Client::connect(&args.cri_socket, &limit) {
            Ok(_) => Look::Ready(()),
            Err(error) => Look::NotYet(error.to_string()),
        })
    })?;
    Ok(vec![format!("restarted {unit}")])
}

/// Takes away what keeps the unit from starting. A unit without the kubeadm drop-in gets what that would have set.
fn kubelet(deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let unit = Unit::observe(UNIT, deadline)?;
    let mut done = Vec::new();
    if unit.masked {
        gate::open_for_join(&unit, deadline)?;
        done.push(format!("unmasked {UNIT}"));
    }
    done.extend(kubeadm::dropin::mend(UNIT, deadline)?);
    systemd::daemon_reload(deadline)?;
    systemd::reset_failed(UNIT, deadline)?;
    Ok(done)
}
