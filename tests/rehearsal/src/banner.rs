//! Says that this is a stand-in, and how to get the real programs.

use crate::{faults, place};

/// One line, for journals and version outputs.
pub const LINE: &str = "REHEARSAL: a stand-in for Kubernetes, see /etc/kubernetes-rehearsal";

const TEXT: &str = "\
This machine rehearses Kubernetes: kubeadm, kubelet, kubectl and what runs in the control plane are stand-ins.
They do to the machine what the real programs do (files, ports, units, mounts, links, firewall chains, messages) and
run pods through the container runtime, but there is no Kubernetes here, and images are replaced by one of our own.

To practise with the real programs instead, either
  - set KUBE_BIN_DIR to a directory that holds kubeadm, kubelet and kubectl, or
  - say --kubernetes VERSION, which installs them from the Kubernetes package repository
and bring the lab up again, after taking it down.

The version claimed is that in /etc/kubernetes-rehearsal.version (default v1.22.6).
Faults are switched on by files in /etc/kubernetes-rehearsal.d; `rehearsal faults` lists them.
";

/// Puts the explanation on the machine; a read-only /etc is no reason to fail.
pub fn leave_note() {
    let _ = place::dir(faults::DIR, 0o755);
    if place::read("/etc/kubernetes-rehearsal").as_deref() != Some(TEXT) {
        let _ = place::write("/etc/kubernetes-rehearsal", TEXT, 0o644);
    }
}
