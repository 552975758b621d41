//! What the checks need to know.

use kubeadm::version::Version;

use super::ipv6::Ipv6;
use super::{Api, Listener, Runtime, Way};
use kubeadm::programs::Program;

/// Space on one filesystem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// The directory it is asked for.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Bytes free.
    pub available: u64,
    /// Inodes; 0 where the filesystem makes them as needed.
    pub inodes: u64,
    /// Inodes free.
    pub inodes_available: u64,
    /// Mounted read-only.
    pub read_only: bool,
}

/// Everything the checks need.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When they were looked at, by this machine's clock.
    pub now: Option<std::time::SystemTime>,
    /// Memory, in kB of 1024 bytes, as /proc/meminfo has it.
    pub memory_kb: u64,
    /// Where the kubelet and the images live.
    pub filesystems: Vec<Disk>,
    /// Active swap.
    pub swaps: Vec<String>,
    /// What would switch swap on at the next boot; looked for when it is to be off.
    pub swap_at_boot: Vec<String>,
    /// Modules and settings that the next boot would not bring; looked for when the kernel is prepared.
    pub not_at_boot: Vec<&'static str>,
    /// Whether a time service runs; none in a container, where the machine outside keeps the clock.
    pub time_service: Option<bool>,
    /// The Node's name.
    pub node_name: String,
    /// /etc/machine-id.
    pub machine_id: String,
    /// Of overlay and br_netfilter, what is neither loaded nor built in.
    pub missing_modules: Vec<&'static str>,
    /// Whether this machine could load modules: it has some for the running kernel.
    pub modules_can_load: bool,
    /// net.ipv4.ip_forward.
    pub ip_forward: Option<bool>,
    /// IPv6 forwarding; looked at where pods have IPv6.
    pub ipv6: Option<Ipv6>,
    /// net.bridge.bridge-nf-call-iptables; none without br_netfilter.
    pub bridge_nf: Option<bool>,
    /// The unified hierarchy.
    pub cgroup_v2: bool,
    /// max_user_instances and max_user_watches.
    pub inotify: (u64, u64),
    /// kubeadm's version; none when not installed.
    pub kubeadm: Option<Version>,
    /// The kubelet's version; none when not installed.
    pub kubelet: Option<Version>,
    /// LoadState of the kubelet's unit.
    pub unit_load: String,
    /// Whether the unit gives the kubelet --kubeconfig.
    pub has_kubeconfig: bool,
    /// Drop-ins with settings outside of a section.
    pub malformed_drop_ins: Vec<String>,
    /// Drop-ins of the packages hidden by one of the same name in /etc.
    pub shadowed_drop_ins: Vec<String>,
    /// Programs of [`PROGRAMS`] that are not there.
    pub missing_programs: Vec<&'static Program>,
    /// Files an earlier join left.
    pub leftovers: Vec<String>,
    /// Whether this node is joined.
    pub joined: bool,
    /// failSwapOn: false in the kubelet's configuration; none without one.
    pub kubelet_allows_swap: Option<bool>,
    /// failCgroupV1: false in the kubelet's configuration; none without one.
    pub kubelet_allows_cgroup_v1: Option<bool>,
    /// Whether the kubelet's configuration says systemd; none without one.
    pub kubelet_systemd_driver: Option<bool>,
    /// Files that the kubelet's configuration names, or will name, and that are of no use.
    pub useless_files: Vec<String>,
    /// Loopback name servers that the kubelet hands on to pods, each with its file.
    pub loopback_resolvers: Vec<String>,
    /// The container runtime, or why it does not answer.
    pub runtime: Result<Runtime, String>,
    /// Who listens on TCP.
    pub listeners: Vec<Listener>,
    /// Firewall managers that are active.
    pub firewalls: Vec<&'static str>,
    /// The way to the cluster.
    pub way: Way,
    /// The cluster, when an endpoint was given.
    pub api: Option<Api>,
}

impl Default for Facts {
    fn default() -> Self {
        Facts {
            now: None,
            memory_kb: 0,
            filesystems: Vec::new(),
            swaps: Vec::new(),
            swap_at_boot: Vec::new(),
            not_at_boot: Vec::new(),
            time_service: Some(false),
            node_name: String::new(),
            machine_id: String::new(),
            missing_modules: Vec::new(),
            modules_can_load: false,
            ip_forward: None,
            ipv6: None,
            bridge_nf: None,
            cgroup_v2: false,
            inotify: (0, 0),
            kubeadm: None,
            kubelet: None,
            unit_load: String::new(),
            has_kubeconfig: false,
            malformed_drop_ins: Vec::new(),
            shadowed_drop_ins: Vec::new(),
            missing_programs: Vec::new(),
            leftovers: Vec::new(),
            joined: false,
            kubelet_allows_swap: None,
            kubelet_allows_cgroup_v1: None,
            kubelet_systemd_driver: None,
            useless_files: Vec::new(),
            loopback_resolvers: Vec::new(),
            runtime: Err("not asked".into()),
            listeners: Vec::new(),
            firewalls: Vec::new(),
            way: Way::default(),
            api: None,
        }
    }
}

#[cfg(test)]
impl Facts {
    /// A node with nothing to complain of.
    pub(crate) fn good() -> Self {
        let disk = |path: &str| Disk {
            path: path.into(),
            bytes: 100 << 30,
            available: 50 << 30,
            inodes: 1_000_000,
            inodes_available: 900_000,
            read_only: false,
        };
        Facts {
            now: kubeadm::time::parse("2026-11-27T00:00:00Z"),
            memory_kb: 4_000_000,
            filesystems: vec![disk("/var/lib/kubelet"), disk("/var/lib/containerd")],
            time_service: Some(true),
            node_name: "w1".into(),
            machine_id: "a31fd7e07c504f73bb14b10bb339fc84".into(),
            modules_can_load: true,
            ip_forward: Some(true),
            bridge_nf: Some(true),
            cgroup_v2: true,
            inotify: (1024, 524_288),
            kubeadm: Version::parse("v1.31.0").ok(),
            kubelet: Version::parse("v1.31.0").ok(),
            unit_load: "loaded".into(),
            has_kubeconfig: true,
            runtime: Ok(Runtime {
                name: "containerd".into(),
                version: "2.1.4".into(),
                api: "v1",
                not_ready: None,
                network_not_ready: None,
                broken_plugins: Vec::new(),
                systemd_driver: Some(true),
                tells_driver: true,
            }),
            ..Facts::default()
        }
    }
}
