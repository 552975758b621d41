//! apt's own lists and sources as they are to be: whether a repository can be used, and what it has, is found out without a
//! change to the machine. In memory.

use super::sources;
use crate::scratch::Scratch;
use crate::sources::File;
use anyhow::Context as _;
use host::files;
use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::Path;

const LISTS: &str = "/var/lib/apt/lists";

/// Makes it, with the lists that the machine has.
pub fn make() -> anyhow::Result<Scratch> {
    let scratch = Scratch::make("/run", "kubejoin-apt-", &["lists", "lists/partial", "sources", "keys"])?;
    for name in files::names(LISTS)? {
        // An index is named after its address; what else there is are apt's lock and directories.
        if name.to_string_lossy().contains('_') {
            let to = scratch.path().join("lists").join(&name);
            symlink(Path::new(LISTS).join(&name), &to).with_context(|| format!("linking {}", to.display()))?;
        }
    }
    Ok(scratch)
}

/// Puts the machine's sources there, as they are to be.
pub fn sources(scratch: &Scratch, all: &[File]) -> anyhow::Result<()> {
    for file in all {
        // sources.list, which has no place of its own here, reads like one of the others; none of them is called so.
        let main = file.path == Path::new(sources::MAIN);
        let name =
            if main { OsStr::new("main-of-the-machine.list") } else { file.path.file_name().unwrap_or_default() };
        scratch.put(Path::new("sources").join(name), file.text.as_bytes())?;
    }
    Ok(())
}
