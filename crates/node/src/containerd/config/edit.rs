//! What is asked for, written into one TOML document so that everything else in it stays as it was.
//!
//! Pure: text in, text out. Which file is to be edited is decided in `plan`.

use super::names::{CRI_PLUGINS, Names};
use super::paths::{set, table, value};
use toml_edit::{Array, Decor, DocumentMut, RawString, Value};

/// What CRI's settings are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// SystemdCgroup of every runc runtime.
    pub systemd_cgroup: bool,
    /// The pause image.
    pub sandbox_image: Option<String>,
    /// The CNI plugins.
    pub bin_dir: Option<BinDirSetting>,
    /// restrict_oom_score_adj.
    pub restrict_oom_score_adj: Option<bool>,
}

/// How the directory of CNI plugins is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinDirSetting {
    /// The single `bin_dir`.
    One(String),
    /// The list `bin_dirs`, in order of search; a `bin_dir` beside it goes, because containerd refuses both together.
    List(Vec<String>),
}

/// The runtime types whose options have SystemdCgroup (containerd `options.Options` of the runc shim).
const RUNC_TYPES: [&str; 2] = ["io.containerd.runc.v2", "io.containerd.runc.v1"];

/// Takes the CRI plugin out of `disabled_plugins`. Gives back what was done.
pub fn enable_cri(document: &mut DocumentMut) -> Vec<String> {
    let mut done = Vec::new();
    let Some(list) = document.get_mut("disabled_plugins").and_then(|i| i.as_array_mut()) else { return done };
    for name in CRI_PLUGINS {
        loop {
            let found = list.iter().position(|v| v.as_str() == Some(name));
            let Some(at) = found else { break };
            let removed = list.remove(at);
            keep_comment(list, at, removed.decor());
            done.push(format!("take {name} out of disabled_plugins"));
        }
    }
    done
}

/// A comment behind the element before the removed one stands, to the parser, before the removed one. It stays, before
/// what comes next; so does the first element's indentation.
fn keep_comment(list: &mut Array, at: usize, removed: &Decor) {
    let text = |raw: Option<&RawString>| raw.and_then(|r| r.as_str()).unwrap_or_default().to_owned();
    let (prefix, suffix) = (text(removed.prefix()), text(removed.suffix()));
    let comment = if suffix.contains('#') { format!("{prefix}{suffix}") } else { prefix.clone() };
    match list.get_mut(at) {
        Some(next) if comment.contains('#') => {
            let after = text(next.decor().prefix());
            next.decor_mut().set_prefix(format!("{}{after}", comment.trim_end_matches([' ', '\t', '\n', '\r'])));
        }
        Some(next) if at == 0 && !text(next.decor().prefix()).contains('#') => next.decor_mut().set_prefix(prefix),
        Some(_) => {}
        None if comment.contains('#') => {
            let after = text(Some(list.trailing()));
            let after = if after.starts_with(['\n', '\r']) { after } else { format!("\n{after}") };
            list.set_trailing(format!("{}{after}", comment.trim_end_matches([' ', '\t', '\n', '\r'])));
        }
        None => {}
    }
}

/// Whether the document has CRI's runtime section (with runtimes and CNI) under that name.
pub fn has_section(document: &DocumentMut, section: &str) -> bool {
    table(document, &["plugins", section]).is_some()
}

/// A file without `version`, and with nothing in the short names of version 1, may as well be version 2. containerd 1.x
/// takes it for version 1 and passes over sections with long names (kubernetes/website#38241), and containerd 2 passes
/// over CRI's settings in any file of version 1. Docker's packaged file is one: it only disables `cri`.
pub fn lacks_version_line(document: &DocumentMut) -> bool {
    let dotted = |key: &str| key.contains('.');
    let mut plugins = table(document, &["plugins"]).into_iter().flat_map(|t| t.iter()).map(|(key, _)| key);
    let listed = |list: &str| document.get(list).and_then(|i| i.as_array()).into_iter().flatten().map(Value::as_str);
    let mut disabled = listed("disabled_plugins").chain(listed("required_plugins"));
    document.get("version").is_none()
        && plugins.all(dotted)
        && disabled.all(|name| name.is_some_and(|n| dotted(n) || CRI_PLUGINS.contains(&n)))
}

/// Writes the version.
pub fn add_version_line(document: &mut DocumentMut, version: i64) -> anyhow::Result<String> {
    set(document, &["version"], version)?;
    Ok(format!("say that it is of version {version}, which containerd cannot know otherwise"))
}

/// Sets what is wanted in the sections of `names`. With `make` a runtime table that is missing is made, which only the
/// last file that has the section needs. Gives back what was done.
pub fn apply(document: &mut DocumentMut, names: Names, wanted: &Wanted, make: bool) -> anyhow::Result<Vec<String>> {
    let mut done = Vec::new();
    runtimes(document, names, wanted.systemd_cgroup, make, &mut done)?;
    if !make {
        return Ok(done);
    }
    if let Some(restrict) = wanted.restrict_oom_score_adj
        && set(document, &["plugins", names.runtime, "restrict_oom_score_adj"], restrict)?
    {
        done.push(format!("set restrict_oom_score_adj to {restrict}"));
    }
    if let Some(setting) = &wanted.bin_dir {
        bin_dir(document, names, setting, &mut done)?;
    }
    Ok(done)
}

/// Sets the pause image, which version 3 moved into a section of its own.
pub fn sandbox_image(document: &mut DocumentMut, names: Names, image: &str) -> anyhow::Result<Option<String>> {
    let path: Vec<&str> = ["plugins", names.images].into_iter().chain(names.sandbox_image.iter().copied()).collect();
    Ok(set(document, &path, image)?.then(|| format!("set the sandbox image to {image}")))
}

fn runtimes(
    doc: &mut DocumentMut,
    names: Names,
    systemd: bool,
    make: bool,
    done: &mut Vec<String>,
) -> anyhow::Result<()> {
    let containerd = ["plugins", names.runtime, "containerd"];
    let default = value(doc, &[&containerd[..], &["default_runtime_name"]].concat()).and_then(Value::as_str);
    let default = default.unwrap_or("runc").to_owned();
    let listed = table(doc, &[&containerd[..], &["runtimes"]].concat());
    let mut all: Vec<(String, Option<String>)> = Vec::new();
    for (name, item) in listed.into_iter().flat_map(|t| t.iter()) {
        let kind =
            item.as_table_like().and_then(|t| t.get("runtime_type")).and_then(|i| i.as_str()).unwrap_or_default();
        if RUNC_TYPES.contains(&kind) {
            all.push((name.to_owned(), None));
        } else if kind.is_empty() && name == "runc" {
            // A runtimes table in the file replaces containerd's own, runtime_type included (1.6.20, by config dump).
            all.push((name.to_owned(), Some(RUNC_TYPES[0].to_owned())));
        }
    }
    if make && default == "runc" && !all.iter().any(|(name, _)| name == "runc") && !lists(doc, &containerd, "runc") {
        all.push(("runc".to_owned(), Some(RUNC_TYPES[0].to_owned())));
    }
    for (name, kind) in &all {
        let runtime = [&containerd[..], &["runtimes", name]].concat();
        if let Some(kind) = kind
            && set(doc, &[&runtime[..], &["runtime_type"]].concat(), kind.as_str())?
        {
            done.push(format!("set runtime_type of runtime {name} to {kind}"));
        }
        if set(doc, &[&runtime[..], &["options", "SystemdCgroup"]].concat(), systemd)? {
            done.push(format!("set SystemdCgroup of runtime {name} to {systemd}"));
        }
    }
    deprecated(doc, names, systemd, done)
}

fn lists(doc: &DocumentMut, containerd: &[&str], name: &str) -> bool {
    table(doc, &[containerd, &["runtimes", name]].concat()).is_some()
}

/// Older ways to say the same, which beat the new one or make containerd refuse (1.6 `ValidatePluginConfig`): a
/// `default_runtime` table with a type is used instead of runtimes.runc, and `systemd_cgroup = true` is an error with
/// every runtime since runc.v1.
fn deprecated(doc: &mut DocumentMut, names: Names, systemd: bool, done: &mut Vec<String>) -> anyhow::Result<()> {
    let old = ["plugins", names.runtime, "containerd", "default_runtime"];
    let kind = value(doc, &[&old[..], &["runtime_type"]].concat()).and_then(Value::as_str).unwrap_or_default();
    if RUNC_TYPES.contains(&kind) && set(doc, &[&old[..], &["options", "SystemdCgroup"]].concat(), systemd)? {
        done.push(format!("set SystemdCgroup of default_runtime to {systemd}"));
    }
    let flag = ["plugins", names.runtime, "systemd_cgroup"];
    if value(doc, &flag).and_then(Value::as_bool) == Some(true) && set(doc, &flag, false)? {
        done.push("set systemd_cgroup, which containerd refuses with runc, to false".to_owned());
    }
    Ok(())
}

fn bin_dir(doc: &mut DocumentMut, names: Names, setting: &BinDirSetting, done: &mut Vec<String>) -> anyhow::Result<()> {
    let cni = ["plugins", names.runtime, "cni"];
    let one = [&cni[..], &["bin_dir"]].concat();
    match setting {
        BinDirSetting::One(dir) => {
            if set(doc, &one, dir.as_str())? {
                done.push(format!("set the CNI plugin directory to {dir}"));
            }
        }
        BinDirSetting::List(dirs) => {
            let list: Array = dirs.iter().map(String::as_str).collect();
            if set(doc, &[&cni[..], &["bin_dirs"]].concat(), Value::Array(list))? {
                done.push(format!("set the CNI plugin directories to {}", dirs.join(", ")));
            }
            if value(doc, &one).and_then(Value::as_str).is_some_and(|d| !d.is_empty()) {
                set(doc, &one, "")?;
                done.push("empty the deprecated bin_dir".to_owned());
            }
        }
    }
    Ok(())
}
