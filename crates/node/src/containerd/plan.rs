//! What has to be done, decided from options and state alone.

mod edits;
mod outcome;
mod restart;

pub use edits::FileEdit;
pub use restart::Restart;
pub(in crate::containerd) use restart::unlike;

use crate::containerd::args::{Args, BinDir};
use crate::containerd::bin_dir::{self, InForce};
use crate::containerd::config::edit::{BinDirSetting, Wanted};
use crate::containerd::observe::State;
use crate::containerd::{crictl, release::Release};
use anyhow::{bail, ensure};
use std::path::PathBuf;

/// Everything that is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// containerd's configuration files.
    pub config: Vec<FileEdit>,
    /// crictl's.
    pub crictl: Option<FileEdit>,
    /// Whether containerd has to be started anew.
    pub restart: Option<Restart>,
    /// It would have to be, but `start=false`.
    pub restart_left: Option<Restart>,
    /// The program that reads the configuration.
    pub program: Option<PathBuf>,
    /// The main file.
    pub main: PathBuf,
    /// What containerd must have in force when all is done.
    pub wanted: Option<Wanted>,
    /// Whether there is a CNI configuration that containerd is to load.
    pub network: bool,
    /// What the person ought to know besides.
    pub warnings: Vec<String>,
}

/// Decides, or refuses.
pub fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    let wanted = Wanted {
        systemd_cgroup: args.systemd_cgroup,
        sandbox_image: args.sandbox_image.clone(),
        bin_dir: choose_bin_dir(args, state, &mut plan)?,
        restrict_oom_score_adj: args.restrict_oom_score_adj,
    };
    plan.config = edits::edits(&state.config, &wanted)?;
    plan.crictl = args.crictl_config().and_then(|path| {
        let after = crictl::edit(state.crictl.as_deref().unwrap_or_default(), args.socket_path());
        let changes = vec![format!("name {} as the socket", args.socket_path())];
        (state.crictl.as_deref() != Some(&after)).then(|| FileEdit {
            path: path.to_owned(),
            before: state.crictl.clone(),
            after,
            changes,
        })
    });
    let restart = restart::restart(args, state, &wanted, &plan.config);
    if args.start {
        if restart.is_some() {
            may_start(args, state)?;
        }
        plan.restart = restart;
    } else {
        plan.restart_left = restart;
    }
    plan.wanted = Some(wanted);
    plan.program = state.unit.program();
    plan.main = state.config.main().path.clone();
    plan.network = has_network(state);
    Ok(plan)
}

fn choose_bin_dir(args: &Args, state: &State, plan: &mut Plan) -> anyhow::Result<Option<BinDirSetting>> {
    let now = bin_dir::in_force(&state.config);
    let names = state.config.last_with(|names| names.runtime).names;
    let now = if names.has_bin_dirs { now } else { InForce { list: Vec::new(), ..now } };
    let list = names.has_bin_dirs && state.release.is_some_and(Release::has_bin_dirs);
    Ok(match args.cni_bin_dir() {
        BinDir::Keep => None,
        BinDir::Path(dir) if now.list.contains(&dir) => Some(BinDirSetting::List(now.list)),
        BinDir::Path(dir) => Some(bin_dir::fixed(&dir, &now, list)),
        BinDir::Auto => {
            let choice = bin_dir::choose(&state.confs, &now, list)?;
            if !choice.lacking.is_empty() {
                let dirs = match &choice.setting {
                    BinDirSetting::One(dir) => dir.clone(),
                    BinDirSetting::List(dirs) => dirs.join(" and "),
                };
                plan.warnings.push(format!(
                    "{dirs} lacks the CNI plugins {}: pods stay without network until they are there",
                    choice.lacking.join(", ")
                ));
            }
            Some(choice.setting)
        }
    })
}

/// Whether containerd will find a network: the first file in load order is the one that counts.
pub fn has_network(state: &State) -> bool {
    state.confs.first().is_some_and(|c| c.network.is_ok())
}

/// CNI comes before containerd, and a unit that cannot be started is named before anything is touched.
fn may_start(args: &Args, state: &State) -> anyhow::Result<()> {
    let dir = args.cni_conf_dir.display();
    if args.require_cni_config && !has_network(state) {
        let right = "run cni_placeholder first, or set require_cni_config=false";
        match state.confs.first().map(|c| (c.path.display(), &c.network)) {
            Some((path, Err(why))) => {
                bail!("containerd is not to be started: {path}, the first CNI configuration, {why}; {right}")
            }
            _ => bail!("containerd is not to be started: there is no CNI configuration in {dir}; {right}"),
        }
    }
    if state.runtime.is_err() {
        let load = &state.unit.load;
        ensure!(
            load != "not-found",
            "containerd is not installed: there is no containerd.service (Debian: apt-get install containerd)"
        );
        ensure!(load != "masked", "containerd.service is masked: run systemctl unmask containerd, or remove the mask");
    }
    Ok(())
}
