//! Where the kubelet and etcd keep their things when somebody has configured another place than the list of targets has.
//!
//! `--root-dir` of the kubelet, and the hostPath of etcd's static pod, as `kubeadm reset` reads it (`cmd/kubeadm/app/cmd/
//! phases/reset/removeetcdmember.go`). Such a place is kept and named: other things may lie in it, and what the kubelet has
//! there is called `pods` and `plugins`. The option `own_paths` says that what the table knows of it goes, too.

use std::path::{Path, PathBuf};

use host::remove::What;
use host::{files, processes};
use kubeadm::{kubeconfig, kubelet};

use crate::args::{Args, Level, Part};
use crate::trees::targets::{self, CONTAINERD, ETCD, MANIFESTS, Target};

const KUBELET: &str = "/var/lib/kubelet";
/// The volume of kubeadm's etcd.yaml that its data is in.
const VOLUME: &str = "etcd-data";

/// A directory that is in use instead of one on the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Whose.
    pub part: Part,
    /// Where.
    pub path: PathBuf,
    /// What says so.
    by: String,
}

impl Elsewhere {
    /// As something to delete what is known from.
    pub fn target(&self) -> Target {
        Target { part: self.part, path: self.path.clone(), what: What::Contents }
    }

    /// Why it is kept.
    pub fn why(&self) -> String {
        format!(
            "{}: it may hold other things; if what is Kubernetes' there may go, set own_paths: [{}]",
            self.by,
            self.path.display()
        )
    }
}

/// Those that the options ask about and in which there is something.
pub fn observe(args: &Args, all: &[processes::Process]) -> Vec<Elsewhere> {
    let mut found = Vec::new();
    if args.wants(Part::Kubelet)
        && let Some(root) = kubelet::setting(kubelet_argv(all), "--root-dir")
    {
        found.push(Elsewhere { part: Part::Kubelet, path: root.into(), by: "the kubelet's --root-dir".to_owned() });
    }
    if args.wants(Part::Etcd)
        && args.level == Level::Aggressive
        && let Some(data) = etcd_data()
    {
        found.push(Elsewhere {
            part: Part::Etcd,
            path: data.into(),
            by: format!("the data of etcd by {MANIFESTS}/etcd.yaml"),
        });
    }
    found.retain(|place| {
        let listed = targets::all(Level::Aggressive).iter().any(|target| place.path.starts_with(&target.path));
        place.path.is_absolute() && !listed && files::names(&place.path).is_ok_and(|names| !names.is_empty())
    });
    found
}

/// Which directory of the list a part's directory that is not on it stands for.
pub fn default_of(part: Part, path: &Path) -> Option<&'static str> {
    let listed = targets::all(Level::Aggressive).iter().any(|target| target.path == path);
    match part {
        // Of a root of its own only what containerd itself puts there is a target: all of that goes.
        Part::Containerd if !path.to_string_lossy().contains("/io.containerd.") => Some(CONTAINERD[0]),
        Part::Kubelet if !listed => Some(KUBELET),
        Part::Etcd if !listed => Some(ETCD),
        _ => None,
    }
}

fn kubelet_argv(all: &[processes::Process]) -> &[String] {
    let is_kubelet = |process: &&processes::Process| {
        process.same_namespace && process.program().is_some_and(|name| name == "kubelet")
    };
    all.iter().find(is_kubelet).map_or(&[], |process| &process.argv)
}

fn etcd_data() -> Option<String> {
    let text = files::read_optional(Path::new(MANIFESTS).join("etcd.yaml")).ok()??;
    let pod = kubeconfig::yaml(&String::from_utf8_lossy(&text)).ok()?;
    let volume = pod["spec"]["volumes"].as_array()?.iter().find(|volume| volume["name"] == VOLUME)?;
    Some(volume["hostPath"]["path"].as_str()?.trim_end_matches('/').to_owned())
}
