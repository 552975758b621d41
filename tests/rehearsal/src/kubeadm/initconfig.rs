//! InitConfiguration, ClusterConfiguration and the flags of `kubeadm init`, with kubeadm's defaults.

use super::config::{self, Registration, flag};
use super::fail::Fail;
use super::{machine, token};
use crate::yaml::{items, set, text};
use crate::{run, version};
use serde_json::{Value, json};

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
    /// phases left out
    pub skip: Vec<String>,
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
    /// Reads `--config` and flags, and fills in the defaults.
    pub fn read(args: &[String]) -> Result<Self, Fail> {
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
