//! kubeadm's own checks of the node, by tag. Only `[ERROR X]` counts; the same text under `[WARNING X]` does not.

use super::Action::{Clean, FixKernel};
use super::Place::{Error, Kubelet, Preflight, Warning};
use super::{Class, Row, permanent, retryable, says};

const CHECKS: &str = "cmd/kubeadm/app/preflight/checks.go";
const RUN: &str = "run: kubeadm 1.22.6";
const VALIDATORS: &str = "k8s.io/system-validators/validators";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    retryable(Class::LeftoverFiles, Clean,
        "files of an earlier join are still there, and kubeadm does not join over them",
        &[says(Preflight, 22, 38, "[ERROR FileAvailable-{}]: {} already exists", RUN),
          says(Preflight, 22, 38, "[ERROR DirAvailable-{}]: {} is not empty", CHECKS)]),
    retryable(Class::PortInUse, Clean,
        "the kubelet's port is taken: when a kubelet of an earlier join holds it a cleanup frees it, any other program must be moved by its owner",
        &[says(Preflight, 22, 38, "[ERROR Port-{}]: Port {} is in use", RUN),
          says(Kubelet, 22, 38, "listen tcp {}:10250: bind: address already in use", "pkg/kubelet/server/server.go, ListenAndServeKubeletServer")]),
    permanent(Class::SwapOn,
        "swap is on and this release of the kubelet refuses to run with it: `swapoff -a` and remove it from /etc/fstab, or allow it in the kubelet's configuration",
        &[says(Preflight, 22, 38, "[ERROR Swap]: ", CHECKS),
          says(Kubelet, 22, 38, "running with swap on is not supported, please disable swap", "pkg/kubelet/cm/container_manager_linux.go")]),
    retryable(Class::BridgeNetfilter, FixKernel,
        "bridged packets do not reach the firewall rules of kube-proxy: the module br_netfilter is not loaded or its sysctl is 0",
        &[says(Preflight, 22, 29, "[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-{}]: ", CHECKS)]),
    retryable(Class::IpForward, FixKernel,
        "the kernel does not forward packets: the sysctl net.ipv4.ip_forward is 0",
        &[says(Preflight, 22, 38, "[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: ", CHECKS),
          says(Preflight, 22, 38, "[ERROR FileContent--proc-sys-net-ipv6-conf-default-forwarding]: ", CHECKS)]),
    permanent(Class::CgroupV1Refused,
        "this node runs cgroup v1, which kubelet 1.35 and later refuse: boot with systemd.unified_cgroup_hierarchy=1, or set failCgroupV1: false in the cluster's kubelet configuration",
        &[says(Preflight, 35, 38, "[ERROR SystemVerification]: cgroups v1 support is deprecated", VALIDATORS),
          says(Preflight, 35, 38, "[ERROR SystemVerification]: cgroups v1 support ", VALIDATORS),
          says(Kubelet, 31, 38, "kubelet is configured to not run on a host using cgroup v1", "pkg/kubelet/kubelet.go; talos docs quote it verbatim")]),
    permanent(Class::CgroupsMissing,
        "the kernel lacks a cgroup controller the kubelet needs: on a Raspberry Pi add cgroup_enable=memory to the kernel command line, then reboot",
        &[says(Preflight, 22, 38, "[ERROR SystemVerification]: missing required cgroups: ", VALIDATORS)]),
    permanent(Class::KernelUnsupported,
        "kubeadm's system verification says that this kernel or its configuration cannot run Kubernetes",
        &[says(Preflight, 22, 38, "[ERROR SystemVerification]: kernel release {} is unsupported", VALIDATORS),
          says(Preflight, 22, 38, "[ERROR SystemVerification]: unexpected kernel config: ", VALIDATORS),
          says(Preflight, 22, 38, "[ERROR SystemVerification]: failed to parse kernel config: ", VALIDATORS),
          says(Preflight, 22, 38, "[ERROR SystemVerification]: unsupported operating system: ", VALIDATORS)]),
    permanent(Class::ImagePullFailed,
        "an image that kubeadm needs cannot be pulled: give this machine a way to the registry or a mirror of it, or import the images (kubeadm config images list; ctr --namespace k8s.io images import)",
        &[says(Preflight, 22, 38, "[ERROR ImagePull]: failed to pull image {}: ", "run: kubeadm 1.28.7 without a registry"),
          says(Preflight, 22, 38, "[ERROR ImagePull]: ", CHECKS)]),
    permanent(Class::ProgramMissing,
        "a program that kubeadm or the kubelet needs is not installed on this node: install its package and run again",
        &[says(Preflight, 22, 38, "[ERROR FileExisting-{}]: {} not found in system path", RUN)]),
    permanent(Class::KubeletMissing,
        "the kubelet is not installed on this node, or is not in the search path: install its package",
        &[says(Preflight, 22, 38, "[ERROR KubeletVersion]: couldn't get kubelet version: cannot execute 'kubelet --version': executable file not found", RUN)]),
    permanent(Class::NotRoot,
        "kubeadm needs root: run the task with become",
        &[says(Preflight, 22, 38, "[ERROR IsPrivilegedUser]: user is not running as root", CHECKS)]),
    permanent(Class::NodeTooSmall,
        "this machine has less than kubeadm demands: two processors and 1700 MB of memory for a control plane",
        &[says(Preflight, 22, 38, "[ERROR NumCPU]: the number of available CPUs {} is less than the required", CHECKS),
          says(Preflight, 22, 38, "[ERROR Mem]: the system RAM ", CHECKS)]),
    permanent(Class::SeveralRuntimes,
        "more than one container runtime answers on this node: say which one with cri_socket",
        &[says(Error, 24, 38, "found multiple CRI endpoints on the host", "cmd/kubeadm/app/util/runtime/runtime.go"),
          says(Error, 22, 23, "Found multiple CRI sockets, please use --cri-socket to select one", "cmd/kubeadm/app/util/runtime/runtime.go")]),
    permanent(Class::HostnameInvalid,
        "the node's name is not a lower-case DNS name: set the host's name, or give node_name",
        &[says(Preflight, 22, 38, "[ERROR Hostname]: ", CHECKS),
          says(Kubelet, 22, 38, "Unable to register node with API server\" err=\"Node \"{}\" is invalid: metadata.name: Invalid value", "apimachinery validation"),
          says(Warning, 36, 38, "[WARNING Hostname]: invalid node name format \"{}\": a lowercase RFC 1123 subdomain must consist", CHECKS)]),
];
