//! The files as they are to be: each written for the target in its own place, and read by the offered containerd before
//! anything of the machine is touched.

use crate::convert::{self, Notes};
use crate::settings::{Differs, Settings};
use anyhow::Context as _;
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use node::containerd::config::{Config, paths};
use node::containerd::release::Release;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml_edit::DocumentMut;

/// One file before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Where it lies, links resolved.
    pub path: PathBuf,
    /// None when it is not there.
    pub before: Option<String>,
    /// What it is to say.
    pub after: String,
    /// Its mode.
    pub mode: u32,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Conversion {
    /// Files that change.
    pub files: Vec<FileChange>,
    /// What is done, a sentence each, with the file.
    pub changes: Vec<String>,
    /// What only a person decides.
    pub undecided: Vec<String>,
    /// Files beside the main one, with their version and what they define.
    pub drop_ins: Vec<String>,
    /// What has to be in force afterwards.
    pub expected: Settings,
}

/// Everything that it takes to convert, and to look.
pub struct Converter<'a> {
    /// The files of now.
    pub config: &'a Config,
    /// `config dump` of the containerd of now.
    pub dump: &'a str,
    /// The offered containerd.
    pub program: &'a Path,
    /// Its release.
    pub target: Release,
    /// A directory of ours.
    pub scratch: &'a Path,
    /// The containerd of now is of 1.x.
    pub first: bool,
}

impl Converter<'_> {
    /// Converts, has the offered containerd read the result, and writes down what would not be as it was.
    pub fn convert(&self, deadline: &Deadline) -> anyhow::Result<Conversion> {
        let version = convert::version_for(self.target);
        let mut all = Conversion::default();
        let mut documents: Vec<DocumentMut> = Vec::new();
        for (at, file) in self.config.files.iter().enumerate() {
            let mut document = file.document.clone();
            // One that is not there is made when something has to be kept in it.
            let notes = match &file.text {
                None => Notes::default(),
                // containerd 1 knows the names of version 2, whatever a file says of itself (1.6.20, by config dump).
                Some(_) => convert::convert(
                    &mut document,
                    if self.first { file.version.min(2) } else { file.version },
                    self.target,
                )?,
            };
            let name = file.path.display();
            all.changes.extend(notes.changes.iter().map(|change| format!("{name}: {change}")));
            all.undecided.extend(notes.undecided.iter().map(|asked| format!("{name}: {asked}")));
            if at > 0 {
                all.drop_ins.push(drop_in(&file.path, &file.document, file.version));
            }
            documents.push(document);
        }
        all.expected = Settings::expected(self.dump, self.target)?;
        let written: Vec<Settings> = documents.iter().map(Settings::of).collect();
        let now = self.read(&documents, deadline)?;
        let differs = all.expected.differences(&now, &written, self.target);
        for one in &differs {
            if !one.can_be_kept() {
                all.undecided.push(format!("{}: take it out, or say it another way, first", one.words()));
                continue;
            }
            let at = place(&documents, one);
            if self.config.files.get(at).is_some_and(|file| file.text.is_none())
                && let Some(document) = documents.get_mut(at)
            {
                paths::set(document, &["version"], version)?;
            }
            if let Some(document) = documents.get_mut(at) {
                one.keep(document)?;
                let name = self.config.files.get(at).map(|file| file.path.display().to_string()).unwrap_or_default();
                all.changes.push(format!("{name}: {}", one.words()));
            }
        }
        if !differs.is_empty() && all.undecided.is_empty() {
            let now = self.read(&documents, deadline)?;
            let still = all.expected.differences(&now, &written, self.target);
            all.undecided.extend(
                still.iter().map(|one| format!("{}: it cannot be kept as it is, because files add up", one.words())),
            );
        }
        for (file, document) in self.config.files.iter().zip(&documents) {
            let text = with_line_ends(file.text.as_deref().unwrap_or_default(), document.to_string());
            if file.text.as_deref().unwrap_or_default() != text {
                let mode = files::mode_or(&file.path, 0o644);
                all.files.push(FileChange { path: file.path.clone(), before: file.text.clone(), after: text, mode });
            }
        }
        Ok(all)
    }

    /// The settings that the offered containerd has with these files, read in a directory of ours.
    fn read(&self, documents: &[DocumentMut], deadline: &Deadline) -> anyhow::Result<Settings> {
        let directory = self.scratch.join("config");
        files::make_dir(&directory, 0o700)?;
        let path = |at: usize| directory.join(format!("{at:03}.toml"));
        for (at, document) in documents.iter().enumerate() {
            let mut document = document.clone();
            document.remove("imports");
            if at == 0 && documents.len() > 1 {
                let others: toml_edit::Array = (1..documents.len()).map(|at| path(at).display().to_string()).collect();
                paths::set(&mut document, &["imports"], toml_edit::Value::Array(others))?;
            }
            files::write_atomic(path(at), document.to_string().as_bytes(), 0o600)?;
        }
        dump(self.program, &path(0), deadline)
            .context("having the new containerd read the converted configuration")
            .and_then(|text| {
                Ok(Settings::of(&text.parse::<DocumentMut>().context("reading the output of containerd config dump")?))
            })
    }
}

/// What a containerd makes of a configuration.
pub fn dump(program: &Path, config: &Path, deadline: &Deadline) -> anyhow::Result<String> {
    let path = config.display().to_string();
    Ok(Program::new(program)
        .args(["--config", &path, "config", "dump"])
        .keep_all()
        .run(deadline)?
        .success()?
        .stdout_text())
}

/// The file in which a setting wins: the last that says it, or has its section, or the main one.
fn place(documents: &[DocumentMut], setting: &Differs) -> usize {
    let says = |document: &DocumentMut| paths::value(document, &setting.path()).is_some();
    let has = |document: &DocumentMut| paths::table(document, &setting.section()).is_some();
    documents.iter().rposition(says).or_else(|| documents.iter().rposition(has)).unwrap_or(0)
}

/// A file of CRLF lines stays one.
fn with_line_ends(before: &str, after: String) -> String {
    let lines = before.matches('\n').count();
    if lines == 0 || before.matches("\r\n").count() < lines {
        return after;
    }
    after.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// `/etc/containerd/conf.d/99-nvidia.toml (NVIDIA's, version 2, runtime nvidia)`.
fn drop_in(path: &Path, document: &DocumentMut, version: i64) -> String {
    let text = document.to_string().to_lowercase();
    let known = [
        ("nvidia", "NVIDIA's"),
        ("kata", "Kata Containers'"),
        ("runsc", "gVisor's"),
        ("crun", "crun's"),
        ("youki", "youki's"),
    ];
    let whose =
        known.iter().find(|(sign, _)| text.contains(sign) || path.to_string_lossy().to_lowercase().contains(sign));
    let mut words: Vec<String> = whose.map(|(_, name)| (*name).to_owned()).into_iter().collect();
    words.push(format!("version {version}"));
    for section in [convert::CRI, convert::RUNTIME] {
        let names = convert::names(document, &["plugins", section, "containerd", "runtimes"]);
        if !names.is_empty() {
            words.push(format!("{} {}", if names.len() == 1 { "runtime" } else { "runtimes" }, names.join(", ")));
        }
    }
    format!("{} ({})", path.display(), words.join(", "))
}
