//! What is mounted in other mount namespaces, each looked at once, and what their processes have open.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Own, Users, opened};
use crate::mounts::{Index, Mount, parse};

/// One mount namespace other than our own.
#[derive(Debug)]
pub struct Namespace {
    /// Somebody in it: `process 12 (nginx)`.
    pub by: String,
    /// Its mounts, without those that are in our own namespace at the same place.
    pub table: Vec<Mount>,
}

/// Looks at all processes but those that are ours. One that ends meanwhile uses nothing any more. Gives back what is mounted
/// only where the processes are ours, and goes with them.
pub(super) fn look(index: &Index<'_>, own: &Own<'_>, users: &mut Users) -> Result<Vec<Mount>> {
    let namespace = |process: &Path| std::fs::metadata(process.join("ns/mnt")).ok().map(|meta| meta.ino());
    let ours = namespace(Path::new("/proc/thread-self")).context("reading /proc/thread-self/ns/mnt")?;
    // Several may see different parts of one namespace, when they have another root.
    let mut seen: HashSet<(u64, Option<PathBuf>)> = HashSet::new();
    let mut silent: HashMap<u64, Vec<PathBuf>> = HashMap::new();
    silent.insert(ours, hanging(index.table()));
    let mut going: HashMap<u64, Vec<Mount>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").context("listing /proc")?.flatten() {
        let Some(pid) = pid(&entry.file_name()) else { continue };
        let process = entry.path();
        let Some(inode) = namespace(&process) else { continue };
        if (own.processes)(pid) {
            if inode != ours && !going.contains_key(&inode) {
                let table = std::fs::read(process.join("mountinfo")).ok().and_then(|bytes| parse(&bytes).ok());
                going.insert(inode, table.unwrap_or_default());
            }
            continue;
        }
        if inode != ours && seen.insert((inode, std::fs::read_link(process.join("root")).ok())) {
            let Ok(bytes) = std::fs::read(process.join("mountinfo")) else { continue };
            let mut table = parse(&bytes).with_context(|| format!("reading /proc/{pid}/mountinfo"))?;
            silent.entry(inode).or_default().extend(hanging(&table));
            table.retain(|mount| !index.has(mount));
            users.namespaces.push(Namespace { by: named(pid, &process), table });
        }
        opened::files(&process, silent.get(&inode).map_or(&[], Vec::as_slice), users, || named(pid, &process));
    }
    for mount in index.table().iter().filter(|mount| mount.fs_type == "nsfs" && !index.is_hidden(mount)) {
        let point = mount.point.display();
        // `mnt:[4026532008]`
        let Some(inode) =
            mount.root.to_str().and_then(|root| root.strip_prefix("mnt:[")?.strip_suffix(']')?.parse().ok())
        else {
            continue;
        };
        if inode == ours || !seen.insert((inode, Some(PathBuf::from("/")))) {
            continue;
        }
        match pinned(&mount.point) {
            Ok(mut table) => {
                table.retain(|mount| !index.has(mount));
                users.namespaces.push(Namespace { by: format!("the mount namespace kept at {point}"), table });
            }
            Err(error) => {
                users.unresolved.push(format!("the mount namespace kept at {point} cannot be looked into: {error:#}"))
            }
        }
    }
    let kept = |inode: &u64| seen.iter().any(|(other, _)| other == inode);
    Ok(going.into_iter().filter(|(inode, _)| !kept(inode)).flat_map(|(_, table)| table).collect())
}

/// What is mounted in a namespace that is kept by a mount and in which there may be no process, as snapd's are. Asked by a
/// thread that enters it, through the /proc of this namespace: it may have none.
fn pinned(point: &Path) -> Result<Vec<Mount>> {
    let (namespace, proc) = (File::open(point)?, File::open("/proc")?);
    let look = move || -> Result<Vec<Mount>> {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS)?;
        nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNS)?;
        let (flags, mode) = (rustix::fs::OFlags::CLOEXEC, rustix::fs::Mode::empty());
        let mut bytes = Vec::new();
        File::from(rustix::fs::openat(proc, c"thread-self/mountinfo", flags, mode)?).read_to_end(&mut bytes)?;
        parse(&bytes)
    };
    std::thread::spawn(look).join().map_err(|_panicked| anyhow::anyhow!("the look ended early"))?
}

fn hanging(table: &[Mount]) -> Vec<PathBuf> {
    table
        .iter()
        .filter(|mount| mount.may_hang() || mount.fs_type == "autofs")
        .map(|mount| mount.point.clone())
        .collect()
}

fn pid(name: &OsString) -> Option<i32> {
    name.to_str()?.parse().ok()
}

fn named(pid: i32, process: &Path) -> String {
    let name = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
    format!("process {pid} ({})", name.trim_end())
}
