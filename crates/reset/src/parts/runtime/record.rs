//! What containerd held when the last reset was done: a node that still looks like that has nothing to wipe.
//!
//! Without it a second run could not tell the images that a distribution's start-up scripts import again from leftovers.

use anyhow::{Context, Result};
use host::files;
use serde_json::json;

use super::holdings::Holdings;
use crate::journal;

const PATH: &str = "/var/lib/kubejoin/reset.json";

/// What was recorded; nothing when there was no reset, or its record cannot be read.
pub fn read() -> Option<Holdings> {
    let bytes = files::read_optional(PATH).ok().flatten()?;
    let record: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    serde_json::from_value(record["containerd"].clone()).ok()
}

/// Records it, with the time.
pub fn write(holdings: &Holdings) -> Result<()> {
    files::make_dir(journal::STATE, 0o700)?;
    let record = json!({"at": journal::now(), "containerd": holdings});
    let text = serde_json::to_vec(&record).context("writing the record of this reset")?;
    files::write_atomic(PATH, &text, 0o600)
}
