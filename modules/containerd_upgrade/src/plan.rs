//! What is done, or why not. Pure.

use crate::args::Args;
use crate::journal::{Begun, Step};
use crate::observe::{Found, State};
use crate::offer::Offer;
use crate::refusals::{self, refuse};
use crate::version::Version;
use ansible::Diff;
use std::path::{Path, PathBuf};

/// The drop-in that starts a program of an archive where the package's is the unit's.
pub const DROP_IN: &str = "/etc/systemd/system/containerd.service.d/50-kubejoin-program.conf";

/// What is done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The upgrade; none when the offered one is what is here.
    pub upgrade: Option<Box<Upgrade>>,
    /// What a run before this one has not finished.
    pub unfinished: Option<Box<(Begun, Step)>>,
    /// What a person ought to know.
    pub warnings: Vec<String>,
}

/// Everything that is needed to begin; see [`Begun`].
#[derive(Debug, Clone)]
pub struct Upgrade {
    /// Without paths of copies and the proof's findings, which come while it is prepared.
    pub begun: Begun,
    /// Packages: name and file.
    pub debs: Vec<(String, PathBuf)>,
    /// Programs: where they go, and where they are unpacked.
    pub programs: Vec<(PathBuf, PathBuf)>,
    /// What is done to the configuration, in words.
    pub changes: Vec<String>,
    /// Files beside the main one.
    pub drop_ins: Vec<String>,
    /// runc before and after, when it goes along.
    pub runc: Option<(Option<Version>, Version)>,
    /// Pods that are ended and made anew.
    pub restarts: Vec<String>,
}

/// Decides.
pub fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
    let found = match state {
        State::Unfinished(unfinished) => {
            let begun = &unfinished.0;
            if asked(args) != begun.asked {
                return refuse(
                    "unfinished",
                    format!(
                        "an upgrade from {} to {} was interrupted on this machine, and something else is asked for now: finish it first, with source={}",
                        begun.from,
                        begun.to,
                        begun.asked.first().map_or("", String::as_str)
                    ),
                );
            }
            return Ok(Plan { unfinished: Some(unfinished.clone()), ..Plan::default() });
        }
        State::Found(found) => found,
    };
    let (from, to) = (&found.version, &found.offer.version);
    if to.numbers < from.numbers {
        return refuse(
            "older",
            format!(
                "option source is {:?}, whose containerd is {to}, and this machine has {from}: a version does not go down here",
                args.source
            ),
        );
    }
    let Some(conversion) = found.conversion.as_ref() else { return Ok(Plan::default()) };
    refusals::check(args, found)?;
    let mut plan = Plan { warnings: refusals::warnings(found), ..Plan::default() };
    let (debs, programs, drop_in) = places(args, found)?;
    let after = match (&drop_in, programs.iter().find(|(path, _)| path.file_name() == found.program.file_name())) {
        (_, Some((path, _))) => path.clone(),
        _ => found.program.clone(),
    };
    let runc = found.offer.runc.clone().map(|(to, _)| (found.runc.clone(), to));
    plan.upgrade = Some(Box::new(Upgrade {
        begun: Begun {
            at: 0,
            asked: asked(args),
            from: from.clone(),
            to: to.clone(),
            programs: (found.program.clone(), after),
            new_debs: Vec::new(),
            old_debs: Vec::new(),
            held: found.held.clone(),
            placed: Vec::new(),
            drop_in,
            config: conversion.files.clone(),
            main: found.main.clone(),
            expected: conversion.expected.clone(),
            known: found.known.clone(),
            settled: false,
            kubelet: found.kubelet.1,
            node: found.node.as_ref().map(|(name, _)| name.clone()),
            ready_since: found.node.as_ref().and_then(|(_, since)| since.clone()),
            database: Some(found.root.join("io.containerd.metadata.v1.bolt/meta.db")),
        },
        debs,
        programs,
        changes: conversion.changes.clone(),
        drop_ins: conversion.drop_ins.clone(),
        runc,
        restarts: found.known.leaking.clone(),
    }));
    Ok(plan)
}

/// What tells one request from another.
fn asked(args: &Args) -> Vec<String> {
    let given = [Some(&args.source), args.sha256.as_ref(), args.runc.as_ref(), args.runc_sha256.as_ref()];
    given.into_iter().map(|word| word.cloned().unwrap_or_default()).collect()
}

type Places = (Vec<(String, PathBuf)>, Vec<(PathBuf, PathBuf)>, Option<(PathBuf, String)>);

/// Where everything goes: packages by dpkg, an archive's programs where the unit's is, unless that is a package's.
fn places(args: &Args, found: &Found) -> anyhow::Result<Places> {
    let Offer { debs, programs, runc, .. } = &found.offer;
    let containerd = debs.iter().find(|(name, _)| name != "runc").map(|(name, _)| name.as_str());
    match (&found.owner, containerd) {
        (Some(owner), Some(name)) if owner != name => {
            return refuse(
                "other_package",
                format!(
                    "option source is {:?}, the package {name}, and the containerd here came with {owner}: one in place of the other is not done here; give a newer {owner}, or a release archive",
                    args.source
                ),
            );
        }
        (None, Some(name)) => {
            return refuse(
                "other_package",
                format!(
                    "option source is {:?}, the package {name}, and the containerd here, {}, came with none: give a release archive",
                    args.source,
                    found.program.display()
                ),
            );
        }
        _ => {}
    }
    let mut placed: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut drop_in = None;
    if !programs.is_empty() {
        // A package's programs are its own: the next upgrade of it would put the old ones back.
        let folder = match (&found.owner, found.program.parent()) {
            (None, Some(folder)) => folder.to_owned(),
            _ => PathBuf::from("/usr/local/bin"),
        };
        let program = folder.join("containerd");
        if program != found.program {
            let line =
                std::iter::once(program.display().to_string()).chain(found.words.iter().cloned()).collect::<Vec<_>>();
            let text = format!(
                "# Made by kubejoin (containerd_upgrade): the release of its makers, not the package's.\n[Service]\nExecStart=\nExecStart={}\n",
                line.join(" ")
            );
            drop_in = Some((PathBuf::from(DROP_IN), text));
        }
        placed.extend(programs.iter().map(|(name, path)| (folder.join(name), path.clone())));
    }
    if let Some((_, Some(program))) = runc {
        placed.push((Path::new("/usr/local/sbin/runc").to_owned(), program.clone()));
    }
    Ok((debs.clone(), placed, drop_in))
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.upgrade.is_none() && self.unfinished.is_none()
    }

    fn diff(&self) -> Vec<Diff> {
        let Some(upgrade) = &self.upgrade else {
            let Some(unfinished) = &self.unfinished else { return Vec::new() };
            let begun = &unfinished.0;
            return vec![Diff::new(
                "containerd",
                "an upgrade that was interrupted\n",
                format!("{}\n", toward(&unfinished.1, begun)),
            )];
        };
        let begun = &upgrade.begun;
        let mut all = vec![Diff::new("containerd", format!("{}\n", begun.from), format!("{}\n", begun.to))];
        if let Some((from, to)) = &upgrade.runc {
            let from = from.as_ref().map_or_else(String::new, |from| format!("{from}\n"));
            all.push(Diff::new("runc", from, format!("{to}\n")));
        }
        if let Some((path, text)) = &begun.drop_in {
            all.push(Diff::new(path.display().to_string(), "", text.clone()));
        }
        all.extend(begun.config.iter().map(|file| {
            Diff::new(file.path.display().to_string(), file.before.clone().unwrap_or_default(), file.after.clone())
        }));
        all
    }
}

/// Where an interrupted run goes.
pub fn toward<'a>(step: &Step, begun: &'a Begun) -> &'a Version {
    if matches!(step, Step::Back(_)) { &begun.from } else { &begun.to }
}
