//! Addresses that a static pod has put on a link of this machine: kube-vip's, and keepalived's. Nobody takes them off when
//! the pod ends with its machine's kubelet, so two machines may have one; a later join to such an address meets this machine
//! itself. They stay, because nothing proves who put them there, and are told.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use host::files;
use host::links::{Address, Link};
use kubeadm::kubeconfig::yaml;
use serde_json::Value;

/// Where the kubelet of kubeadm finds static pods.
const MANIFESTS: &str = "/etc/kubernetes/manifests";
/// kube-vip's variables (pkg/kubevip/config_envvar.go: vip_address until 0.4, address since).
const VARIABLES: [&str; 2] = ["address", "vip_address"];

/// Those that are on a link, as `10.0.0.100/32 on eth0`, each with who put it there and how it goes.
pub(crate) fn held(links: &[Link]) -> Vec<(PathBuf, String)> {
    let paths = files::names(MANIFESTS).unwrap_or_default().into_iter().map(|name| Path::new(MANIFESTS).join(name));
    let text = |path: &Path| files::read_text(path).ok().flatten();
    let named = |path: PathBuf| {
        let addresses = text(&path).map(|manifest| named(&manifest, &text)).unwrap_or_default();
        addresses.into_iter().map(move |ip| (path.clone(), ip))
    };
    paths.flat_map(named).filter_map(|(path, ip)| told(&path, ip, links)).collect()
}

fn told(manifest: &Path, ip: IpAddr, links: &[Link]) -> Option<(PathBuf, String)> {
    let (link, address) = links.iter().find_map(|link| Some((link, link.addresses.iter().find(|a| a.ip == ip)?)))?;
    let Address { ip, prefix } = address;
    let name = &link.name;
    let why = format!(
        "the pod of {} puts it there, and it does not go with that: ip address del {ip}/{prefix} dev {name}, unless it is this machine's own",
        manifest.display()
    );
    Some((PathBuf::from(format!("{ip}/{prefix} on {name}")), why))
}

/// The addresses that a manifest names for its pod to put on a link; `file` reads what it mounts.
fn named(manifest: &str, file: &dyn Fn(&Path) -> Option<String>) -> Vec<IpAddr> {
    let Ok(pod) = yaml(manifest) else { return Vec::new() };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let containers = list(&pod["spec"]["containers"]);
    let is_of = |name: &str| containers.iter().any(|c| c["image"].as_str().is_some_and(|image| image.contains(name)));
    let mut all = Vec::new();
    if is_of("kube-vip") {
        let variables = containers.iter().flat_map(|container| list(&container["env"]));
        let ours = variables.filter(|one| one["name"].as_str().is_some_and(|name| VARIABLES.contains(&name)));
        all.extend(ours.filter_map(|one| address(one["value"].as_str()?)));
    }
    if is_of("keepalived") {
        let volumes = list(&pod["spec"]["volumes"]);
        let mounted = volumes.iter().filter_map(|volume| volume["hostPath"]["path"].as_str());
        // The file itself, or the directory it lies in.
        let texts = mounted.flat_map(|path| [PathBuf::from(path), Path::new(path).join("keepalived.conf")]);
        all.extend(texts.filter_map(|path| file(&path)).flat_map(|text| virtual_addresses(&text)));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// `virtual_ipaddress { ADDRESS[/PREFIX] [dev LINK] ... }`, and `virtual_ipaddress_excluded` (keepalived.conf(5)).
fn virtual_addresses(conf: &str) -> Vec<IpAddr> {
    let lines = conf.lines().map(|line| line.split(['#', '!']).next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n");
    let blocks = text.split("virtual_ipaddress").skip(1).filter_map(|rest| rest.split_once('{')?.1.split_once('}'));
    blocks.flat_map(|(block, _)| block.lines().filter_map(|line| address(line.split_whitespace().next()?))).collect()
}

fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBE_VIP: &str = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: ghcr.io/kube-vip/kube-vip:v0.8.0\n    env:\n    \
        - {name: vip_interface, value: eth0}\n    - {name: address, value: 10.0.0.100}\n    - {name: port, value: \"6443\"}\n";
    const KEEPALIVED: &str = "spec:\n  containers:\n  - {image: osixia/keepalived:2.0.20}\n  volumes:\n  \
        - hostPath: {path: /etc/keepalived/keepalived.conf}\n";
    const CONF: &str = "vrrp_instance VI_1 {\n  interface eth0\n  unicast_peer {\n    10.0.0.3\n  }\n  virtual_ipaddress {\n    \
        10.0.0.101/24 dev eth0 # ours\n    fd00::101\n  }\n}\n";

    fn of(manifest: &str) -> Vec<String> {
        let file = |path: &Path| path.ends_with("keepalived.conf").then(|| CONF.to_owned());
        named(manifest, &file).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_are_those_that_the_pod_is_to_put_on_a_link() {
        assert_eq!(of(KUBE_VIP), ["10.0.0.100"]);
        assert_eq!(of(KEEPALIVED), ["10.0.0.101", "fd00::101"]);
        assert_eq!(of(&KEEPALIVED.replace("/keepalived.conf", "")), ["10.0.0.101", "fd00::101"]);
        let server = "spec:\n  containers:\n  - image: k8s.gcr.io/kube-apiserver:v1.28.7\n    env: [{name: address, value: 10.0.0.9}]\n";
        for nothing in [server, "", "\t{", "[]", "spec: {containers: {}}"] {
            assert_eq!(of(nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn only_what_is_on_a_link_is_told() {
        let addresses = vec![Address { ip: "10.0.0.100".parse().unwrap(), prefix: 32 }];
        let links = [Link { name: "eth0".into(), addresses, ..Link::default() }];
        let manifest = Path::new("/etc/kubernetes/manifests/kube-vip.yaml");
        let (what, why) = told(manifest, "10.0.0.100".parse().unwrap(), &links).unwrap();
        assert_eq!(what, Path::new("10.0.0.100/32 on eth0"));
        assert!(why.contains("kube-vip.yaml") && why.contains("ip address del 10.0.0.100/32 dev eth0"), "{why}");
        assert_eq!(told(manifest, "10.0.0.101".parse().unwrap(), &links), None);
    }
}
