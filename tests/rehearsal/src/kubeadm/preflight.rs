//! kubeadm's preflight checks: tags, order and texts as upstream has them (1.22, with the changes since).

use super::fail::Fail;
use super::runtime;
use crate::cri::Cri;
use crate::{faults, run, version};
use std::net::TcpListener;
use std::path::Path;

/// What is to be checked, in order, and what came out.
pub struct Checks {
    ignore: Vec<String>,
    errors: String,
}

impl Checks {
    /// Starts a run; `ignore` holds tags in lower case, or `all`.
    pub fn new(ignore: &[String]) -> Self {
        Self { ignore: ignore.to_vec(), errors: String::new() }
    }

    fn warning(&self, tag: &str, text: &str) {
        eprintln!("\t[WARNING {tag}]: {text}");
    }

    fn error(&mut self, tag: &str, text: &str) {
        if self.ignore.iter().any(|ignored| ignored == "all" || *ignored == tag.to_lowercase()) {
            self.warning(tag, text);
        } else {
            self.errors += &format!("\t[ERROR {tag}]: {text}\n");
        }
    }

    /// The verdict of the whole run.
    pub fn finish(self) -> Result<(), Fail> {
        if self.errors.is_empty() { Ok(()) } else { Err(Fail::preflight(&self.errors)) }
    }

    /// Only root may; nothing else is checked when not.
    pub fn root(&self) -> Result<(), Fail> {
        let ignored = self.ignore.iter().any(|tag| tag == "all" || tag == "isprivilegeduser");
        if rustix::process::geteuid().is_root() || ignored {
            return Ok(());
        }
        Err(Fail::preflight("\t[ERROR IsPrivilegedUser]: user is not running as root\n"))
    }

    /// A directory that must be empty or absent.
    pub fn dir_empty(&mut self, path: &str) {
        if std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
            self.error(&format!("DirAvailable-{}", path.replace('/', "-")), &format!("{path} is not empty"));
        }
    }

    /// A file that must not be there yet.
    pub fn file_absent(&mut self, path: &str) {
        if Path::new(path).exists() {
            self.error(&format!("FileAvailable-{}", path.replace('/', "-")), &format!("{path} already exists"));
        }
    }

    /// A port that must be free.
    pub fn port_free(&mut self, port: u16) {
        if TcpListener::bind(("0.0.0.0", port)).is_err() {
            self.error(&format!("Port-{port}"), &format!("Port {port} is in use"));
        }
    }

    fn content(&mut self, path: &str) {
        let hidden = path.contains("bridge-nf") && faults::on("no-bridge-nf");
        let tag = format!("FileContent-{}", path.replace('/', "-"));
        match std::fs::read_to_string(path) {
            Err(_) => self.error(&tag, &format!("{path} does not exist")),
            Ok(_) if hidden => self.error(&tag, &format!("{path} does not exist")),
            Ok(text) if !text.starts_with('1') => self.error(&tag, &format!("{path} contents are not set to 1")),
            Ok(_) => {}
        }
    }

    fn program(&mut self, name: &str, mandatory: bool) {
        if run::in_path(name).is_some() && !missing(name) {
            return;
        }
        let (tag, text) = (format!("FileExisting-{name}"), format!("{name} not found in system path"));
        if mandatory { self.error(&tag, &text) } else { self.warning(&tag, &text) }
    }

    fn container_runtime(&mut self, socket: &str) {
        if runtime::is_docker(socket) {
            println!(
                "[preflight] WARNING: Couldn't create the interface used for talking to the container runtime: docker is required for container runtime: exec: \"docker\": executable file not found in $PATH"
            );
            return;
        }
        let answer = if faults::on("cri-unimplemented") {
            Err(anyhow::anyhow!("rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService"))
        } else {
            Cri::connect(socket).and_then(|cri| cri.status(false))
        };
        let endpoint = format!("unix://{}", runtime::path(socket));
        match answer {
            Ok(status) => {
                for condition in status
                    .status
                    .into_iter()
                    .flat_map(|status| status.conditions)
                    .filter(|condition| condition.r#type == "RuntimeReady" && !condition.status)
                {
                    self.error(
                        "CRI",
                        &format!(
                            "container runtime condition \"RuntimeReady\" is not true. reason: {}, message: {}",
                            condition.reason, condition.message
                        ),
                    );
                }
            }
            Err(error) if version::at_least(31) => {
                crate::klog::warn(
                    "checks.go:1080",
                    &format!(
                        "[preflight] WARNING: Couldn't create the interface used for talking to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint {endpoint:?}: {error}"
                    ),
                );
                if version::at_least(35) {
                    self.error("ContainerRuntimeVersion", &format!("could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint {endpoint:?}: {error}"));
                }
            }
            Err(error) => {
                let time = crate::clock::now();
                let output = match version::claimed().minor {
                    ..26 if error.to_string().contains("Unimplemented") => format!(
                        "time={time:?} level=fatal msg=\"getting status of runtime: rpc error: code = Unimplemented desc = unknown service runtime.v1alpha2.RuntimeService\"\n"
                    ),
                    ..26 => format!(
                        "time={time:?} level=fatal msg=\"connect: connect endpoint '{endpoint}', make sure you are running as root and the endpoint has been started: context deadline exceeded\"\n"
                    ),
                    26 | 27 => format!(
                        "time={time:?} level=fatal msg={:?}\n",
                        format!(
                            "validate service connection: CRI v1 runtime API is not implemented for endpoint {endpoint:?}: {error}"
                        )
                    ),
                    _ => format!(
                        "time={time:?} level=fatal msg={:?}\n",
                        format!(
                            "validate service connection: validate CRI v1 runtime API for endpoint {endpoint:?}: {error}"
                        )
                    ),
                };
                self.error("CRI", &format!("container runtime is not running: output: {output}, error: exit status 1"));
            }
        }
    }

    fn swap(&mut self) {
        let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
        if swaps.lines().count() < 2 && !faults::switched("swap-on") {
            return;
        }
        if version::at_least(30) {
            self.warning("Swap", "swap is supported for cgroup v2 only. The kubelet must be properly configured to use swap. Please refer to https://kubernetes.io/docs/concepts/architecture/nodes/#swap-memory, or disable swap on the node");
        } else {
            self.error("Swap", "running with swap on is not supported. Please disable swap");
        }
    }

    fn cgroups(&mut self) {
        let text = "cgroups v1 support is deprecated and will be removed in a future release. Please migrate to cgroups v2. To explicitly enable cgroups v1 support for kubelet v1.35 or newer, you must set the kubelet configuration option 'FailCgroupV1' to 'false'. You must also explicitly skip this validation. For more information, see https://git.k8s.io/enhancements/keps/sig-node/5573-remove-cgroup-v1";
        if faults::switched("no-memory-cgroup") {
            self.error("SystemVerification", "missing required cgroups: memory");
        }
        if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() && !faults::switched("cgroup-v1") {
            return;
        }
        match version::claimed().minor {
            ..31 => {}
            31..35 => self.warning("SystemVerification", text),
            _ => self.error("SystemVerification", text),
        }
    }

    fn kubelet(&mut self) {
        let Some(kubelet) = run::in_path("kubelet") else {
            return self.error(
                "KubeletVersion",
                "couldn't get kubelet version: cannot execute 'kubelet --version': executable file not found in $PATH",
            );
        };
        let shown = run::run(&kubelet.to_string_lossy(), &["--version"], None).map(|ran| ran.out).unwrap_or_default();
        let own = version::claimed();
        let mut found = version::Version::parse(shown.trim().trim_start_matches("Kubernetes ")).unwrap_or(own);
        if faults::switched("version-skew") {
            found.minor += 1;
        }
        if found.minor > own.minor {
            let plain = |version: version::Version| version.to_string().trim_start_matches('v').to_owned();
            let text = "the kubelet version is higher than the control plane version. This is not a supported version skew and may lead to a malfunctional cluster.";
            self.error(
                "KubeletVersion",
                &format!("{text} Kubelet version: {:?} Control plane version: {:?}", plain(found), plain(own)),
            );
        }
    }

    fn service(&mut self) {
        let status = run::run("systemctl", &["status", "kubelet"], None).map(|ran| ran.out).unwrap_or_default();
        if status.contains("Loaded: not-found") {
            self.warning("Service-Kubelet", "kubelet service does not exist");
        } else if !run::ok("systemctl", &["is-enabled", "kubelet"]) {
            self.warning(
                "Service-Kubelet",
                "kubelet service is not enabled, please run 'systemctl enable kubelet.service'",
            );
        }
    }

    fn hostname(&mut self, name: &str) {
        match crate::net::client::resolve(name) {
            Ok(_) if !faults::switched("hostname-unresolved") => {}
            _ => {
                self.warning("Hostname", &format!("hostname {name:?} could not be reached"));
                self.warning("Hostname", &format!("hostname {name:?}: lookup {name} on 127.0.0.11:53: no such host"));
            }
        }
    }

    /// The checks that init and join have in common.
    pub fn common(&mut self, socket: &str, node: &str) {
        self.container_runtime(socket);
        // The stand-in speaks CRI itself; a node without crictl is a fault to be asked for.
        if !version::at_least(32) && !runtime::is_docker(socket) && missing("crictl") {
            self.program("crictl", true);
        }
        if !version::at_least(30) {
            self.content("/proc/sys/net/bridge/bridge-nf-call-iptables");
        }
        self.content("/proc/sys/net/ipv4/ip_forward");
        self.swap();
        for name in ["conntrack", "ip", "iptables", "mount", "nsenter"] {
            self.program(name, true);
        }
        for name in ["ethtool", "socat", "tc", "touch"] {
            self.program(name, false);
        }
        self.cgroups();
        self.hostname(node);
        self.kubelet();
        self.service();
        self.port_free(10250);
    }
}

/// Whether the fault table hides a program.
fn missing(name: &str) -> bool {
    faults::parameter("missing-program")
        .is_some_and(|hidden| hidden == name || hidden.is_empty() && name == "conntrack")
}
