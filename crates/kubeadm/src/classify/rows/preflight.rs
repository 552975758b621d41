//! kubeadm's own checks of the node, by tag. Only `[ERROR X]` counts; the same text under `[WARNING X]` does not.

use super::Action::{Clean, FixKernel};
use super::Place::{Error, Kubelet, Preflight, Warning};
use super::{Row, hopeless, mendable, says};

const CHECKS: &str = "cmd/kubeadm/app/preflight/checks.go";
const RUN: &str = "run: kubeadm 1.22.6";
const VALIDATORS: &str = "k8s.io/system-validators/validators";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    mendable("leftover_files", Clean,
        "files of an earlier join are still there, and kubeadm does not join over them",
        &[says(Preflight, 22, 36, "[ERROR FileAvailable-{}]: {} already exists", RUN),
          says(Preflight, 22, 36, "[ERROR DirAvailable-{}]: {} is not empty", CHECKS)]),
    mendable("port_in_use", Clean,
        "the kubelet's port is taken: when a kubelet of an earlier join holds it a cleanup frees it, any other program must be moved by its owner",
        &[says(Preflight, 22, 36, "[ERROR Port-{}]: Port {} is in use", RUN)]),
    hopeless("swap_on",
        "swap is on and this release of the kubelet refuses to run with it: `swapoff -a` and remove it from /etc/fstab, or allow it in the kubelet's configuration",
        &[says(Preflight, 22, 36, "[ERROR Swap]: ", CHECKS),
          says(Kubelet, 22, 36, "running with swap on is not supported, please disable swap", "pkg/kubelet/cm/container_manager_linux.go")]),
    mendable("bridge_netfilter", FixKernel,
        "bridged packets do not reach the firewall rules of kube-proxy: the module br_netfilter is not loaded or its sysctl is 0",
        &[says(Preflight, 22, 29, "[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-{}]: ", CHECKS)]),
    mendable("ip_forward", FixKernel,
        "the kernel does not forward packets: the sysctl net.ipv4.ip_forward is 0",
        &[says(Preflight, 22, 36, "[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: ", CHECKS),
          says(Preflight, 22, 36, "[ERROR FileContent--proc-sys-net-ipv6-conf-default-forwarding]: ", CHECKS)]),
    hopeless("cgroup_v1_refused",
        "this node runs cgroup v1, which kubelet 1.35 and later refuse: boot with systemd.unified_cgroup_hierarchy=1, or set failCgroupV1: false in the cluster's kubelet configuration",
        &[says(Preflight, 35, 36, "[ERROR SystemVerification]: cgroups v1 support is deprecated", VALIDATORS),
          says(Preflight, 35, 36, "[ERROR SystemVerification]: cgroups v1 support ", VALIDATORS),
          says(Kubelet, 31, 36, "kubelet is configured to not run on a host using cgroup v1", "pkg/kubelet/kubelet.go; talos docs quote it verbatim")]),
    hopeless("cgroups_missing",
        "the kernel lacks a cgroup controller the kubelet needs: on a Raspberry Pi add cgroup_enable=memory to the kernel command line, then reboot",
        &[says(Preflight, 22, 36, "[ERROR SystemVerification]: missing required cgroups: ", VALIDATORS)]),
    hopeless("kernel_unsupported",
        "kubeadm's system verification says that this kernel or its configuration cannot run Kubernetes",
        &[says(Preflight, 22, 36, "[ERROR SystemVerification]: kernel release {} is unsupported", VALIDATORS),
          says(Preflight, 22, 36, "[ERROR SystemVerification]: unexpected kernel config: ", VALIDATORS),
          says(Preflight, 22, 36, "[ERROR SystemVerification]: failed to parse kernel config: ", VALIDATORS),
          says(Preflight, 22, 36, "[ERROR SystemVerification]: unsupported operating system: ", VALIDATORS)]),
    hopeless("program_missing",
        "a program that kubeadm or the kubelet needs is not installed on this node: install its package and run again",
        &[says(Preflight, 22, 36, "[ERROR FileExisting-{}]: {} not found in system path", RUN)]),
    hopeless("kubelet_missing",
        "the kubelet is not installed on this node, or is not in the search path: install its package",
        &[says(Preflight, 22, 36, "[ERROR KubeletVersion]: couldn't get kubelet version: ", RUN)]),
    hopeless("not_root",
        "kubeadm needs root: run the task with become",
        &[says(Preflight, 22, 36, "[ERROR IsPrivilegedUser]: user is not running as root", CHECKS)]),
    hopeless("node_too_small",
        "this machine has less than kubeadm demands: two processors and 1700 MB of memory for a control plane",
        &[says(Preflight, 22, 36, "[ERROR NumCPU]: the number of available CPUs {} is less than the required", CHECKS),
          says(Preflight, 22, 36, "[ERROR Mem]: the system RAM ", CHECKS)]),
    hopeless("several_runtimes",
        "more than one container runtime answers on this node: say which one with cri_socket",
        &[says(Error, 24, 36, "found multiple CRI endpoints on the host", "cmd/kubeadm/app/util/runtime/runtime.go"),
          says(Error, 22, 23, "Found multiple CRI sockets, please use --cri-socket to select one", "cmd/kubeadm/app/util/runtime/runtime.go")]),
    hopeless("hostname_invalid",
        "the node's name is not a lower-case DNS name: set the host's name, or give node_name",
        &[says(Preflight, 22, 36, "[ERROR Hostname]: ", CHECKS),
          says(Kubelet, 22, 36, "Unable to register node with API server\" err=\"Node \\\"{}\\\" is invalid: metadata.name: Invalid value", "apimachinery validation"),
          says(Warning, 36, 36, "[WARNING Hostname]: invalid node name format \"{}\": a lowercase RFC 1123 subdomain must consist", CHECKS)]),
];
