//! The edits of containerd's configuration files: which file gets what.

use crate::containerd::config::edit::{self, Wanted};
use crate::containerd::config::{Config, ConfigFile, paths};
use anyhow::Context as _;
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

/// What is different in every file that is not as it should be.
///
/// A setting is written into the last file that has its section: it wins there, in 1.x (where a later section replaces an
/// earlier one whole) and in 2.x (where they are merged) alike. Where files of different versions name the section
/// differently, it is written once under each name, because 2.1 lets the newer name win and 2.3 the later file.
pub(super) fn edits(config: &Config, wanted: &Wanted) -> anyhow::Result<Vec<FileEdit>> {
    let mut all = Vec::new();
    for (at, file) in config.files.iter().enumerate() {
        let owns = |section: &dyn Fn(&ConfigFile) -> &'static str| config.owns(at, section);
        let (runtime, images) = (owns(&|f| f.names.runtime), owns(&|f| f.names.images));
        let edited =
            of_file(file, wanted, runtime, images).with_context(|| format!("editing {}", file.path.display()))?;
        all.extend(edited);
    }
    Ok(all)
}

fn of_file(file: &ConfigFile, wanted: &Wanted, runtime: bool, images: bool) -> anyhow::Result<Option<FileEdit>> {
    let mut document = file.document.clone();
    let mut changes = Vec::new();
    if file.text.is_none() {
        paths::set(&mut document, &["version"], file.version)?;
        changes.push(format!("make a configuration of version {}", file.version));
    } else if file.lacks_version {
        changes.push(edit::add_version_line(&mut document, file.version)?);
    }
    let comments = paths::take_closing_comments(&mut document);
    changes.extend(edit::enable_cri(&mut document));
    changes.extend(edit::apply(&mut document, file.names, wanted, runtime)?);
    if let (true, Some(image)) = (images, &wanted.sandbox_image) {
        changes.extend(edit::sandbox_image(&mut document, file.names, image)?);
    }
    if let Some(comments) = comments {
        paths::give_back(&mut document, comments);
    }
    let after = newlines(document.to_string(), file.text.as_deref());
    let edit = FileEdit { path: file.path.clone(), before: file.text.clone(), after, changes };
    Ok((!edit.changes.is_empty()).then_some(edit))
}

/// toml_edit ends the lines it writes with \n; a file that came from Windows keeps its own ends.
fn newlines(text: String, before: Option<&str>) -> String {
    if before.is_some_and(|b| b.contains("\r\n")) {
        return text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    text
}
