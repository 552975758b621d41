//! `kubeadm reset`, with the faults that versions up to 1.28 have: mount points that are not decoded, deletion through mounts.

use super::config::flag;
use super::fail::Fail;
use super::{crictl, phases_skipped, runtime};
use crate::{klog, place, run, version};
use std::path::Path;

const CONFIGS: &[&str] = &["/etc/kubernetes/manifests", "/etc/kubernetes/pki"];
const STATE: &[&str] = &["/var/lib/kubelet", "/var/lib/dockershim", "/var/run/kubernetes", "/var/lib/cni"];

/// Runs a reset; `only_cleanup` for `reset phase cleanup-node`.
pub fn run(args: &[String], only_cleanup: bool) -> Result<(), Fail> {
    let forced = args.iter().any(|arg| arg == "-f" || arg == "--force" || arg == "--force=true");
    let socket = match flag(args, "--cri-socket") {
        Some(socket) => socket,
        None => runtime::detect()?,
    };
    let skipped = phases_skipped(&serde_json::Value::Null, args);
    let skip = |phase: &str| skipped.iter().any(|name| name == phase);
    if !skip("preflight") && !only_cleanup {
        if !forced {
            println!(
                "[reset] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted."
            );
            print!("[reset] Are you sure you want to proceed? [y/N]: ");
            use std::io::Write;
            let _ = std::io::stdout().flush();
            let mut answer = String::new();
            if std::io::stdin().read_line(&mut answer).is_err() || !answer.trim().eq_ignore_ascii_case("y") {
                return Err(Fail::plain("aborted reset operation".into()).during("preflight"));
            }
        }
        println!("[preflight] Running pre-flight checks");
    }
    let mut state: Vec<String> = STATE.iter().map(|path| (*path).to_owned()).collect();
    if version::at_least(24) {
        state.retain(|path| path != "/var/lib/dockershim");
    }
    let etcd = Path::new("/etc/kubernetes/manifests/etcd.yaml").exists();
    if !skip("remove-etcd-member") && !only_cleanup {
        if !version::at_least(34) {
            klog::warn(
                "removeetcdmember.go:80",
                "[reset] No kubeadm config, using etcd pod spec to get data directory",
            );
        }
        if etcd {
            state.push("/var/lib/etcd".into());
        } else {
            println!("[reset] No etcd config found. Assuming external etcd");
            println!("[reset] Please, manually reset etcd to prevent further issues");
        }
    }
    if !skip("cleanup-node") {
        cleanup(&socket, &state, etcd)?;
    }
    if !only_cleanup {
        closing();
    }
    Ok(())
}

fn cleanup(socket: &str, state: &[String], etcd: bool) -> Result<(), Fail> {
    println!("[reset] Stopping the kubelet service");
    if let Ok(ran) = run::run("systemctl", &["stop", "kubelet"], None)
        && ran.code != 0
    {
        klog::warn(
            "cleanupnode.go:66",
            &format!("[reset] The kubelet service could not be stopped by kubeadm: [exit status {}]", ran.code),
        );
        klog::warn("cleanupnode.go:67", "[reset] Please ensure kubelet is stopped manually");
    }
    let kubelet = std::fs::canonicalize("/var/lib/kubelet")
        .unwrap_or_else(|_| "/var/lib/kubelet".into())
        .to_string_lossy()
        .into_owned();
    println!("[reset] Unmounting mounted directories in {kubelet:?}");
    let unmounted = unmount(&kubelet);
    crictl::remove_pods(socket);
    // From 1.26 on one list holds all; from 1.29 on a directory that could not be unmounted is left alone.
    let merged = version::at_least(26);
    let mut dirs: Vec<&str> = CONFIGS.to_vec();
    if merged && (unmounted || !version::at_least(29)) {
        dirs.insert(1, &kubelet);
    }
    println!("[reset] Deleting contents of {}directories: [{}]", if merged { "" } else { "config " }, dirs.join(" "));
    for dir in dirs {
        clean(dir);
    }
    let mut files = vec![
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/kubelet.conf",
        "/etc/kubernetes/bootstrap-kubelet.conf",
        "/etc/kubernetes/controller-manager.conf",
        "/etc/kubernetes/scheduler.conf",
    ];
    if version::at_least(29) {
        files.insert(1, "/etc/kubernetes/super-admin.conf");
    }
    println!("[reset] Deleting files: [{}]", files.join(" "));
    for file in files {
        let _ = std::fs::remove_file(file);
    }
    if merged {
        if etcd {
            println!("[reset] Deleted contents of the etcd data directory: /var/lib/etcd");
            clean("/var/lib/etcd");
        }
        return Ok(());
    }
    let state: Vec<&str> = state.iter().map(String::as_str).collect();
    println!("[reset] Deleting contents of stateful directories: [{}]", state.join(" "));
    for dir in state {
        clean(dir);
    }
    Ok(())
}

/// Unmounts what /proc/mounts lists below `dir`, in file order and without decoding `\040`, as kubeadm does. False when one failed.
fn unmount(dir: &str) -> bool {
    let table = place::read("/proc/mounts").unwrap_or_default();
    let mut good = true;
    let mut failed = Vec::new();
    for point in
        table.lines().filter_map(|line| line.split(' ').nth(1)).filter(|point| point.starts_with(&format!("{dir}/")))
    {
        let flags = match version::claimed().minor {
            29 => rustix::mount::UnmountFlags::DETACH,
            _ => rustix::mount::UnmountFlags::empty(),
        };
        if let Err(error) = rustix::mount::unmount(point, flags) {
            good = false;
            failed.push(format!(
                "failed to unmount {point:?}: {}",
                error.to_string().split(" (").next().unwrap_or_default().to_lowercase()
            ));
            if !version::at_least(29) {
                klog::warn(
                    "unmount_linux.go:48",
                    &format!("[reset] Failed to unmount mounted directory in {dir}/: {point}"),
                );
            }
        }
    }
    if !failed.is_empty() && version::at_least(29) {
        klog::warn(
            "cleanupnode.go:74",
            &format!(
                "[reset] Failed to unmount mounted directories in {dir:?}: encountered the following errors while unmounting directories in {dir:?}: {}",
                failed.join(", ")
            ),
        );
    }
    good
}

/// Deletes what is in `dir`, through mounts too: that is what kubeadm does.
fn clean(dir: &str) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let gone = if path.is_dir() && !path.is_symlink() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        if let Err(error) = gone {
            let (at, cause) = (blocked(&path), error.to_string());
            let cause = cause.split(" (").next().unwrap_or_default().to_lowercase();
            klog::warn(
                "reset.go:222",
                &format!("[reset] Failed to delete contents of {dir:?} directory: unlinkat {at}: {cause}"),
            );
        }
    }
}

/// The deepest mount point that is left below `path`, which is what could not be deleted.
fn blocked(path: &Path) -> String {
    let table = place::read("/proc/self/mounts").unwrap_or_default();
    let mut points = table.lines().filter_map(|line| line.split(' ').nth(1)).map(|point| point.replace("\\040", " "));
    points.rfind(|point| Path::new(point).starts_with(path)).unwrap_or_else(|| path.display().to_string())
}

fn closing() {
    if version::at_least(31) {
        println!(
            "
The reset process does not perform cleanup of CNI plugin configuration,
network filtering rules and kubeconfig files.

For information on how to perform this cleanup manually, please see:
    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/
"
        );
        return;
    }
    println!(
        "
The reset process does not clean CNI configuration. To do so, you must remove /etc/cni/net.d

The reset process does not reset or clean up iptables rules or IPVS tables.
If you wish to reset iptables, you must do so manually by using the \"iptables\" command.

If your cluster was setup to utilize IPVS, run ipvsadm --clear (or similar)
to reset your system's IPVS tables.

The reset process does not clean your kubeconfig files and you must remove them manually.
Please, check the contents of the $HOME/.kube/config file."
    );
}
