//! One thing made wrong on a healthy node, for each kind of finding.

use super::*;

fn leftover(facts: &mut Facts, why: &str, certain: bool) {
    let calico = conf("10-calico.conflist", r#"{"name":"k8s-pod-network","plugins":[{"type":"calico"}]}"#);
    facts.cni.dead = vec![(calico.path.clone(), Dead { why: why.into(), certain })];
    facts.cni.confs.insert(0, calico);
}

fn broken(plugin: &str, cause: Cause) -> (Broken, bool) {
    let mendable = cause != Cause::NoExec;
    (Broken { plugin: plugin.into(), path: format!("/opt/cni/bin/{plugin}").into(), cause }, mendable)
}

/// flannel's tunnel to another node at 10.0.0.9.
pub(super) fn tunnel(facts: &mut Facts) {
    let below = Link { index: 2, name: "eth0".into(), mtu: 1500, up: true, ..Link::default() };
    let vxlan = host::links::Vxlan { id: 1, port: 8472, over: Some(2), local: "10.0.0.1".parse().ok() };
    let tunnel = Link {
        index: 7,
        name: "flannel.1".into(),
        kind: "vxlan".into(),
        mtu: 1450,
        up: true,
        vxlan: Some(vxlan),
        ..Link::default()
    };
    facts.network.links.extend([below, tunnel]);
    facts.network.peers = vec!["10.0.0.9".parse().unwrap()];
}

/// A table filter with these rules.
pub(super) fn filter(facts: &mut Facts, rules: &str) {
    let text = format!("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}\nCOMMIT\n");
    facts.network.firewall = super::rules(&text);
}

fn not_ready(facts: &mut Facts) {
    let unknown = json!({"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."});
    facts.api.node.as_mut().unwrap()["status"]["conditions"][0] = unknown;
}

pub(super) type Fault = (Code, fn(&mut Facts));

pub(super) fn faults() -> Vec<Fault> {
    vec![
        (Code::OtherDistribution, |f| {
            let signs = vec!["process 812 runs /usr/local/bin/k3s".to_owned()];
            f.distributions = vec![footprint::distributions::Active { distribution: "k3s", signs }];
            f.storage.filesystems[0].space = Ok(Space { available: 0, ..space() });
        }),
        (Code::FilesystemReadOnly, |f| f.storage.filesystems[1].options = "ro,relatime".into()),
        (Code::FilesystemFull, |f| f.storage.filesystems[0].space = Ok(Space { available: 0, ..space() })),
        (Code::InodesExhausted, |f| f.storage.filesystems[1].space = Ok(Space { inodes_available: 0, ..space() })),
        (Code::MountHangs, |f| f.storage.hanging = vec!["/mnt/media (nfs4 from 10.0.0.1:/srv/media)".into()]),
        (Code::OverlayImpossible, |f| f.storage.filesystems[1].kind = "nfs4".into()),
        (Code::OverlayImpossible, |f| f.storage.overlay = false),
        (Code::FilesystemLow, |f| f.storage.filesystems[1].space = Ok(Space { available: 14 << 30, ..space() })),
        (Code::ClockOff, |f| f.api.clock_offset = Some(-7200)),
        (Code::MachineIdMissing, |f| f.machine.machine_id = None),
        (Code::MachineIdDuplicate, |f| {
            f.api.peers = vec![("w1".into(), "0".repeat(32)), ("w2".into(), "0".repeat(32))]
        }),
        (Code::ClockOff, |f| {
            let words = "Unable to connect to the server: x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is before 2026-01-01T00:00:00Z";
            f.api.refusal = Some(Refusal::Rejected(words.into()));
        }),
        (Code::InotifyExhausted, |f| {
            silent(f, Error::NoCri { socket: "/s".into() }, "active");
            f.runtime.journal = "level=warning msg=\"failed to load plugin io.containerd.grpc.v1.cri\" error=\"failed to create CRI service: failed to create cni conf monitor for default: failed to create fsnotify watcher: too many open files\"".into();
        }),
        (Code::PermissionsWrong, |f| f.machine.permissions = vec!["/etc/kubernetes/kubelet.conf has mode 0666".into()]),
        (Code::ContainerdMissing, |f| {
            silent(f, missing(), "inactive");
            f.runtime.installed = false;
            f.runtime.unit.as_mut().unwrap().load = "not-found".into();
        }),
        (Code::ContainerdConfigInvalid, |f| {
            f.runtime.config = Err("reading /etc/containerd/config.toml: line 3, column 5: extra `=`".into());
            silent(f, missing(), "failed");
        }),
        (Code::ContainerdMasked, |f| {
            silent(f, missing(), "inactive");
            f.runtime.unit.as_mut().unwrap().load = "masked".into();
        }),
        (Code::ContainerdFailed, |f| silent(f, missing(), "failed")),
        (Code::ContainerdStopped, |f| silent(f, missing(), "inactive")),
        (Code::ContainerdSocketMissing, |f| silent(f, missing(), "active")),
        (Code::ContainerdConfigPassedOver, |f| {
            f.runtime.config.as_mut().unwrap().passed_over =
                vec!["/etc/containerd/conf.d/a.toml: no file imports it".into()];
        }),
        (Code::ContainerdHung, |f| {
            silent(f, Error::Hung { socket: "/s".into(), call: "Version", waited: Duration::from_secs(5) }, "active");
        }),
        (Code::CriDisabled, |f| {
            f.runtime.config.as_mut().unwrap().disabled = vec!["cri in /etc/containerd/config.toml".into()];
            silent(f, Error::NoCri { socket: "/s".into() }, "active");
        }),
        (Code::CriNotLoaded, |f| silent(f, Error::NoCri { socket: "/s".into() }, "active")),
        (Code::RuntimeNotReady, |f| f.runtime.answer.as_mut().unwrap().status.conditions[0].ok = false),
        (Code::ImageFilesystemUnusable, |f| f.runtime.answer.as_mut().unwrap().images = Err("it is not there".into())),
        (Code::SandboxImageMissing, |f| {
            // The recorded journal of a node without a way to the registry, after a pod that had started.
            let said =
                include_str!("../../../../../crates/kubeadm/tests/data/classify/containerd-1.6.20-sandbox-image.txt");
            f.runtime.journal = format!("RunPodSandbox for &PodSandboxMetadata{{}} returns sandbox id \"9f\"\n{said}");
        }),
        (Code::SandboxFailing, |f| {
            f.runtime.journal = "level=error msg=\"RunPodSandbox failed\" error=\"plugin type=\\\"bridge\\\" failed (add): incompatible CNI versions; config is \\\"1.0.0\\\", plugin supports []\"\n".into();
        }),
        (Code::CgroupDriverMismatch, |f| f.kubelet.cgroup_driver = Some("cgroupfs".into())),
        (Code::ContainerdConfigNotInForce, |f| f.runtime.config.as_mut().unwrap().systemd_cgroup = Some(false)),
        (Code::CniConfigMissing, |f| {
            f.cni.confs.clear();
            f.runtime.answer.as_mut().unwrap().status.conditions[1].ok = false;
        }),
        (Code::CniConfigInvalid, |f| f.cni.confs.insert(0, conf("00-broken.conflist", "{"))),
        (Code::CniLoopbackOnly, |f| {
            f.cni.confs.insert(0, conf("00-lo.conflist", r#"{"name":"lo","plugins":[{"type":"loopback"}]}"#))
        }),
        (Code::CniPlaceholderShadows, |f| f.cni.confs.insert(0, placeholder())),
        (Code::CniPlaceholderLeft, |f| f.cni.confs = vec![placeholder()]),
        (Code::CniPluginsMissing, |f| f.cni.missing = vec!["flannel".into()]),
        (Code::CniConfigLeftover, |f| leftover(f, "the kubeconfig that it names, /x, is not there", true)),
        (Code::CniConfigLeftover, |f| leftover(f, "calico-node does not run on this node", false)),
        (Code::CniConfigForeign, |f| {
            let text = r#"{"name":"containerd-net","plugins":[{"type":"bridge","bridge":"cni0"},{"type":"portmap"}]}"#;
            f.cni.confs.insert(0, conf("10-containerd-net.conflist", text));
            f.runtime.answer.as_mut().unwrap().pods.push(pod("p2", "10.88.0.3"));
        }),
        (Code::CniPluginBroken, |f| f.cni.broken = vec![broken("portmap", Cause::Empty)]),
        (Code::CniPluginBroken, |f| f.cni.broken = vec![broken("bridge", Cause::NoExec)]),
        (Code::CniNotLoaded, |f| f.runtime.answer.as_mut().unwrap().status.conditions[1].ok = false),
        (Code::NotJoined, |f| {
            f.kubelet.has_conf = false;
            f.kubelet.has_config = false;
        }),
        (Code::KubeletMissing, |f| f.kubelet.unit.as_mut().unwrap().load = "not-found".into()),
        (Code::KubeletMasked, |f| {
            f.kubelet.unit.as_mut().unwrap().masked = true;
            f.kubelet.health = None;
            f.kubelet.process.active = "inactive".into();
        }),
        (Code::KubeletStandalone, |f| f.kubelet.process.args = vec!["/usr/bin/kubelet".into()]),
        (Code::KubeletCredentialsMissing, |f| {
            f.kubelet.no_credentials = Some("/var/lib/kubelet/pki/x.pem is not there".into())
        }),
        (Code::KubeletCredentialsMissing, |f| {
            f.kubelet.no_credentials =
                Some("reading /etc/kubernetes/kubelet.conf as a kubeconfig: it has no server".into());
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        (Code::KubeletCertificateExpired, |f| {
            f.kubelet.expired = Some(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
            f.api.refusal = Some(Refusal::Rejected("(Unauthorized)".into()));
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        (Code::ClockOff, |f| {
            f.kubelet.expired = Some(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
            f.api.clock_offset = Some(70_000_000);
        }),
        (Code::NodeIpForeign, |f| {
            f.kubelet.process.args.push("--node-ip=10.9.9.9".into());
            not_ready(f);
        }),
        (Code::KubeletProxied, |f| {
            f.kubelet.server = "https://10.0.0.1:6443".into();
            let variables = |name: &str| (name == "HTTPS_PROXY").then(|| "http://proxy.lan:3128".to_owned());
            f.kubelet.proxies = kubeadm::proxy::Proxies::of(variables);
            not_ready(f);
        }),
        (Code::ResolverLoopback, |f| {
            f.kubelet.loopback_resolvers = vec!["/etc/resolv.conf has nameserver 127.0.0.53".into()];
        }),
        (Code::NetworkLeftBehind, |f| {
            f.network.links.push(Link { name: "vxlan.calico".into(), kind: "vxlan".into(), ..Link::default() });
            f.network.sets = vec!["cali40this-host".into()];
        }),
        (Code::KubeletFileMissing, |f| {
            let why = "is not there".to_owned();
            f.kubelet.useless_files =
                vec![Useless { option: "resolvConf".into(), path: "/run/systemd/resolve/resolv.conf".into(), why }];
        }),
        (Code::KubeletFileMissing, |f| {
            let why = "has no certificate in it".to_owned();
            f.kubelet.useless_files = vec![Useless { option: "tlsCertFile".into(), path: "/x.crt".into(), why }];
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        (Code::SwapOn, |f| {
            f.kubelet.swap = vec!["/dev/sda2".into()];
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        (Code::KubeletFailing, |f| {
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        (Code::KubeletUnhealthy, |f| f.kubelet.health = Some(Health::Not("127.0.0.1:10248 answers 500".into()))),
        (Code::KubeletStopped, |f| {
            f.kubelet.health = None;
            f.kubelet.process.active = "inactive".into();
        }),
        (Code::KubeletNotEnabled, |f| f.kubelet.unit.as_mut().unwrap().file_state = "disabled".into()),
        (Code::ApiUnreachable, |f| f.api.refusal = Some(Refusal::Unreachable("https://10.0.0.1:6443: refused".into()))),
        (Code::CredentialsRejected, |f| f.api.refusal = Some(Refusal::Rejected("(Unauthorized)".into()))),
        (Code::NodeDeleted, |f| f.api.refusal = Some(Refusal::NoNode("nodes \"w1\" not found".into()))),
        (Code::NodeNotReady, |f| {
            f.api.node.as_mut().unwrap()["status"]["conditions"][0] = json!({"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "PLEG is not healthy"});
        }),
        (Code::BrNetfilterMissing, |f| f.network.br_netfilter = false),
        (Code::ForwardingOff, |f| f.network.switched_off = vec!["/proc/sys/net/ipv4/ip_forward is 0".into()]),
        (Code::FlannelNotRunning, |f| f.network.flannel = None),
        (Code::ControlPlaneNotRunning, |f| {
            f.system_pods.ended = vec![ended("etcd", "etcd-cp1")];
            f.api.refusal = Some(Refusal::Unreachable("https://10.0.0.1:6443: refused".into()));
        }),
        (Code::KubeProxyNotRunning, |f| {
            f.system_pods.ended = vec![ended("kube-proxy", "kube-proxy-4c6wf"), ended("coredns", "coredns-1")];
            f.network.flannel = None;
        }),
        (Code::CorednsNotRunning, |f| f.system_pods.ended = vec![ended("coredns", "coredns-1")]),
        (Code::BridgeAddressWrong, |f| f.network.links[0] = bridge("10.244.0.1", 16)),
        // Not "starts with 10.244.": another node's subnet of the same network is wrong too.
        (Code::BridgeAddressWrong, |f| f.network.links[0] = bridge("10.244.3.1", 24)),
        (Code::PodCidrMismatch, |f| {
            let flannel = f.network.flannel.as_mut().unwrap();
            flannel.bridge = Some(("10.244.9.1".parse().unwrap(), 24));
            f.network.links[0] = bridge("10.244.9.1", 24);
        }),
        (Code::BridgeMissing, |f| {
            f.network.links.remove(0);
            f.network.links[0].master = None;
        }),
        (Code::BridgeIsNoBridge, |f| f.network.links[0].kind = "dummy".into()),
        (Code::BridgeAddressMissing, |f| f.network.links[0].addresses.clear()),
        (Code::VethMissing, |f| drop(f.network.links.remove(1))),
        (Code::VethDown, |f| f.network.links[1].up = false),
        (Code::BridgeDown, |f| f.network.links[0].up = false),
        (Code::PodsUnattached, |f| f.network.links[1].master = None),
        (Code::PodAddressesForeign, |f| {
            f.runtime.answer.as_mut().unwrap().pods.push(pod("p2", "10.244.0.3"));
        }),
        (Code::VxlanMissing, |f| {
            f.api.node.as_mut().unwrap()["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-type"] =
                json!("vxlan");
        }),
        (Code::FlannelPathWrong, |f| {
            let words = "there is no route to 10.244.0.0/24, the pods of node cp1".to_owned();
            f.network.flannel_path = vec![node::flannel::Fault::Way(words)];
        }),
        (Code::PodRouteShadowed, |f| f.network.shadowed = vec!["blackhole 10.244.0.0/25 takes packets".into()]),
        (Code::TunnelBlocked, |f| {
            tunnel(f);
            filter(f, "-A INPUT -p udp -m udp --dport 8472 -j DROP");
        }),
        (Code::TunnelBlocked, |f| {
            tunnel(f);
            filter(f, "-A OUTPUT -d 10.0.0.9/32 -j REJECT --reject-with icmp-port-unreachable");
        }),
        (Code::MtuMismatch, |f| f.network.links[0].mtu = 1500),
        (Code::MtuMismatch, |f| f.network.links[1].mtu = 1500),
        (Code::MtuMismatch, |f| {
            // The link below became narrower after flannel had made its VXLAN.
            tunnel(f);
            f.network.links.iter_mut().filter(|link| link.name == "eth0").for_each(|link| link.mtu = 1400);
        }),
        (Code::AddressesExhausted, |f| {
            let lease = |last: u8| Lease {
                network: "cbr0".into(),
                ip: std::net::Ipv4Addr::new(10, 244, 2, last).into(),
                container: "gone".into(),
                age: Duration::from_secs(1000),
            };
            f.network.leases = (2..255).map(lease).collect();
        }),
        (Code::LeasesStale, |f| {
            f.network.leases.push(Lease {
                network: "cbr0".into(),
                ip: "10.244.2.9".parse().unwrap(),
                container: "gone".into(),
                age: Duration::from_secs(1000),
            });
        }),
    ]
}
