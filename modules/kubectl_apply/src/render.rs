//! A kustomization, rendered by kubectl out of files in memory.

use crate::args::Args;
use crate::words;
use anyhow::{Context as _, ensure};
use host::deadline::Deadline;
use host::process::Program;
use host::room;
use std::fs;
use std::path::Path;

/// What `kubectl kustomize` makes of the files.
pub fn render(args: &Args, deadline: &Deadline) -> anyhow::Result<String> {
    let files = args.files()?;
    room::inside(|room| {
        for (path, content) in &files {
            put(&room.join(path), content)
                .with_context(|| format!("putting {path} of the kustomization into memory"))?;
        }
        let output =
            Program::new("kubectl").args(["kustomize"]).args([room.join(&args.entry)]).keep_all().run(deadline)?;
        let place = format!("{}/", room.display());
        ensure!(
            output.status.success(),
            "rendering the kustomization: {}",
            words::error(&output.stderr_text()).replace(&place, "")
        );
        Ok(output.stdout_text())
    })
}

#[allow(clippy::disallowed_methods, reason = "nobody but kubectl, which is started afterwards, sees this file")]
fn put(file: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(file, content)
}
