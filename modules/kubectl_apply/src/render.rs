//! A kustomization, rendered by kubectl out of files in memory.

use crate::args::Args;
use crate::words;
use anyhow::{Context as _, ensure};
use host::deadline::Deadline;
use host::process::Program;
use host::room;
use std::fs;

/// What `kubectl kustomize` makes of the files.
pub fn render(args: &Args, deadline: &Deadline) -> anyhow::Result<String> {
    let files = args.files()?;
    room::inside(|room| {
        for (path, content) in &files {
            let file = room.join(path);
            let writing = || format!("putting {path} of the kustomization into memory");
            if let Some(directory) = file.parent() {
                fs::create_dir_all(directory).with_context(writing)?;
            }
            fs::write(&file, content).with_context(writing)?;
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
