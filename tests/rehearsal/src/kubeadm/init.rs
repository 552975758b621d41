//! `kubeadm init`: the phases in upstream's order, with upstream's words.

use super::config::{self, Registration, flag};
use super::fail::Fail;
use super::{certs, cluster, machine, manifests, preflight, token};
use crate::yaml::{items, set, text};
use crate::{banner, clock, kubeconfig, place, run, version};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Everything init needs to know.
pub struct Init {
    /// this machine
    pub node: Registration,
    /// advertised address
    pub address: String,
    /// port of the API server
    pub port: u16,
    /// ClusterConfiguration with defaults filled in
    pub cluster: Value,
    /// KubeletConfiguration
    pub kubelet: Value,
    /// bootstrap tokens to make
    pub tokens: Vec<token::Token>,
    skip: Vec<String>,
}

/// The address of the default route's interface, as kubeadm picks it.
fn own_address() -> Result<String, Fail> {
    let routes = run::run("ip", &["-4", "route", "get", "8.8.8.8"], None).map(|ran| ran.out).unwrap_or_default();
    let mut words = routes.split_whitespace().skip_while(|word| *word != "src").skip(1);
    if let Some(address) = words.next() {
        return Ok(address.to_owned());
    }
    let addresses =
        run::run("ip", &["-4", "-o", "addr", "show", "scope", "global"], None).map(|ran| ran.out).unwrap_or_default();
    let first = addresses
        .split_whitespace()
        .skip_while(|word| *word != "inet")
        .nth(1)
        .and_then(|cidr| cidr.split('/').next())
        .map(str::to_owned);
    first.ok_or_else(|| {
        Fail::plain("couldn't use \"0.0.0.0\" as \"apiserver-advertise-address\", must be ipv4 or ipv6 address".into())
    })
}

impl Init {
    fn read(args: &[String]) -> Result<Self, Fail> {
        let documents = flag(args, "--config").map(|path| config::documents(&path)).transpose()?.unwrap_or_default();
        let init = config::of_kind(&documents, "InitConfiguration");
        let mut cluster = config::of_kind(&documents, "ClusterConfiguration");
        let default = |cluster: &mut Value, path: &str, flags: &str, value: &str| {
            let given = flag(args, flags).unwrap_or_else(|| text(cluster, path).to_owned());
            set(cluster, path, json!(if given.is_empty() { value.to_owned() } else { given }));
        };
        let own = version::claimed();
        cluster["kind"] = json!("ClusterConfiguration");
        cluster["apiVersion"] =
            json!(format!("kubeadm.k8s.io/{}", if version::at_least(31) { "v1beta4" } else { "v1beta3" }));
        default(&mut cluster, "/kubernetesVersion", "--kubernetes-version", &own.to_string());
        default(&mut cluster, "/imageRepository", "--image-repository", version::registry());
        default(&mut cluster, "/certificatesDir", "--cert-dir", "/etc/kubernetes/pki");
        default(&mut cluster, "/clusterName", "--cluster-name", "kubernetes");
        default(&mut cluster, "/networking/dnsDomain", "--service-dns-domain", "cluster.local");
        default(&mut cluster, "/networking/serviceSubnet", "--service-cidr", "10.96.0.0/12");
        let pods =
            flag(args, "--pod-network-cidr").unwrap_or_else(|| text(&cluster, "/networking/podSubnet").to_owned());
        if !pods.is_empty() {
            set(&mut cluster, "/networking/podSubnet", json!(pods));
        }
        if let Some(endpoint) = flag(args, "--control-plane-endpoint") {
            cluster["controlPlaneEndpoint"] = json!(endpoint);
        }
        if cluster["etcd"].is_null() {
            cluster["etcd"] = json!({"local": {"dataDir": "/var/lib/etcd"}});
        }
        let address = flag(args, "--apiserver-advertise-address")
            .unwrap_or_else(|| text(&init, "/localAPIEndpoint/advertiseAddress").to_owned());
        let address = if address.is_empty() { own_address()? } else { address };
        let mut tokens: Vec<token::Token> =
            items(&init, "/bootstrapTokens").iter().map(token::Token::from_config).collect::<Result<_, _>>()?;
        if let Some(given) = flag(args, "--token") {
            tokens = vec![token::Token::new(&given, flag(args, "--token-ttl").as_deref())?];
        }
        if tokens.is_empty() {
            tokens.push(token::Token::new(&token::generate(), flag(args, "--token-ttl").as_deref())?);
        }
        let subnet = text(&cluster, "/networking/serviceSubnet").to_owned();
        let domain = text(&cluster, "/networking/dnsDomain").to_owned();
        Ok(Self {
            node: config::registration(&init, args)?,
            address,
            port: init["localAPIEndpoint"]["bindPort"].as_u64().unwrap_or(6443) as u16,
            kubelet: machine::kubelet_config(&subnet, &domain, &config::of_kind(&documents, "KubeletConfiguration")),
            tokens,
            skip: super::phases_skipped(&init, args),
            cluster,
        })
    }

    /// host:port by which the control plane is reached.
    pub fn endpoint(&self) -> String {
        match text(&self.cluster, "/controlPlaneEndpoint") {
            "" => format!("{}:{}", self.address, self.port),
            given if given.contains(':') => given.to_owned(),
            host => format!("{host}:{}", self.port),
        }
    }

    /// The taints a control plane gets, unless the configuration says otherwise.
    pub fn taints(&self) -> Vec<Value> {
        let row = |role: &str| json!({"effect": "NoSchedule", "key": format!("node-role.kubernetes.io/{role}")});
        self.node.taints.clone().unwrap_or_else(|| match version::claimed().minor {
            ..24 => vec![row("master")],
            24 => vec![row("master"), row("control-plane")],
            _ => vec![row("control-plane")],
        })
    }
}

fn preflight(init: &Init) -> Result<(), Fail> {
    println!("[preflight] Running pre-flight checks");
    let mut checks = preflight::Checks::new(&init.node.ignore);
    checks.root()?;
    for port in [init.port, 10259, 10257] {
        checks.port_free(port);
    }
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
        checks.file_absent(&format!("/etc/kubernetes/manifests/{name}.yaml"));
    }
    checks.common(&init.node.cri_socket, &init.node.name);
    for port in [2379, 2380] {
        checks.port_free(port);
    }
    checks.dir_empty("/var/lib/etcd");
    checks.finish()?;
    println!("[preflight] Pulling images required for setting up a Kubernetes cluster");
    println!("[preflight] This might take a minute or two, depending on the speed of your internet connection");
    println!(
        "[preflight] You can also perform this action {}beforehand using 'kubeadm config images pull'",
        if version::at_least(28) { "" } else { "in " }
    );
    Ok(())
}

/// Runs the whole init.
pub fn run(args: &[String]) -> Result<(), Fail> {
    let init = Init::read(args)?;
    banner::leave_note();
    println!("[init] Using Kubernetes version: {}", text(&init.cluster, "/kubernetesVersion"));
    let skipped = |phase: &str| init.skip.iter().any(|name| name == phase);
    if !skipped("preflight") {
        preflight(&init).map_err(|fail| fail.during("preflight"))?;
    }
    let service = crate::apiserver::services::address(text(&init.cluster, "/networking/serviceSubnet"), 1)
        .map(|ip| ip.to_string())
        .unwrap_or_default();
    let mut extra: Vec<String> =
        items(&init.cluster, "/apiServer/certSANs").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    extra.push(init.endpoint().rsplit_once(':').map(|(host, _)| host.to_owned()).unwrap_or_default());
    extra.retain(|name| *name != init.address && !name.is_empty());
    let names = certs::Names {
        node: init.node.name.clone(),
        address: init.address.clone(),
        service,
        domain: text(&init.cluster, "/networking/dnsDomain").into(),
        extra,
    };
    let ca = certs::generate(&names).map_err(|fail| fail.during("certs"))?;
    certs::kubeconfigs(&ca, &init.node.name, &format!("https://{}", init.endpoint()))
        .map_err(|fail| fail.during("kubeconfig"))?;
    let start = || -> Result<(), Fail> {
        machine::write_flags(&init.node, &[])?;
        machine::write_config(&init.kubelet)?;
        machine::start_kubelet();
        Ok(())
    };
    // kubeadm stops the kubelet before it writes the files.
    machine::stop_kubelet();
    start().map_err(|fail| fail.during("kubelet-start"))?;
    let plane = manifests::Plane {
        address: init.address.clone(),
        port: init.port,
        services: text(&init.cluster, "/networking/serviceSubnet").into(),
        pods: text(&init.cluster, "/networking/podSubnet").into(),
        node: init.node.name.clone(),
        registry: text(&init.cluster, "/imageRepository").into(),
    };
    place::dir("/var/lib/etcd", 0o700)?;
    manifests::write_all(&plane).map_err(|fail| fail.during("control-plane"))?;
    wait().map_err(|fail| fail.during("wait-control-plane"))?;
    cluster::publish(&init, &ca.cert)?;
    finalize(&init.node.name).map_err(|fail| fail.during("kubelet-finalize"))?;
    cluster::addons(&init).map_err(|fail| fail.during("addon"))?;
    closing(&init, &ca.cert)
}

/// Waits up to four minutes for the API server that the kubelet starts from the manifests.
fn wait() -> Result<(), Fail> {
    if version::at_least(29) {
        println!(
            "[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods from directory \"/etc/kubernetes/manifests\""
        );
        machine::wait_health_new(Duration::from_secs(240))?;
        println!("[api-check] Waiting for a healthy API server. This can take up to 4m0s");
    } else {
        println!(
            "[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods from directory \"/etc/kubernetes/manifests\". This can take up to 4m0s"
        );
    }
    let api = kubeconfig::load("/etc/kubernetes/admin.conf")?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(240) {
        if api.get("/healthz?timeout=10s").is_ok() {
            let took = start.elapsed().as_secs_f64();
            if version::at_least(29) {
                println!("[api-check] The API server is healthy after {took:.9}s");
            } else {
                println!("[apiclient] All control plane components are healthy after {took:.6} seconds");
            }
            return Ok(());
        }
        clock::pause(Duration::from_millis(250));
    }
    machine::failed_old("timed out waiting for the condition");
    Err(Fail::plain("couldn't initialize a Kubernetes cluster".into()))
}

/// kubelet.conf then names the rotated certificate instead of carrying one.
fn finalize(node: &str) -> Result<(), Fail> {
    const PEM: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    println!(
        "[kubelet-finalize] Updating \"/etc/kubernetes/kubelet.conf\" to point to a rotatable kubelet client certificate and key"
    );
    let path = "/etc/kubernetes/kubelet.conf";
    let mut config = crate::yaml::parse(&place::read(path).unwrap_or_default())?;
    let embedded = |field: &str| crate::pki::unbase64(text(&config, &format!("/users/0/user/{field}")));
    if !std::path::Path::new(PEM).exists() {
        let both = [embedded("client-certificate-data")?, embedded("client-key-data")?].concat();
        place::write(PEM, both, 0o600)?;
    }
    config["users"] =
        json!([{"name": format!("system:node:{node}"), "user": {"client-certificate": PEM, "client-key": PEM}}]);
    Ok(place::replace(path, crate::yaml::write(&config), 0o600)?)
}

fn closing(init: &Init, ca: &str) -> Result<(), Fail> {
    let token = init.tokens.first().map(token::Token::text).unwrap_or_default();
    let pin = crate::pki::pins(ca)?.join(" ");
    println!(
        "
Your Kubernetes control-plane has initialized successfully!

To start using your cluster, you need to run the following as a regular user:

  mkdir -p $HOME/.kube
  sudo cp -i /etc/kubernetes/admin.conf $HOME/.kube/config
  sudo chown $(id -u):$(id -g) $HOME/.kube/config

Alternatively, if you are the root user, you can run:

  export KUBECONFIG=/etc/kubernetes/admin.conf

You should now deploy a pod network to the cluster.
Run \"kubectl apply -f [podnetwork].yaml\" with one of the options listed at:
  https://kubernetes.io/docs/concepts/cluster-administration/addons/

Then you can join any number of worker nodes by running the following on each as root:

kubeadm join {} --token {token} \\
	--discovery-token-ca-cert-hash {pin} ",
        init.endpoint()
    );
    Ok(())
}
