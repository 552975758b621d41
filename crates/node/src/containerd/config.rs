//! containerd's configuration as containerd itself reads it: the main file, then what it imports, in load order.
//!
//! Source of the rules: containerd `services/server/config/config.go` (1.6, 1.7) and `cmd/containerd/server/config`
//! (2.x). Imports are followed breadth first; a later file wins. In 1.x a later file's plugin section *replaces* an
//! earlier one whole, in 2.x they are merged key by key: an edit in the last file that has the section is right in both.
//! `disabled_plugins` of all files add up, so the CRI plugin must be in none of them.
//! conf.d is not special: it is read when the main file imports it. The generated default of 2.2 and later does; where the
//! main file has no `imports`, or there is none, containerd 2.2 to 2.4 read nothing of conf.d, although their `config dump`
//! shows the default's `imports`.

pub mod edit;
pub mod effect;
mod glob;
pub mod gone;
pub mod names;
pub mod paths;

use crate::containerd::release::Release;
use anyhow::{Context as _, anyhow, bail};
use host::files;
use names::Names;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use toml_edit::DocumentMut;

/// One file.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// Where it lies, links resolved.
    pub path: PathBuf,
    /// What it says now; `None` when it does not exist (the main file only).
    pub text: Option<String>,
    /// The same, parsed.
    pub document: DocumentMut,
    /// Its `version`; an imported file without one follows the main file.
    pub version: i64,
    /// The names CRI's settings have in this file, for the containerd that will read it.
    pub names: Names,
    /// It has no `version`, and is to be given one.
    pub lacks_version: bool,
}

/// All files in load order; the main one is first and always there, maybe empty.
#[derive(Debug, Clone)]
pub struct Config {
    /// In load order.
    pub files: Vec<ConfigFile>,
}

impl ConfigFile {
    /// The version that the file itself says, 0 when it says none.
    pub fn said(&self) -> i64 {
        self.document.get("version").and_then(|item| item.as_integer()).unwrap_or(0)
    }
}

impl Config {
    /// Reads `main` and what it imports. A syntax error names file, line and column.
    pub fn load(main: &Path) -> anyhow::Result<Self> {
        let main = std::fs::canonicalize(main).unwrap_or_else(|_| main.to_owned());
        let mut files: Vec<ConfigFile> = Vec::new();
        let mut pending = VecDeque::from([(main.clone(), None::<PathBuf>)]);
        while let Some((path, importer)) = pending.pop_front() {
            let path = std::fs::canonicalize(&path).unwrap_or(path);
            if files.iter().any(|f| f.path == path) {
                continue;
            }
            let text = files::read_text(&path)?;
            if let (None, Some(importer)) = (&text, importer) {
                bail!(
                    "reading {}: it imports {}, which does not exist: containerd would not start; create it or remove the import",
                    importer.display(),
                    path.display()
                );
            }
            let document = parse(&path, text.as_deref().unwrap_or_default())?;
            let version = version(&path, &document, files.first().map(|f| f.version))?;
            for pattern in imports(&path, &document)? {
                let base = path.parent().unwrap_or(Path::new("/"));
                let found = glob::resolve(base, &pattern)?;
                pending.extend(found.into_iter().map(|p| (p, Some(path.clone()))));
            }
            files.push(ConfigFile { path, text, document, version, names: Names::of(version), lacks_version: false });
        }
        Ok(Config { files })
    }

    /// The main file.
    pub fn main(&self) -> &ConfigFile {
        // `load` puts it there before anything else.
        &self.files[0]
    }

    /// Settles what depends on who will read the files: the version of a main file that has none, and the names in files
    /// of version 1. containerd 2 still accepts those, but passes over CRI's settings in them (2.1.9, by config dump)
    /// unless they have the names of version 3.
    ///
    /// 2.3 and later read every file by its own version. 2.0 to 2.2 read the old names only when the last file that says
    /// its version says less than 3, whatever the file with the old names says of itself.
    pub fn for_release(mut self, release: Option<Release>) -> Self {
        let alone = self.files.len() == 1;
        if let Some(main) = self.files.first_mut() {
            main.lacks_version = main.text.is_some() && alone && edit::lacks_version_line(&main.document);
            if main.text.is_none() {
                main.version = release.map_or(2, Release::config_version);
            } else if main.lacks_version {
                main.version = 2;
            }
        }
        let old_names_lost = release.is_some_and(|r| self.loses_old_names(r));
        let knows_old_names_only = release.is_some_and(|r| r.major < 2);
        for file in &mut self.files {
            file.names = Names::of(match file.version {
                version if old_names_lost => version.max(3),
                version if knows_old_names_only => version.min(2),
                version => version,
            });
        }
        self
    }

    /// Whether that containerd passes over CRI's settings under the names of versions 1 and 2 in all files, because it goes
    /// by one version for all of them and that is 3.
    pub fn loses_old_names(&self, release: Release) -> bool {
        release.major >= 2 && !release.migrates_each_file() && self.merged_version() >= 3
    }

    /// The version that containerd 2.0 to 2.2 take the merged files for: a file of version 1, or without one, is brought to
    /// what there is so far, starting from 3, and any other one decides.
    pub fn merged_version(&self) -> i64 {
        self.files.iter().enumerate().fold(3, |so_far, (at, file)| {
            match file.said().max(if at == 0 { file.version } else { 0 }) {
                ..=1 => so_far,
                said => said,
            }
        })
    }

    /// Whether a setting of that section is written into file number `at`: the last file that has the section under its
    /// name, or, when none has it, the main file.
    pub fn owns(&self, at: usize, section: impl Fn(&ConfigFile) -> &'static str) -> bool {
        let has = |file: &ConfigFile| edit::has_section(&file.document, section(file));
        let Some(file) = self.files.get(at) else { return false };
        if !self.files.iter().any(has) {
            return at == 0;
        }
        has(file) && !self.files.iter().skip(at + 1).any(|later| section(later) == section(file) && has(later))
    }

    /// The last file that owns the section.
    pub fn last_with(&self, section: impl Fn(&Names) -> &'static str) -> &ConfigFile {
        let owner = (0..self.files.len()).rev().find(|at| self.owns(*at, |f| section(&f.names)));
        &self.files[owner.unwrap_or(0)]
    }
}

/// Parses TOML; the error is one line with line and column, counted from 1.
pub fn parse(path: &Path, text: &str) -> anyhow::Result<DocumentMut> {
    text.parse::<DocumentMut>().map_err(|e| {
        let at = e.span().map_or(0, |s| s.start).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let what = e.message().split_whitespace().collect::<Vec<_>>().join(" ");
        anyhow!("reading {}: line {line}, column {column}: {what}", path.display())
    })
}

fn version(path: &Path, document: &DocumentMut, main: Option<i64>) -> anyhow::Result<i64> {
    let said = match document.get("version") {
        None => None,
        Some(item) => Some(item.as_integer().filter(|v| (0..=4).contains(v)).with_context(|| {
            format!("reading {}: version is {}, and versions 1 to 4 are known", path.display(), text_of(item))
        })?),
    };
    Ok(match (said, main) {
        (Some(v), _) if v > 0 => v,
        (_, Some(main)) => main,
        // containerd 1.x takes a file without version for version 1, and 2.x migrates it as such.
        (_, None) => 1,
    })
}

fn text_of(item: &toml_edit::Item) -> String {
    item.to_string().trim().to_owned()
}

fn imports(path: &Path, document: &DocumentMut) -> anyhow::Result<Vec<String>> {
    let Some(item) = document.get("imports") else { return Ok(Vec::new()) };
    let list =
        item.as_array().and_then(|a| a.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>());
    list.with_context(|| format!("reading {}: imports is no list of paths: {}", path.display(), text_of(item)))
}
