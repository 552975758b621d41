//! What has to be done, decided from options and state alone.

use crate::args::{Args, BinDir};
use crate::bin_dir::{self, InForce};
use crate::config::edit::{self, BinDirSetting, Wanted};
use crate::config::names::Names;
use crate::config::{ConfigFile, paths};
use crate::observe::{Runtime, State, Unit};
use crate::{crictl, release::Release};
use ansible::{Diff, Outcome};
use anyhow::{Context as _, bail, ensure};
use host::cri;
use std::path::PathBuf;

/// A file's content before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The file.
    pub path: PathBuf,
    /// Its content now; `None` when it does not exist.
    pub before: Option<String>,
    /// Its content then.
    pub after: String,
    /// What is different, as sentences.
    pub changes: Vec<String>,
}

/// Why containerd is restarted, or started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// The verb for the person: start or restart.
    pub verb: &'static str,
    /// The half sentence after it.
    pub why: String,
}

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
    /// What containerd must have in force when all is done.
    pub wanted: Option<Wanted>,
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
    plan.config = edits(state, &wanted)?;
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
    let restart = restart(args, state, &wanted, &plan.config);
    if args.start {
        if restart.is_some() {
            may_start(args, state)?;
        }
        plan.restart = restart;
    } else {
        plan.restart_left = restart;
    }
    plan.wanted = Some(wanted);
    Ok(plan)
}

fn choose_bin_dir(args: &Args, state: &State, plan: &mut Plan) -> anyhow::Result<Option<BinDirSetting>> {
    let now = bin_dir::in_force(&state.config);
    let file = target(&state.config.files, |f| f.names().runtime);
    let names = state.config.files.get(file).map_or_else(|| Names::of(2), |f| names_for(f, state.release));
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

/// The names in a file, or those it will have when it does not exist yet.
fn names_for(file: &ConfigFile, release: Option<Release>) -> Names {
    match &file.text {
        Some(_) => file.names(),
        None => Names::of(release.map_or(2, Release::config_version)),
    }
}

/// The index of the last file that has the section, or of the main file: what is written there wins, in 1.x (where a
/// later section replaces an earlier one whole) and in 2.x (where they are merged) alike.
fn target(files: &[ConfigFile], section: impl Fn(&ConfigFile) -> &'static str) -> usize {
    files.iter().rposition(|f| edit::has_section(&f.document, section(f))).unwrap_or(0)
}

fn edits(state: &State, wanted: &Wanted) -> anyhow::Result<Vec<FileEdit>> {
    let mut files = state.config.files.clone();
    let mut changes: Vec<Vec<String>> = files.iter().map(|_| Vec::new()).collect();
    let alone = files.len() == 1;
    if let (Some(main), Some(done)) = (files.first_mut(), changes.first_mut()) {
        if main.text.is_none() {
            main.version = state.release.map_or(2, Release::config_version);
            paths::set(&mut main.document, &["version"], main.version)?;
            done.push(format!("make a configuration of version {}", main.version));
        } else if alone && edit::lacks_version_line(&main.document) {
            done.push(edit::add_version_line(&mut main.document)?);
            main.version = 2;
        }
    }
    let comments: Vec<_> = files.iter_mut().map(|f| paths::take_closing_comments(&mut f.document)).collect();
    let runtime = target(&files, |f| f.names().runtime);
    let images = target(&files, |f| f.names().images);
    for (at, (file, done)) in files.iter_mut().zip(&mut changes).enumerate() {
        let names = file.names();
        let mut edit_file = || -> anyhow::Result<()> {
            done.extend(edit::enable_cri(&mut file.document));
            done.extend(edit::apply(&mut file.document, names, wanted, at == runtime)?);
            if let (true, Some(image)) = (at == images, &wanted.sandbox_image) {
                done.extend(edit::sandbox_image(&mut file.document, names, image)?);
            }
            Ok(())
        };
        edit_file().with_context(|| format!("editing {}", file.path.display()))?;
    }
    for (file, comments) in files.iter_mut().zip(comments) {
        if let Some(comments) = comments {
            paths::give_back(&mut file.document, comments);
        }
    }
    let all = files.into_iter().zip(changes).filter(|(_, changes)| !changes.is_empty());
    Ok(all
        .map(|(file, changes)| FileEdit {
            path: file.path,
            after: newlines(file.document.to_string(), file.text.as_deref()),
            before: file.text,
            changes,
        })
        .collect())
}

/// toml_edit ends the lines it writes with \n; a file that came from Windows keeps its own ends.
fn newlines(text: String, before: Option<&str>) -> String {
    if before.is_some_and(|b| b.contains("\r\n")) {
        return text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    text
}

fn restart(args: &Args, state: &State, wanted: &Wanted, edits: &[FileEdit]) -> Option<Restart> {
    let (verb, why) = match &state.runtime {
        Err(why) if state.unit.as_ref().is_some_and(|u| u.active == "inactive") => ("start", why.to_string()),
        Err(why) => ("restart", why.to_string()),
        Ok(_) if !edits.is_empty() => ("restart", "its configuration changed".to_owned()),
        Ok(runtime) => ("restart", outdated(args, state, wanted, runtime)?),
    };
    Some(Restart { verb, why })
}

/// Why a containerd that answers is not the one its configuration describes: somebody edited and did not restart.
fn outdated(args: &Args, state: &State, wanted: &Wanted, runtime: &Runtime) -> Option<String> {
    let status = &runtime.status;
    if let Some(running) = status.systemd_cgroup().filter(|running| *running != wanted.systemd_cgroup) {
        return Some(format!("it runs with SystemdCgroup {running}, unlike its configuration"));
    }
    let config = status.info.get("config");
    let running = config.and_then(|c| c.get("restrictOOMScoreAdj")?.as_bool());
    if let (Some(running), Some(wanted)) = (running, wanted.restrict_oom_score_adj)
        && running != wanted
    {
        return Some(format!("it runs with restrict_oom_score_adj {running}, unlike its configuration"));
    }
    let image = config.and_then(|c| c.get("sandboxImage")?.as_str());
    if let (Some(image), Some(wanted)) = (image, &wanted.sandbox_image)
        && image != wanted
    {
        return Some(format!("it runs with the sandbox image {image}, unlike its configuration"));
    }
    let dirs = status.plugin_dirs();
    let missing = match &wanted.bin_dir {
        Some(BinDirSetting::One(dir)) => !dirs.contains(dir),
        Some(BinDirSetting::List(list)) => !list.iter().all(|d| dirs.contains(d)),
        None => false,
    };
    if missing && !dirs.is_empty() {
        return Some(format!("it looks for CNI plugins in {}, unlike its configuration", dirs.join(", ")));
    }
    if !status.holds(cri::RUNTIME_READY) {
        return Some("it says that it is not ready".to_owned());
    }
    if !status.holds(cri::NETWORK_READY) && has_network(state) {
        // containerd passes over a file renamed in from elsewhere (containerd#11715).
        return Some(format!("it has not noticed the CNI configuration in {}", args.cni_conf_dir.display()));
    }
    None
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
    if let Some(Unit { load, .. }) = &state.unit {
        ensure!(
            load != "not-found",
            "containerd is not installed: there is no containerd.service (Debian: apt-get install containerd)"
        );
        ensure!(load != "masked", "containerd.service is masked: run systemctl unmask containerd, or remove the mask");
    }
    Ok(())
}

impl Plan {
    /// The steps as sentences.
    pub fn steps(&self) -> Vec<String> {
        let of_file = |edit: &FileEdit| format!("{}: {}", edit.path.display(), edit.changes.join("; "));
        let files = self.config.iter().chain(&self.crictl).map(of_file);
        files.chain(self.restart.iter().map(|r| format!("{} containerd: {}", r.verb, r.why))).collect()
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.config.is_empty() && self.crictl.is_none() && self.restart.is_none()
    }

    /// The result, as far as it is known before anything is done.
    pub fn outcome(&self, state: &State) -> Outcome {
        let diff =
            self.config.iter().chain(&self.crictl).map(|e| {
                Diff::new(e.path.display().to_string(), e.before.clone().unwrap_or_default(), e.after.clone())
            });
        let mut outcome = Outcome::new()
            .changed(!self.is_empty())
            .diff(diff)
            .field("steps", self.steps())
            .field("config_version", self.config_version(state))
            .field("restart_needed", self.restart_left.is_some());
        self.warnings.iter().for_each(|w| outcome.warn(w.clone()));
        outcome
    }

    fn config_version(&self, state: &State) -> i64 {
        let main = state.config.main();
        let edited = self.config.iter().find(|e| e.path == main.path);
        let document = edited.and_then(|e| e.after.parse::<toml_edit::DocumentMut>().ok());
        document.and_then(|d| d.get("version")?.as_integer()).unwrap_or(main.version)
    }
}
