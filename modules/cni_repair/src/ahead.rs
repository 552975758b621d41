//! What comes before the bridge: the configuration that is in force, its plugins, and flannel, which brings both.
//!
//! flannel's pod installs the file and its plugin in init containers and writes its subnet when it starts (kube-flannel.yml,
//! pkg/subnet/kube): what is missing of these comes back when its pod is made anew on this node.

use crate::findings::{Finding, finding};
use crate::observe::State;
use crate::plan::{Plan, Step};
use cni_placeholder::template::is_placeholder;
use host::cidr::Cidr;
use host::cni;
use host::cri::Client;
use host::deadline::Deadline;
use kubeadm::gate;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where distributions install plugins, beside the directory that the runtime looks into.
const DISTRIBUTION: &str = "/usr/lib/cni";

/// What was seen; all empty on a node that has not joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ahead {
    /// There is no configuration file.
    pub no_conf: bool,
    /// Files that hide a real network, each with the finding that it is and why.
    pub in_the_way: Vec<(PathBuf, &'static str, String)>,
    /// Plugins of the network that are in none of the runtime's directories.
    pub missing: Vec<String>,
    /// Those directories.
    pub plugin_dirs: Vec<PathBuf>,
    /// Those plugins that the distribution has, as (its file, where it is to be).
    pub linkable: Vec<(PathBuf, PathBuf)>,
    /// The network is flannel's, and flannel has not written its subnet.
    pub no_subnet: bool,
    /// What flannel wrote and the podCIDR that the Node has, where they differ.
    pub mismatch: Option<(Cidr, Cidr)>,
    /// The kubelet runs, so that a pod that is removed comes back.
    pub kubelet_runs: bool,
}

/// Looks; `wrote` is what flannel's file says.
pub fn observe(unit: &str, socket: &str, wrote: Option<Cidr>, deadline: &Deadline) -> anyhow::Result<Ahead> {
    let joined = Path::new(kubeadm::kubeconfig::KUBELET_CONF).exists() && Path::new(gate::CONFIG).exists();
    if !joined {
        return Ok(Ahead::default());
    }
    let confs = cni::load(cni::CONF_DIR)?;
    let is_real = |conf: &cni::Conf| conf.network.as_ref().is_ok_and(|n| !n.is_loopback_only() && !is_placeholder(n));
    let real = confs.iter().position(is_real);
    let network = real.and_then(|index| confs[index].network.as_ref().ok());
    let mut seen = Ahead { no_conf: confs.is_empty(), ..Ahead::default() };
    for conf in &confs[..real.unwrap_or(0)] {
        match &conf.network {
            Err(why) => seen.in_the_way.push((conf.path.clone(), "cni_config_invalid", why.clone())),
            Ok(n) if n.is_loopback_only() => {
                seen.in_the_way.push((conf.path.clone(), "cni_loopback_only", "it has only the loopback".into()));
            }
            Ok(_) => {}
        }
    }
    if let Some(network) = network {
        let dirs = plugin_dirs(socket, deadline);
        seen.missing = cni::missing(&network.programs(), &dirs).into_iter().map(str::to_owned).collect();
        let link = |name: &String| (Path::new(DISTRIBUTION).join(name), dirs.first().map(|dir| dir.join(name)));
        let links = seen.missing.iter().map(link).filter_map(|(from, to)| Some((from, to?)));
        seen.linkable = links.filter(|(from, _)| from.is_file()).collect();
        seen.plugin_dirs = dirs;
    }
    let flannels = network.is_some_and(|network| network.types().contains(&"flannel"));
    seen.no_subnet = flannels && wrote.is_none();
    let given = wrote.and_then(|_| crate::subnet::given_to_flannel(deadline));
    seen.mismatch = wrote.zip(given).filter(|(a, b)| a != b && a.address().is_ipv4() == b.address().is_ipv4());
    seen.kubelet_runs = gate::Unit::observe(unit, deadline).is_ok_and(|unit| unit.running());
    Ok(seen)
}

/// By the runtime's own word; without it where Kubernetes expects them.
fn plugin_dirs(socket: &str, deadline: &Deadline) -> Vec<PathBuf> {
    let status = Client::connect(socket, &deadline.at_most(Duration::from_secs(5))).and_then(|mut cri| cri.status());
    let dirs = status.map(|status| status.plugin_dirs()).unwrap_or_default();
    if dirs.is_empty() { vec!["/opt/cni/bin".into()] } else { dirs.into_iter().map(PathBuf::from).collect() }
}

impl Ahead {
    /// What is wrong.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.no_conf {
            found.push(finding(
                "cni_config_missing",
                format!("{} has no configuration", cni::CONF_DIR),
                "no pod starts",
                "make flannel's pod on this node anew, which installs its file",
            ));
        }
        for (path, id, why) in &self.in_the_way {
            found.push(finding(
                id,
                format!("{} is loaded before the real network: {why}", path.display()),
                "no pod starts",
                "put a copy of the file aside and delete it",
            ));
        }
        if !self.missing.is_empty() {
            found.push(finding(
                "cni_plugins_missing",
                self.missing.join(", "),
                "no pod starts",
                "link the distribution's, and make flannel's pod on this node anew, which installs its own",
            ));
        }
        if self.no_subnet {
            found.push(finding(
                "flannel_not_running",
                format!("{} is not there", crate::subnet::SUBNET_ENV),
                "no pod starts: new pods wait for flannel",
                "make flannel's pod on this node anew",
            ));
        }
        if let Some((wrote, given)) = &self.mismatch {
            found.push(finding(
                "pod_cidr_mismatch",
                format!("{} says {wrote}, the Node's podCIDR is {given}", crate::subnet::SUBNET_ENV),
                "nobody else can reach this node's pods: other nodes send these addresses elsewhere",
                "make flannel's pod on this node anew, which writes the file anew",
            ));
        }
        found
    }

    /// What is done about it, before the bridge is looked at again. Empty when nothing is to be done.
    pub fn plan(&self, state: &State) -> Plan {
        let mut plan = Plan::default();
        if state.runtime_error.is_some() {
            return plan;
        }
        if !self.in_the_way.is_empty() {
            plan.steps.push(Step::SetAside(self.in_the_way.iter().map(|(path, ..)| path.clone()).collect()));
        }
        if !self.linkable.is_empty() {
            plan.steps.push(Step::LinkPlugins(self.linkable.clone()));
        }
        let own = self.missing.iter().any(|name| name == "flannel");
        let others = |name: &&String| *name != "flannel" && !self.linkable.iter().any(|(from, _)| from.ends_with(name));
        let others: Vec<&str> = self.missing.iter().filter(others).map(String::as_str).collect();
        if !others.is_empty() {
            plan.left.push(format!(
                "cni_plugins_missing: install {} (Debian: containernetworking-plugins)",
                others.join(", ")
            ));
        }
        if !(self.no_conf || own || self.no_subnet || self.mismatch.is_some()) {
            return plan;
        }
        if !self.kubelet_runs {
            plan.left.push("flannel's pod has to be made anew, and the kubelet does not run".to_owned());
        } else if self.no_conf && state.flannel.is_empty() && !Path::new(crate::subnet::SUBNET_ENV).exists() {
            plan.left.push(
                "cni_config_missing: no pod of flannel's is on this node; the network add-on has to install its file"
                    .to_owned(),
            );
        } else {
            plan.steps.push(Step::RestartFlannel(state.flannel.clone()));
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::healthy;

    fn steps(ahead: Ahead) -> (Vec<&'static str>, Vec<String>, Vec<String>) {
        let mut state = healthy();
        state.flannel =
            vec![crate::observe::Pod { name: "kube-flannel/kube-flannel-ds-x".into(), ..Default::default() }];
        let plan = ahead.plan(&state);
        (ahead.findings().iter().map(|f| f.id).collect(), plan.describe(&state), plan.left)
    }

    #[test]
    fn what_flannel_brings_comes_back_with_its_pod() {
        let running = || Ahead { kubelet_runs: true, ..Ahead::default() };
        let cidr = |text: &str| text.parse::<Cidr>().unwrap();
        let mismatch = Some((cidr("10.244.9.0/24"), cidr("10.244.2.0/24")));
        for (id, ahead) in [
            ("cni_config_missing", Ahead { no_conf: true, ..running() }),
            ("cni_plugins_missing", Ahead { missing: vec!["flannel".into()], ..running() }),
            ("flannel_not_running", Ahead { no_subnet: true, ..running() }),
            ("pod_cidr_mismatch", Ahead { mismatch, ..running() }),
        ] {
            let restart = vec!["recreate pod kube-flannel/kube-flannel-ds-x".to_owned()];
            assert_eq!(steps(ahead.clone()), (vec![id], restart, vec![]));
            let (_, steps, left) = steps(Ahead { kubelet_runs: false, ..ahead });
            assert_eq!((steps.len(), left.len()), (0, 1), "{id}: nobody would make the pod again");
        }
    }

    #[test]
    fn plugins_are_linked_where_the_distribution_has_them_and_asked_for_where_not() {
        let linkable = vec![("/usr/lib/cni/bridge".into(), "/opt/cni/bin/bridge".into())];
        let ahead = Ahead { missing: vec!["bridge".into(), "portmap".into()], linkable, ..Ahead::default() };
        let (ids, steps, left) = steps(ahead);
        assert_eq!((ids, steps), (vec!["cni_plugins_missing"], vec!["link plugin bridge".to_owned()]));
        assert!(left[0].contains("install portmap "), "{left:?}");
    }

    #[test]
    fn a_file_that_hides_the_real_network_is_put_aside() {
        let in_the_way = vec![("/etc/cni/net.d/00-lo.conf".into(), "cni_loopback_only", "x".to_owned())];
        let (ids, steps, _) = steps(Ahead { in_the_way, ..Ahead::default() });
        assert_eq!((ids, steps), (vec!["cni_loopback_only"], vec!["put /etc/cni/net.d/00-lo.conf aside".to_owned()]));
    }
}
