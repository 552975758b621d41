//! What has to be done, decided from options and state alone.

mod edits;
mod outcome;
mod restart;

pub use edits::FileEdit;
pub use restart::Restart;
pub(in crate::containerd) use restart::unlike;

use crate::containerd::args::{Args, BinDir};
use crate::containerd::bin_dir::{self, InForce, Spelling};
use crate::containerd::config::edit::{BinDirSetting, Wanted};
use crate::containerd::config::effect;
use crate::containerd::crictl;
use crate::containerd::observe::State;
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
    effect_of_files(args, state, &mut plan)?;
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
    let restart = restart::restart(state, &wanted, &plan.config);
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

/// Refuses files that containerd does not start with, and tells what in them it passes over.
fn effect_of_files(args: &Args, state: &State, plan: &mut Plan) -> anyhow::Result<()> {
    if let Some(release) = state.release {
        if let Some(why) = effect::refusal(&state.config, release) {
            bail!(
                "containerd does not start with its configuration: {why}; give all files one version, with containerd config migrate"
            );
        }
        let lost = effect::passed_over(&state.config, release);
        plan.warnings.extend(lost.into_iter().map(|what| format!("not in force: {what}")));
    }
    for path in &state.unread {
        plan.warnings.push(format!(
            "not in force: {}, which no file imports; containerd reads it when {} has imports = [\"{}/*.toml\"]",
            path.display(),
            state.config.main().path.display(),
            path.parent().unwrap_or(path).display()
        ));
    }
    if state.conf_dir != args.cni_conf_dir {
        plan.warnings.push(format!(
            "containerd takes CNI configurations from {}, which its conf_dir names, not from {} of option cni_conf_dir",
            state.conf_dir.display(),
            args.cni_conf_dir.display()
        ));
    }
    Ok(())
}

fn choose_bin_dir(args: &Args, state: &State, plan: &mut Plan) -> anyhow::Result<Option<BinDirSetting>> {
    let now = bin_dir::in_force(&state.config);
    let names = state.config.last_with(|names| names.runtime).names;
    let now = if names.has_bin_dirs { now } else { InForce { list: Vec::new(), ..now } };
    let spelling = match state.release {
        Some(release) if names.has_bin_dirs && release.wants_bin_dirs() => Spelling::List,
        Some(release) if names.has_bin_dirs && release.has_bin_dirs() => Spelling::Either,
        _ => Spelling::One,
    };
    Ok(match args.cni_bin_dir() {
        BinDir::Keep => None,
        BinDir::Path(dir) if now.list.contains(&dir) => Some(BinDirSetting::List(now.list)),
        BinDir::Path(dir) => Some(bin_dir::fixed(&dir, &now, spelling)),
        BinDir::Auto => {
            let choice = bin_dir::choose(&state.confs, &now, spelling)?;
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
    let dir = state.conf_dir.display();
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
