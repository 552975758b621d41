//! Whether a target is what its name says, before anything in it is looked at or deleted.
//!
//! A target may be a mount: a partition, a volume, or a bind mount of a directory that people know under another name,
//! /home for one, or a backup of a node. A name decides nothing, and neither does what lies in it. What is mounted there is
//! emptied of what the footprint table knows and of nothing else, and not even of that unless it is proved to be this node's
//! own ([`super::proof`]). The option `own_paths` names what is Kubernetes' own nevertheless.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use footprint::paths::{Known, known};
use host::mounts::{self, Index, Mount};
use host::remove::{self, What};

use super::preserve::resolve;
use super::proof::Proofs;
use super::targets::Target;
use crate::args::{Args, Unknown};

/// How long a server may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Directories of Kubernetes in which targets lie: one that is mounted there is judged as if it were the target.
const ABOVE: [&str; 3] = ["/etc/kubernetes", "/etc/cni", "/root/.kube"];

/// What is at a target's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    Nothing,
    /// What the name says.
    Own {
        /// Where it is, links followed.
        real: PathBuf,
        /// Whether all of it goes, whatever it is.
        whole: bool,
    },
    /// Something that stays, in words.
    Keep(String),
    /// Something because of which nothing may be touched, in words that follow the path.
    Refuse(String),
}

impl Place {
    /// Where it is, if it is a target.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Own { real, .. } => Some(real.clone()),
            _ => None,
        }
    }
}

/// Looks at a target from outside.
pub fn judge(args: &Args, target: &Target, index: &Index<'_>, proofs: &Proofs<'_>) -> Result<Place> {
    let path = &target.path;
    let silent = |mount: &&Mount| !mounts::answers(mount, &proofs.deadline.at_most(ANSWER));
    if let Some(mount) = index.containing(path).filter(silent) {
        let (kind, point) = (&mount.fs_type, mount.point.display());
        return Ok(Place::Refuse(format!("is on {kind} at {point}, which does not answer")));
    }
    // A file's name may be a link: then the link goes. Its directory must be none.
    let plain = match (target.what, path.parent()) {
        (What::Tree, Some(parent)) => remove::is_plain(parent)?,
        _ => remove::is_plain(path)?,
    };
    match plain {
        None => return Ok(Place::Nothing),
        Some(false) => return linked(args, target, index, proofs),
        Some(true) if std::fs::symlink_metadata(path).is_err() => return Ok(Place::Nothing),
        Some(true) => {}
    }
    Ok(mounted(args, path, path, index, proofs))
}

/// A link to a data disk is as good as a mount of one, when somebody says so.
fn linked(args: &Args, target: &Target, index: &Index<'_>, proofs: &Proofs<'_>) -> Result<Place> {
    let real = resolve(index, &target.path);
    let named = target.what == What::Contents && args.own_paths.contains(&real);
    if !named {
        let there = real.display();
        return Ok(Place::Refuse(format!(
            "leads elsewhere through a symbolic link, to {there}, where somebody's data may be; if {there} is Kubernetes' \
             own, set own_paths: [{there}]"
        )));
    }
    Ok(match remove::is_plain(&real)? {
        Some(true) if real.is_dir() => mounted(args, &target.path, &real, index, proofs),
        _ => Place::Nothing,
    })
}

/// What is mounted at `real`, which the list calls `listed`.
fn mounted(args: &Args, listed: &Path, real: &Path, index: &Index<'_>, proofs: &Proofs<'_>) -> Place {
    let all = args.unknown == Unknown::Delete;
    let own = |whole| Place::Own { real: real.to_owned(), whole };
    let point = ABOVE.iter().map(Path::new).find(|above| real.starts_with(above) && index.exactly_at(above).is_some());
    let point = if index.exactly_at(real).is_some() { real } else { point.unwrap_or(real) };
    let Some(mount) = index.exactly_at(point) else { return own(all) };
    let others = other_names(index, mount);
    let named = |path: &Path| args.own_paths.iter().any(|own| own == path);
    // Bound to itself, as the kubelet's unit of some distributions does it.
    let itself = !others.is_empty() && others.iter().all(|other| other.starts_with(point));
    if itself || named(listed) || named(point) || others.iter().any(|other| named(other)) {
        return own(all);
    }
    let in_use = proofs.is_in_use(listed, real, mount, index);
    if let Some(other) = others.iter().find(|other| !other.starts_with(point)).filter(|_| !in_use) {
        let other = other.display();
        return Place::Refuse(format!(
            "is another view of {other}, which is not Kubernetes' as far as can be proved; if it is, set own_paths: [{}]",
            point.display()
        ));
    }
    let why = match known(&listed.to_string_lossy()) {
        Known::Only(_) if in_use || proofs.is_of_the_machine(point, index) => return own(false),
        Known::Only(_) => {
            "which Kubernetes of this node does not work in now, and which was mounted since the machine came up"
        }
        Known::All => "in which nothing can be told to be Kubernetes' own",
    };
    let (source, point) = (mount.source.to_string_lossy(), point.display());
    Place::Keep(format!("a mount of {source}, {why}; if all of it is its own, set own_paths: [{point}]"))
}

/// Other paths to the directory that is mounted: its own, hidden beneath the mount, and others that can be reached.
fn other_names(index: &Index<'_>, mount: &Mount) -> Vec<PathBuf> {
    let others = index.table().iter().filter(|other| other.id != mount.id && other.device == mount.device);
    let reached = others.filter_map(|other| {
        let inside = mount.root.strip_prefix(&other.root).ok()?;
        // Joining nothing would add a slash.
        let place: PathBuf = other.point.iter().chain(inside.iter()).collect();
        // Not where a later mount hides it, and something else is seen.
        let seen = place == mount.point || index.containing(&place).is_some_and(|seen| seen.id == other.id);
        seen.then_some(place)
    });
    reached.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Level;
    use host::deadline::Deadline;
    use host::mounts::parse;
    use host::users::Work;

    fn judged(extra: &str, own_paths: &[&str]) -> Place {
        let table = format!("1 1 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:2 / /data rw - ext4 /dev/sdb rw\n{extra}");
        let args = Args { own_paths: own_paths.iter().map(PathBuf::from).collect(), ..Args::of(Level::Aggressive) };
        let path = Path::new("/var/lib/nowhere-kubelet");
        let table = parse(table.as_bytes()).unwrap();
        let args = Args { unknown: Unknown::Delete, ..args };
        let index = Index::of(&table);
        let (work, earlier, deadline) = (Work::default(), Default::default(), Deadline::after(ANSWER));
        let proofs = Proofs { work: &work, earlier: &earlier, booted: false, deadline: &deadline };
        mounted(&args, path, path, &index, &proofs)
    }

    fn own(whole: bool) -> Place {
        Place::Own { real: "/var/lib/nowhere-kubelet".into(), whole }
    }

    #[test]
    fn no_mount_and_a_bind_of_the_directory_itself_are_its_own() {
        assert_eq!(judged("", &[]), own(true));
        let itself = "3 1 8:1 /var/lib/nowhere-kubelet /var/lib/nowhere-kubelet rw shared:1 - ext4 /dev/sda rw\n";
        assert_eq!(judged(itself, &[]), own(true));
    }

    #[test]
    fn somebody_elses_directory_mounted_there_is_refused_whatever_its_name_until_it_is_named() {
        for (root, other) in [("8:1 /home", "/home"), ("8:1 /", "/"), ("8:2 /nowhere-kubelet", "/data/nowhere-kubelet")]
        {
            let line = format!("3 1 {root} /var/lib/nowhere-kubelet rw - ext4 /dev/sdx rw\n");
            let Place::Refuse(why) = judged(&line, &[]) else { panic!("{root}") };
            assert!(why.contains(&format!("another view of {other}, which is not Kubernetes'")), "{why}");
            assert_eq!(judged(&line, &[other]), own(true));
            assert_eq!(judged(&line, &["/var/lib/nowhere-kubelet"]), own(true));
        }
    }

    #[test]
    fn a_disk_of_its_own_is_kept_where_nothing_in_it_can_be_told() {
        let disk = "3 1 8:3 / /var/lib/nowhere-kubelet rw - ext4 /dev/sdc rw\n";
        assert!(matches!(judged(disk, &[]), Place::Keep(_)));
        assert_eq!(judged(disk, &["/var/lib/nowhere-kubelet"]), own(true));
    }
}
