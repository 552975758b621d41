//! What the cluster that is here was made with, against what is asked for now. None of it can be changed by an
//! initialisation, and a setting that is left unheeded without a word is a wrong one. Pure.

use crate::args::Args;
use kubeadm::version::Version;
use serde_json::Value;

/// What kubeadm's ConfigMap says of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `networking.podSubnet`.
    pub pod_network: Option<String>,
    /// `networking.serviceSubnet`.
    pub service_network: Option<String>,
    /// `kubernetesVersion`, as kubeadm last set it.
    pub version: Option<String>,
}

impl Settings {
    /// Reads the ClusterConfiguration.
    pub fn read(cluster: &Value) -> Self {
        let text = |path: &str| cluster.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Settings {
            pod_network: text("/networking/podSubnet"),
            service_network: text("/networking/serviceSubnet"),
            version: text("/kubernetesVersion"),
        }
    }

    /// Which of the options is not what the cluster has; a sentence that says what then.
    pub fn other(&self, args: &Args) -> Option<String> {
        let networks = [
            ("pod_network_cidr", &args.pod_network_cidr, &self.pod_network),
            ("service_cidr", &args.service_cidr, &self.service_network),
        ];
        for (name, asked, there) in networks {
            if let (Some(asked), Some(there)) = (asked, there)
                && !same_list(asked, there)
            {
                return Some(format!(
                    "option {name} is {asked}, and the cluster that is here has {there}, which cannot be changed: give {there}, or leave it out"
                ));
            }
        }
        let (asked, there) = (args.kubernetes_version.as_deref()?, self.version.as_deref()?);
        (!fits(asked, there)).then(|| {
            format!("option kubernetes_version is {asked}, and the cluster that is here runs {there}: this upgrades no cluster; give {there}, or leave it out")
        })
    }
}

/// Why this kubeadm cannot make the release that is asked for; none when it can.
pub fn other_kubeadm(args: &Args, kubeadm: Version) -> Option<String> {
    let asked = args.kubernetes_version.as_deref()?;
    (is_release(asked) && !fits(asked, &kubeadm.to_string())).then(|| {
        format!("option kubernetes_version is {asked}, and the kubeadm of this machine is {kubeadm}: install kubeadm {asked}, or leave it out")
    })
}

/// What kubeadm is told; a release without a patch is that of the kubeadm there is.
pub fn version(args: &Args, kubeadm: Version) -> String {
    args.kubernetes_version.clone().filter(|asked| !is_release(asked)).unwrap_or_else(|| kubeadm.to_string())
}

/// `1.31`, without a patch.
fn is_release(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_start_matches('v').split('.').collect();
    parts.len() == 2 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

/// A label such as stable-1.31 says nothing about what is here.
fn fits(asked: &str, there: &str) -> bool {
    let (Ok(wanted), Ok(found)) = (Version::parse(asked), Version::parse(there)) else { return true };
    if is_release(asked) { (wanted.major, wanted.minor) == (found.major, found.minor) } else { wanted == found }
}

fn same_list(a: &str, b: &str) -> bool {
    let set = |text: &str| {
        let mut parts: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
        parts.sort_unstable();
        parts
    };
    set(a) == set(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::tests::args;
    use serde_json::json;

    fn there() -> Settings {
        Settings::read(&json!({
            "kubernetesVersion": "v1.31.2",
            "networking": {"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/12"}
        }))
    }

    #[test]
    fn a_setting_that_the_cluster_does_not_have_is_told_and_one_that_was_not_given_is_not() {
        for (given, words) in [
            (
                json!({"pod_network_cidr": "10.99.0.0/16"}),
                "pod_network_cidr is 10.99.0.0/16, and the cluster that is here has 10.244.0.0/16",
            ),
            (json!({"service_cidr": "10.97.0.0/16"}), "service_cidr is 10.97.0.0/16"),
            (
                json!({"kubernetes_version": "1.30"}),
                "kubernetes_version is 1.30, and the cluster that is here runs v1.31.2",
            ),
            (json!({"kubernetes_version": "1.31.3"}), "kubernetes_version is 1.31.3"),
        ] {
            let why = there().other(&args(given.clone())).unwrap_or_default();
            assert!(why.contains(words), "{given}: {why}");
        }
        for given in [
            json!({}),
            json!({"pod_network_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12", "kubernetes_version": "v1.31.2"}),
            json!({"kubernetes_version": "1.31"}),
            json!({"kubernetes_version": "stable-1.31"}),
        ] {
            assert_eq!(there().other(&args(given)), None);
        }
        assert_eq!(Settings::default().other(&args(json!({"pod_network_cidr": "10.99.0.0/16"}))), None);
    }

    #[test]
    fn a_release_is_that_of_the_kubeadm_there_is_or_refused() {
        let kubeadm = Version::parse("v1.31.2").unwrap();
        assert_eq!(version(&args(json!({"kubernetes_version": "1.31"})), kubeadm), "v1.31.2");
        assert_eq!(version(&args(json!({"kubernetes_version": "1.31.1"})), kubeadm), "1.31.1");
        assert!(
            other_kubeadm(&args(json!({"kubernetes_version": "1.30"})), kubeadm)
                .unwrap()
                .contains("install kubeadm 1.30")
        );
        assert_eq!(other_kubeadm(&args(json!({"kubernetes_version": "1.31"})), kubeadm), None);
    }
}
