//! Nothing, or an initialisation; or a refusal. Pure.

use crate::args::Args;
use crate::observe::State;
use crate::settings;
use ansible::{Diff, Failure};
use kubeadm::classify::Class;
use kubeadm::gate::{Method, Unit};
use kubeadm::version::Version;

/// What is to be done, and with what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The kind of it.
    pub work: Work,
    /// The kubelet's unit.
    pub unit: Unit,
    /// Whose configuration is written.
    pub kubeadm: Version,
    /// The Node's name.
    pub node_name: String,
    /// What an initialisation that was cut off lacks.
    lacking: String,
}

/// The kind of what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A healthy control plane.
    Nothing,
    /// A healthy control plane whose kubelet is still held back by an earlier run that was killed.
    Release,
    /// A healthy control plane whose `kubeadm init` did not come to its end.
    Finish,
    /// A first control plane.
    Init,
}

/// Decides; refuses what an initialisation would destroy.
pub fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
    let Some(kubeadm) = state.kubeadm else {
        return refuse(
            Class::KubeadmMissing,
            "kubeadm is not installed on this machine, or not in its search path: install the package kubeadm".into(),
        );
    };
    if state.unit.load == "not-found" {
        return refuse(
            Class::KubeletUnitMissing,
            "this machine has no kubelet.service: install the package kubelet".into(),
        );
    }
    let differs =
        if state.admin.is_some() { state.settings.other(args) } else { settings::other_kubeadm(args, kubeadm) };
    if let Some(why) = differs {
        return refuse(Class::SettingsDiffer, why);
    }
    Ok(Plan {
        work: work(args, state)?,
        unit: state.unit.clone(),
        kubeadm,
        node_name: state.node_name.clone(),
        lacking: state.unfinished.clone().unwrap_or_default(),
    })
}

fn work(args: &Args, state: &State) -> anyhow::Result<Work> {
    match (&state.admin, &state.unhealthy) {
        (Some(_), None) if state.unfinished.is_some() => Ok(Work::Finish),
        (Some(_), None) if state.unit.held() != Method::None => Ok(Work::Release),
        (Some(_), None) => Ok(Work::Nothing),
        (Some(admin), Some(why)) => refuse(
            Class::ControlPlaneUnhealthy,
            format!(
                "this machine is the control plane at {} and its API server does not answer: {why}; it is not initialised over",
                admin.endpoint()
            ),
        ),
        (None, _) if state.worker => refuse(
            Class::JoinedElsewhere,
            "this machine is joined as a worker (/etc/kubernetes/kubelet.conf): reset it first".into(),
        ),
        (None, _) if !state.remains.is_empty() && args.ignore_preflight_errors.is_empty() => refuse(
            Class::HalfMade,
            format!(
                "a control plane was begun or was here before ({}): reset this machine first, with control_plane allowed",
                state.remains.join(", ")
            ),
        ),
        (None, _) => Ok(Work::Init),
    }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.work == Work::Nothing
    }

    fn diff(&self) -> Vec<Diff> {
        let before = match self.work {
            Work::Nothing | Work::Release => return Vec::new(),
            Work::Finish => format!("without {}\n", self.lacking),
            Work::Init => String::new(),
        };
        vec![Diff::new(&self.node_name, before, "control plane\n")]
    }
}

fn refuse<T>(class: Class, why: String) -> anyhow::Result<T> {
    let row = class.row();
    let failure = Failure::new(format!("{why} (see {})", row.help())).field("failure_class", class.name());
    let failure = failure.field("explanation", why).field("help", row.help());
    let failure = failure.field("next_action", row.action.name()).field("retry_safe", row.retry_safe);
    Err(failure.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::tests::args;
    use crate::settings::Settings;
    use ansible::Plan as _;
    use kubeadm::kubeconfig::Kubeconfig;
    use proptest::prelude::*;
    use serde_json::json;

    fn bare() -> State {
        State {
            kubeadm: Version::parse("v1.31.0").ok(),
            unit: Unit {
                name: "kubelet.service".into(),
                load: "loaded".into(),
                file_state: "enabled".into(),
                fragment: None,
                active: "inactive".into(),
                masked: false,
                gated: false,
                remembered: None,
            },
            admin: None,
            unhealthy: None,
            unfinished: None,
            settings: Settings::default(),
            remains: vec![],
            worker: false,
            ca_cert_hash: None,
            node_name: "cp1".into(),
        }
    }

    fn class(state: &State) -> String {
        format!("{:?}", plan(&args(json!({})), state).unwrap_err().downcast::<Failure>().unwrap())
    }

    #[test]
    fn a_bare_machine_is_initialised_and_a_healthy_control_plane_left_alone() {
        assert_eq!(plan(&args(json!({})), &bare()).unwrap().work, Work::Init);
        let admin = Some(Kubeconfig { server: "https://10.0.0.1:6443".into(), ..Kubeconfig::default() });
        let state = State { admin, remains: vec!["/var/lib/etcd".into()], ..bare() };
        assert_eq!(plan(&args(json!({})), &state).unwrap().work, Work::Nothing);
    }

    #[test]
    fn an_initialisation_that_was_cut_off_is_finished_and_not_begun_again() {
        let admin = Some(Kubeconfig { server: "https://10.0.0.1:6443".into(), ..Kubeconfig::default() });
        let state = State { admin, unfinished: Some("ConfigMap kubeadm-config".into()), ..bare() };
        assert_eq!(plan(&args(json!({})), &state).unwrap().work, Work::Finish);
    }

    #[test]
    fn nothing_is_initialised_over_what_may_be_somebodys_cluster() {
        let admin = Some(Kubeconfig { server: "https://10.0.0.1:6443".into(), ..Kubeconfig::default() });
        let sick = State { admin, unhealthy: Some("refused".into()), ..bare() };
        assert!(class(&sick).contains("control_plane_unhealthy"));
        assert!(class(&State { remains: vec!["/var/lib/etcd".into()], ..bare() }).contains("half_made"));
        assert!(class(&State { worker: true, ..bare() }).contains("joined_elsewhere"));
        assert!(class(&State { kubeadm: None, ..bare() }).contains("kubeadm_missing"));
    }

    /// The machine as a plan that was carried out leaves it.
    fn done(work: Work, state: &State) -> State {
        let admin = Some(Kubeconfig { server: "https://10.0.0.1:6443".into(), ..Kubeconfig::default() });
        match work {
            Work::Nothing => state.clone(),
            Work::Release => State { unit: bare().unit, ..state.clone() },
            Work::Init | Work::Finish => State {
                unit: bare().unit,
                admin,
                unhealthy: None,
                unfinished: None,
                remains: vec!["/var/lib/etcd".into()],
                ..state.clone()
            },
        }
    }

    proptest! {
        #[test]
        fn what_was_planned_and_done_leaves_nothing_to_plan(
            [masked, gated, joined, sick, worker, begun, ignoring, cut_off] in any::<[bool; 8]>()
        ) {
            let mut state = State { worker, ..bare() };
            (state.unit.masked, state.unit.gated) = (masked, gated);
            if joined {
                state.admin = done(Work::Init, &state).admin;
                state.unhealthy = sick.then(|| "refused".to_owned());
                state.unfinished = (cut_off && !sick).then(|| "ConfigMap kubeadm-config".to_owned());
            }
            if begun {
                state.remains = vec!["/var/lib/etcd".into()];
            }
            let args = args(json!({"ignore_preflight_errors": if ignoring { vec!["all"] } else { vec![] }}));
            // A refusal touches nothing, and is the same the next time.
            if let Ok(first) = plan(&args, &state) {
                let second = plan(&args, &done(first.work, &state)).unwrap();
                prop_assert!(second.is_empty() && second.diff().is_empty(), "after {first:?}: {second:?}");
            }
        }
    }
}
