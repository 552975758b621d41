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

fn not_ready(facts: &mut Facts) {
    let unknown = json!({"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."});
    facts.api.node.as_mut().unwrap()["status"]["conditions"][0] = unknown;
}

pub(super) type Fault = (&'static str, fn(&mut Facts));

pub(super) fn faults() -> Vec<Fault> {
    vec![
        ("other_distribution", |f| {
            let signs = vec!["process 812 runs /usr/local/bin/k3s".to_owned()];
            f.distributions = vec![footprint::distributions::Active { distribution: "k3s", signs }];
            f.storage.filesystems[0].space = Ok(Space { available: 0, ..space() });
        }),
        ("filesystem_read_only", |f| f.storage.filesystems[1].options = "ro,relatime".into()),
        ("filesystem_full", |f| f.storage.filesystems[0].space = Ok(Space { available: 0, ..space() })),
        ("inodes_exhausted", |f| f.storage.filesystems[1].space = Ok(Space { inodes_available: 0, ..space() })),
        ("mount_hangs", |f| f.storage.hanging = vec!["/mnt/media (nfs4 from 10.0.0.1:/srv/media)".into()]),
        ("overlay_impossible", |f| f.storage.filesystems[1].kind = "nfs4".into()),
        ("overlay_impossible", |f| f.storage.overlay = false),
        ("filesystem_low", |f| f.storage.filesystems[1].space = Ok(Space { available: 14 << 30, ..space() })),
        ("clock_off", |f| f.api.clock_offset = Some(-7200)),
        ("machine_id_missing", |f| f.machine.machine_id = None),
        ("machine_id_duplicate", |f| f.api.peers = vec![("w1".into(), "0".repeat(32)), ("w2".into(), "0".repeat(32))]),
        ("clock_off", |f| {
            let words = "Unable to connect to the server: x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is before 2026-01-01T00:00:00Z";
            f.api.refusal = Some(Refusal::Rejected(words.into()));
        }),
        ("inotify_exhausted", |f| {
            silent(f, Error::NoCri { socket: "/s".into() }, "active");
            f.runtime.journal = "level=warning msg=\"failed to load plugin io.containerd.grpc.v1.cri\" error=\"failed to create CRI service: failed to create cni conf monitor for default: failed to create fsnotify watcher: too many open files\"".into();
        }),
        ("permissions_wrong", |f| f.machine.permissions = vec!["/etc/kubernetes/kubelet.conf has mode 0666".into()]),
        ("containerd_missing", |f| {
            silent(f, missing(), "inactive");
            f.runtime.installed = false;
            f.runtime.unit.as_mut().unwrap().load = "not-found".into();
        }),
        ("containerd_config_invalid", |f| {
            f.runtime.config = Err("reading /etc/containerd/config.toml: line 3, column 5: extra `=`".into());
            silent(f, missing(), "failed");
        }),
        ("containerd_masked", |f| {
            silent(f, missing(), "inactive");
            f.runtime.unit.as_mut().unwrap().load = "masked".into();
        }),
        ("containerd_failed", |f| silent(f, missing(), "failed")),
        ("containerd_stopped", |f| silent(f, missing(), "inactive")),
        ("containerd_hung", |f| {
            silent(f, Error::Hung { socket: "/s".into(), call: "Version", waited: Duration::from_secs(5) }, "active");
        }),
        ("cri_disabled", |f| {
            f.runtime.config.as_mut().unwrap().disabled = vec!["cri in /etc/containerd/config.toml".into()];
            silent(f, Error::NoCri { socket: "/s".into() }, "active");
        }),
        ("cri_not_loaded", |f| silent(f, Error::NoCri { socket: "/s".into() }, "active")),
        ("runtime_not_ready", |f| f.runtime.answer.as_mut().unwrap().status.conditions[0].ok = false),
        ("image_filesystem_unusable", |f| f.runtime.answer.as_mut().unwrap().images = Err("it is not there".into())),
        ("sandbox_image_missing", |f| {
            // The recorded journal of a node without a way to the registry, after a pod that had started.
            let said =
                include_str!("../../../../../crates/kubeadm/tests/data/classify/containerd-1.6.20-sandbox-image.txt");
            f.runtime.journal = format!("RunPodSandbox for &PodSandboxMetadata{{}} returns sandbox id \"9f\"\n{said}");
        }),
        ("sandbox_failing", |f| {
            f.runtime.journal = "level=error msg=\"RunPodSandbox failed\" error=\"plugin type=\\\"bridge\\\" failed (add): incompatible CNI versions; config is \\\"1.0.0\\\", plugin supports []\"\n".into();
        }),
        ("cgroup_driver_mismatch", |f| f.kubelet.cgroup_driver = Some("cgroupfs".into())),
        ("containerd_config_not_in_force", |f| f.runtime.config.as_mut().unwrap().systemd_cgroup = Some(false)),
        ("cni_config_missing", |f| {
            f.cni.confs.clear();
            f.runtime.answer.as_mut().unwrap().status.conditions[1].ok = false;
        }),
        ("cni_config_invalid", |f| f.cni.confs.insert(0, conf("00-broken.conflist", "{"))),
        ("cni_loopback_only", |f| {
            f.cni.confs.insert(0, conf("00-lo.conflist", r#"{"name":"lo","plugins":[{"type":"loopback"}]}"#))
        }),
        ("cni_placeholder_shadows", |f| f.cni.confs.insert(0, placeholder())),
        ("cni_placeholder_left", |f| f.cni.confs = vec![placeholder()]),
        ("cni_plugins_missing", |f| f.cni.missing = vec!["flannel".into()]),
        ("cni_config_leftover", |f| leftover(f, "the kubeconfig that it names, /x, is not there", true)),
        ("cni_config_leftover", |f| leftover(f, "calico-node does not run on this node", false)),
        ("cni_plugin_broken", |f| f.cni.broken = vec![broken("portmap", Cause::Empty)]),
        ("cni_plugin_broken", |f| f.cni.broken = vec![broken("bridge", Cause::NoExec)]),
        ("cni_not_loaded", |f| f.runtime.answer.as_mut().unwrap().status.conditions[1].ok = false),
        ("not_joined", |f| {
            f.kubelet.has_conf = false;
            f.kubelet.has_config = false;
        }),
        ("kubelet_missing", |f| f.kubelet.unit.as_mut().unwrap().load = "not-found".into()),
        ("kubelet_masked", |f| {
            f.kubelet.unit.as_mut().unwrap().masked = true;
            f.kubelet.health = None;
            f.kubelet.process.active = "inactive".into();
        }),
        ("kubelet_standalone", |f| f.kubelet.process.args = vec!["/usr/bin/kubelet".into()]),
        ("kubelet_credentials_missing", |f| {
            f.kubelet.no_credentials = Some("/var/lib/kubelet/pki/x.pem is not there".into())
        }),
        ("kubelet_credentials_missing", |f| {
            f.kubelet.no_credentials =
                Some("reading /etc/kubernetes/kubelet.conf as a kubeconfig: it has no server".into());
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        ("kubelet_certificate_expired", |f| {
            f.kubelet.expired = Some(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
            f.api.refusal = Some(Refusal::Rejected("(Unauthorized)".into()));
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        ("clock_off", |f| {
            f.kubelet.expired = Some(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
            f.api.clock_offset = Some(70_000_000);
        }),
        ("node_ip_foreign", |f| {
            f.kubelet.process.args.push("--node-ip=10.9.9.9".into());
            not_ready(f);
        }),
        ("kubelet_proxied", |f| {
            f.kubelet.server = "https://10.0.0.1:6443".into();
            let variables = |name: &str| (name == "HTTPS_PROXY").then(|| "http://proxy.lan:3128".to_owned());
            f.kubelet.proxies = kubeadm::proxy::Proxies::of(variables);
            not_ready(f);
        }),
        ("resolver_loopback", |f| {
            f.kubelet.loopback_resolvers = vec!["/etc/resolv.conf has nameserver 127.0.0.53".into()];
        }),
        ("network_left_behind", |f| {
            f.network.links.push(Link { name: "vxlan.calico".into(), kind: "vxlan".into(), ..Link::default() });
            f.network.sets = vec!["cali40this-host".into()];
        }),
        ("kubelet_file_missing", |f| {
            let why = "is not there".to_owned();
            f.kubelet.useless_files =
                vec![Useless { option: "resolvConf".into(), path: "/run/systemd/resolve/resolv.conf".into(), why }];
        }),
        ("kubelet_file_missing", |f| {
            let why = "has no certificate in it".to_owned();
            f.kubelet.useless_files = vec![Useless { option: "tlsCertFile".into(), path: "/x.crt".into(), why }];
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        ("swap_on", |f| {
            f.kubelet.swap = vec!["/dev/sda2".into()];
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        ("kubelet_failing", |f| {
            f.kubelet.health = None;
            f.kubelet.process.active = "activating".into();
        }),
        ("kubelet_unhealthy", |f| f.kubelet.health = Some(Health::Not("127.0.0.1:10248 answers 500".into()))),
        ("kubelet_stopped", |f| {
            f.kubelet.health = None;
            f.kubelet.process.active = "inactive".into();
        }),
        ("kubelet_not_enabled", |f| f.kubelet.unit.as_mut().unwrap().file_state = "disabled".into()),
        ("api_unreachable", |f| f.api.refusal = Some(Refusal::Unreachable("https://10.0.0.1:6443: refused".into()))),
        ("credentials_rejected", |f| f.api.refusal = Some(Refusal::Rejected("(Unauthorized)".into()))),
        ("node_deleted", |f| f.api.refusal = Some(Refusal::NoNode("nodes \"w1\" not found".into()))),
        ("node_not_ready", |f| {
            f.api.node.as_mut().unwrap()["status"]["conditions"][0] = json!({"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "PLEG is not healthy"});
        }),
        ("br_netfilter_missing", |f| f.network.br_netfilter = false),
        ("forwarding_off", |f| f.network.switched_off = vec!["/proc/sys/net/ipv4/ip_forward is 0".into()]),
        ("flannel_not_running", |f| f.network.flannel = None),
        ("control_plane_not_running", |f| {
            f.system_pods.ended = vec![ended("etcd", "etcd-cp1")];
            f.api.refusal = Some(Refusal::Unreachable("https://10.0.0.1:6443: refused".into()));
        }),
        ("kube_proxy_not_running", |f| {
            f.system_pods.ended = vec![ended("kube-proxy", "kube-proxy-4c6wf"), ended("coredns", "coredns-1")];
            f.network.flannel = None;
        }),
        ("coredns_not_running", |f| f.system_pods.ended = vec![ended("coredns", "coredns-1")]),
        ("bridge_address_wrong", |f| f.network.links[0] = bridge("10.244.0.1", 16)),
        // Not "starts with 10.244.": another node's subnet of the same network is wrong too.
        ("bridge_address_wrong", |f| f.network.links[0] = bridge("10.244.3.1", 24)),
        ("pod_cidr_mismatch", |f| {
            let flannel = f.network.flannel.as_mut().unwrap();
            flannel.bridge = Some(("10.244.9.1".parse().unwrap(), 24));
            f.network.links[0] = bridge("10.244.9.1", 24);
        }),
        ("bridge_missing", |f| {
            f.network.links.remove(0);
            f.network.links[0].master = None;
        }),
        ("bridge_is_no_bridge", |f| f.network.links[0].kind = "dummy".into()),
        ("bridge_address_missing", |f| f.network.links[0].addresses.clear()),
        ("veth_missing", |f| drop(f.network.links.remove(1))),
        ("veth_down", |f| f.network.links[1].up = false),
        ("bridge_down", |f| f.network.links[0].up = false),
        ("pods_unattached", |f| f.network.links[1].master = None),
        ("pod_addresses_foreign", |f| {
            f.runtime.answer.as_mut().unwrap().pods.push(pod("p2", "10.244.0.3"));
        }),
        ("vxlan_missing", |f| {
            f.api.node.as_mut().unwrap()["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-type"] =
                json!("vxlan");
        }),
        ("flannel_path_wrong", |f| {
            let words = "there is no route to 10.244.0.0/24, the pods of node cp1".to_owned();
            f.network.flannel_path = vec![node::flannel::Fault::Way(words)];
        }),
        ("mtu_mismatch", |f| f.network.links[0].mtu = 1500),
        ("mtu_mismatch", |f| f.network.links[1].mtu = 1500),
        ("mtu_mismatch", |f| {
            // The link below became narrower after flannel had made its VXLAN.
            let below = Link { index: 2, name: "eth0".into(), mtu: 1400, up: true, ..Link::default() };
            let vxlan = host::links::Vxlan { id: 1, port: 8472, over: Some(2), ..Default::default() };
            let tunnel = Link {
                index: 7,
                name: "flannel.1".into(),
                kind: "vxlan".into(),
                mtu: 1450,
                up: true,
                vxlan: Some(vxlan),
                ..Link::default()
            };
            f.network.links.extend([below, tunnel]);
        }),
        ("addresses_exhausted", |f| {
            let lease = |last: u8| Lease {
                network: "cbr0".into(),
                ip: std::net::Ipv4Addr::new(10, 244, 2, last).into(),
                container: "gone".into(),
                age: Duration::from_secs(1000),
            };
            f.network.leases = (2..255).map(lease).collect();
        }),
        ("leases_stale", |f| {
            f.network.leases.push(Lease {
                network: "cbr0".into(),
                ip: "10.244.2.9".parse().unwrap(),
                container: "gone".into(),
                age: Duration::from_secs(1000),
            });
        }),
    ]
}
