//! Who does the deleting: the module, or what people use instead.

use std::process::Command;

use serde_json::Value;

use super::layout::Layout;

/// The directories of the layouts that are deleted from.
pub const TARGETS: [&str; 6] =
    ["/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", "/run/containerd", "/run/flannel", "/root/.kube"];

/// Where the programs under test are in a layout's root.
pub const PROGRAMS: &str = "/usr/local/lib/under-test";

/// The module, in a layout's root.
pub fn ours() -> String {
    format!("{PROGRAMS}/aggressive_reset")
}

/// A way to reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The module.
    Ours,
    /// `rm -rf --one-file-system` on every target's contents.
    Rm,
    /// `umount -R` of what findmnt shows, then `rm -rf`: what most scripts do.
    Script,
    /// As k0s removes its directories (pkg/cleanup/directories.go at 0d95ce1): what is mounted at or below one is unmounted, the
    /// newest first, and detached where that fails; where that fails, too, it stops; then the directory is removed.
    K0s,
    /// `kubeadm reset --force`, of the kubeadm that is at this path on the machine.
    Kubeadm(String),
}

impl Subject {
    /// The one that the environment asks for.
    pub fn chosen() -> Self {
        match std::env::var("TORTURE_SUBJECT").as_deref() {
            Ok("rm") => Self::Rm,
            Ok("script") => Self::Script,
            Ok("k0s") => Self::K0s,
            Ok(path) if path.starts_with('/') => Self::Kubeadm(path.to_owned()),
            _ => Self::Ours,
        }
    }
}

/// Runs the module.
pub fn module(layout: &Layout, check: bool) -> Value {
    testkit::run_module(&ours(), layout.options.clone(), check)
}

/// Runs anything else; whether it said that all was well. Nothing may take longer than 20 seconds.
pub fn other(subject: &Subject) -> Option<bool> {
    let list = TARGETS.join(" ");
    let script = match subject {
        Subject::Ours => return None,
        Subject::Rm => format!(
            "ok=0; for t in {list}; do find \"$t\" -mindepth 1 -maxdepth 1 -exec rm -rf --one-file-system -- {{}} + || ok=1; done; exit $ok"
        ),
        Subject::Script => format!(
            "ok=0; for t in {list}; do findmnt -rno TARGET | grep \"^$t/\" | sort -r | xargs -r -n1 umount 2>/dev/null; \
             rm -rf \"$t\"/* || ok=1; done; exit $ok"
        ),
        Subject::K0s => format!(
            "for t in {list}; do mapfile -t mounts < <(tac /proc/self/mountinfo | cut -d' ' -f5); \
             for m in \"${{mounts[@]}}\"; do m=$(printf '%b.' \"$m\"); m=${{m%.}}; \
             [[ $m == \"$t\" || $m == \"$t\"/* ]] || continue; umount \"$m\" || umount --lazy \"$m\" || exit 1; done; \
             rm -rf \"$t\" || exit 1; done"
        ),
        Subject::Kubeadm(_) => format!("{PROGRAMS}/kubeadm reset --force"),
    };
    let status = Command::new("timeout").args(["--kill-after=1", "20", "bash", "-c", &script]).output().unwrap().status;
    Some(status.success())
}
