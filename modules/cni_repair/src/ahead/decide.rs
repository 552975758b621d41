//! What is wrong with what comes before the bridge, and what is done about it. Pure.

use super::Ahead;
use crate::findings::{Finding, finding};
use crate::observe::State;
use crate::plan::{Plan, Step};
use host::cni;

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
        } else if self.no_conf && state.flannel.is_empty() && !self.subnet_file {
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
    use host::cidr::Cidr;

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
