//! The proof that nobody but Kubernetes has anything in containerd, taken when it is stopped and immediately before the
//! first thing of it is deleted. Deleting takes the proof as an argument, so that it cannot be left out.
//!
//! A container that somebody made since the look is in the database now. While the proof is held, so is the lock that
//! containerd takes to open its database: whoever starts it meanwhile gets no further than that.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use host::{files, processes};

use super::bolt::Locked;
use super::holdings::{self, KUBERNETES};
use super::roots::Roots;

/// Held as long as containerd's data is deleted.
pub struct Sole {
    _database: Option<Locked>,
}

impl Sole {
    /// Proves it, or says who has something there, or why it cannot be told.
    pub fn prove(roots: &Roots) -> Result<Self> {
        let path = holdings::database(&roots.root);
        let locked = Locked::take(&path)?;
        if let Some(locked) = &locked {
            let found = locked.read().and_then(|bolt| holdings::read(&bolt));
            let found = found.with_context(|| format!("reading {}", path.display()))?;
            ensure!(found.foreign.is_empty(), "{} has something in containerd", found.foreign.join(", "));
        }
        if let Some(other) = foreign_tasks(&roots.state)?.into_iter().chain(foreign_shims(&roots.socket)?).next() {
            bail!("a container of namespace {other} runs");
        }
        Ok(Self { _database: locked })
    }
}

/// Namespaces other than Kubernetes' that have the state of a running container here, whatever the database says.
pub fn foreign_tasks(state: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    // Shims of containerd 1.x and 2.x; v1 is the runtime of before 1.4.
    for plugin in ["io.containerd.runtime.v2.task", "io.containerd.runtime.v1.linux"] {
        let directory = state.join(plugin);
        for name in files::names(&directory)? {
            let name = name.to_string_lossy().into_owned();
            if name != KUBERNETES && !files::names(directory.join(&name))?.is_empty() && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    Ok(found)
}

/// Namespaces other than Kubernetes' whose shims say that they belong to this containerd.
pub fn foreign_shims(socket: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for process in processes::list()? {
        let value = |option: &str| process.argv.windows(2).find(|pair| pair[0] == option).map(|pair| pair[1].as_str());
        let is_shim = process.program().is_some_and(|name| name.starts_with("containerd-shim"));
        if let Some(namespace) = value("-namespace").filter(|name| is_shim && *name != KUBERNETES)
            && value("-address") == Some(socket)
            && process.same_namespace
            && !found.iter().any(|other| other == namespace)
        {
            found.push(namespace.to_owned());
        }
    }
    Ok(found)
}
