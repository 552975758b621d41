//! Does the steps, in order; the first that fails ends it.

use crate::plan::{Plan, Step};
use ansible::Steps;
use host::files;

/// Does them. A file is written so that a running containerd notices: see [`host::files::write_atomic`].
pub fn apply(plan: &Plan, done: &mut Steps) -> anyhow::Result<()> {
    for step in &plan.steps {
        match step {
            Step::MakeDir(path) => files::make_dir(path, 0o755).map(drop)?,
            Step::Link { target, path } => files::link(target, path).map(drop)?,
            Step::Write { path, after, .. } => files::write_atomic(path, after.as_bytes(), 0o644)?,
            Step::Delete { path, .. } => files::delete_file(path).map(drop)?,
        }
        done.did(step.to_string());
    }
    Ok(())
}
