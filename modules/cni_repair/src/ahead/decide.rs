//! What is wrong with what comes before the bridge, and what is done about it. Pure.

use super::Ahead;
use crate::findings::{Finding, finding};
use crate::observe::State;
use crate::plan::{Plan, Step};
use host::cni;
use host::cni::plugins::Broken;
use node::cni::comes_with_flannel;
use node::code::Code;
use std::path::PathBuf;

impl Ahead {
    /// What is wrong.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.no_conf {
            found.push(finding(
                Code::CniConfigMissing,
                format!("{} has no configuration", cni::CONF_DIR),
                "no pod starts",
                "make flannel's pod on this node anew, which installs its file",
            ));
        }
        if let Some((path, maker)) = self.foreign.as_ref().filter(|_| self.without_flannels()) {
            found.push(finding(
                Code::CniConfigForeign,
                format!("{} is {maker} and the only network, though flannel has run here", path.display()),
                "pods get addresses that no other node knows",
                "make flannel's pod on this node anew, which installs its file before that one",
            ));
        }
        for (path, id, why) in &self.in_the_way {
            found.push(finding(
                *id,
                format!("{} is loaded before the real network: {why}", path.display()),
                "no pod starts",
                "put a copy of the file aside and delete it",
            ));
        }
        for (path, id, why) in &self.not_ours {
            found.push(finding(
                *id,
                format!("{} is loaded, and there is no network behind it: {why}", path.display()),
                "no pod starts",
                "mend or remove the file by hand, and install the pod network on the cluster",
            ));
        }
        if !self.broken.is_empty() {
            let all: Vec<String> = self.broken.iter().map(ToString::to_string).collect();
            found.push(finding(
                Code::CniPluginBroken,
                all.join("; "),
                "no pod starts",
                "put a copy of it aside, link the distribution's, and make flannel's pod on this node anew for its own",
            ));
        }
        if !self.missing.is_empty() {
            found.push(finding(
                Code::CniPluginsMissing,
                self.missing.join(", "),
                "no pod starts",
                "link the distribution's, and make flannel's pod on this node anew, which installs its own",
            ));
        }
        if self.no_subnet {
            found.push(finding(
                Code::FlannelNotRunning,
                format!("{} is not there", crate::subnet::SUBNET_ENV),
                "no pod starts: new pods wait for flannel",
                "make flannel's pod on this node anew",
            ));
        }
        if let Some((wrote, given)) = &self.mismatch {
            found.push(finding(
                Code::PodCidrMismatch,
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
        // The only file goes when flannel's pod can write it anew, and not before.
        if !self.in_the_way.is_empty() && (self.kubelet_runs || !self.no_network) {
            let files = self.in_the_way.iter().map(|(path, ..)| path.clone()).collect();
            plan.steps.push(Step::SetAside { files, loads: !self.no_network });
        }
        let linked = |broken: &&Broken| self.linkable.iter().any(|(_, link)| *link == broken.path);
        let damaged: Vec<PathBuf> = self.broken.iter().filter(linked).map(|broken| broken.path.clone()).collect();
        if !damaged.is_empty() {
            plan.steps.push(Step::SetAside { files: damaged, loads: !self.no_network });
        }
        if !self.linkable.is_empty() {
            plan.steps.push(Step::LinkPlugins(self.linkable.clone()));
        }
        let own = self.missing.iter().any(|name| name == "flannel") || self.broken.iter().any(comes_with_flannel);
        let others = |name: &&String| *name != "flannel" && !self.linkable.iter().any(|(from, _)| from.ends_with(name));
        let others: Vec<&str> = self.missing.iter().filter(others).map(String::as_str).collect();
        if !others.is_empty() {
            plan.left.push(format!(
                "cni_plugins_missing: install {} (Debian: containernetworking-plugins)",
                others.join(", ")
            ));
        }
        let stuck = self.broken.iter().filter(|broken| !linked(broken) && !comes_with_flannel(broken));
        plan.left.extend(stuck.map(|broken| format!("cni_plugin_broken: {broken}")));
        let by_hand = self.not_ours.iter();
        plan.left.extend(
            by_hand.map(|(path, id, why)| format!("{id}: a person has to mend or remove {}: {why}", path.display())),
        );
        let anew = self.no_network && !self.in_the_way.is_empty() || self.without_flannels();
        if !(self.no_conf || anew || own || self.no_subnet || self.mismatch.is_some()) {
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
            plan.steps.push(Step::RestartFlannel(state.flannel.clone(), Box::new(self.clone())));
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::healthy;
    use host::cidr::Cidr;
    use host::cni::plugins::Cause;

    fn steps(ahead: Ahead) -> (Vec<Code>, Vec<String>, Vec<String>) {
        let mut state = healthy();
        state.flannel =
            vec![crate::observe::Pod { name: "kube-flannel/kube-flannel-ds-x".into(), ..Default::default() }];
        let plan = ahead.plan(&state);
        (ahead.findings().iter().map(|f| f.id).collect(), plan.describe(), plan.left)
    }

    #[test]
    fn what_flannel_brings_comes_back_with_its_pod() {
        let running = || Ahead { kubelet_runs: true, ..Ahead::default() };
        let cidr = |text: &str| text.parse::<Cidr>().unwrap();
        let mismatch = Some((cidr("10.244.9.0/24"), cidr("10.244.2.0/24")));
        for (id, ahead) in [
            (Code::CniConfigMissing, Ahead { no_conf: true, ..running() }),
            (Code::CniPluginsMissing, Ahead { missing: vec!["flannel".into()], ..running() }),
            (Code::FlannelNotRunning, Ahead { no_subnet: true, ..running() }),
            (Code::PodCidrMismatch, Ahead { mismatch, ..running() }),
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
        assert_eq!((ids, steps), (vec![Code::CniPluginsMissing], vec!["link plugin bridge".to_owned()]));
        assert!(left[0].contains("install portmap "), "{left:?}");
    }

    #[test]
    fn a_damaged_plugin_is_put_aside_for_one_that_runs_and_flannels_comes_with_its_pod() {
        let broken = |plugin: &str, cause| Broken {
            plugin: plugin.into(),
            path: format!("/opt/cni/bin/{plugin}").into(),
            cause,
        };
        let ahead = Ahead {
            broken: vec![
                broken("flannel", Cause::Empty),
                broken("portmap", Cause::Empty),
                broken("bridge", Cause::NoExec),
            ],
            linkable: vec![("/usr/lib/cni/portmap".into(), "/opt/cni/bin/portmap".into())],
            kubelet_runs: true,
            ..Ahead::default()
        };
        let (ids, steps, left) = steps(ahead);
        assert_eq!(ids, [Code::CniPluginBroken]);
        assert_eq!(
            steps,
            ["put /opt/cni/bin/portmap aside", "link plugin portmap", "recreate pod kube-flannel/kube-flannel-ds-x"]
        );
        assert_eq!(left, ["cni_plugin_broken: /opt/cni/bin/bridge: it lies on a mount with the option noexec"]);
    }

    #[test]
    fn flannels_own_file_that_is_invalid_is_written_anew_and_somebody_elses_is_left_to_a_person() {
        let one =
            |name: &str| (format!("/etc/cni/net.d/{name}").into(), Code::CniConfigInvalid, "is no JSON: x".to_owned());
        let only = Ahead { no_network: true, kubelet_runs: true, subnet_file: true, ..Ahead::default() };
        let (ids, done, left) = steps(Ahead { in_the_way: vec![one("10-flannel.conflist")], ..only.clone() });
        assert_eq!(ids, [Code::CniConfigInvalid]);
        assert_eq!(
            done,
            ["put /etc/cni/net.d/10-flannel.conflist aside", "recreate pod kube-flannel/kube-flannel-ds-x"]
        );
        assert!(left.is_empty(), "{left:?}");
        let (ids, done, left) = steps(Ahead { not_ours: vec![one("10-site.conflist")], ..only });
        assert_eq!((ids, done), (vec![Code::CniConfigInvalid], vec![]));
        assert!(left[0].contains("a person has to mend or remove /etc/cni/net.d/10-site.conflist"), "{left:?}");
    }

    #[test]
    fn a_file_that_hides_the_real_network_is_put_aside() {
        let in_the_way = vec![("/etc/cni/net.d/00-lo.conf".into(), Code::CniLoopbackOnly, "x".to_owned())];
        let (ids, steps, _) = steps(Ahead { in_the_way, ..Ahead::default() });
        assert_eq!((ids, steps), (vec![Code::CniLoopbackOnly], vec!["put /etc/cni/net.d/00-lo.conf aside".to_owned()]));
    }
}
