//! Which mounts lie below a path, and an order in which they can be unmounted. Pure.
//!
//! The order follows the mount tree (parent ids), not the text of the paths: two mounts on one point are a parent and a
//! child, and a mount hidden beneath a later one cannot be reached by its path at all until that one is gone.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::Mount;

/// A mount table made ready for many questions: each of them looks at few mounts, however many there are.
pub struct Index<'a> {
    table: &'a [Mount],
    tree: Tree<'a>,
    by_point: HashMap<&'a Path, Vec<&'a Mount>>,
    children: HashMap<u64, Vec<&'a Mount>>,
}

impl<'a> Index<'a> {
    /// Of a table.
    pub fn of(table: &'a [Mount]) -> Self {
        let mut by_point: HashMap<&Path, Vec<&Mount>> = HashMap::with_capacity(table.len());
        let mut children: HashMap<u64, Vec<&Mount>> = HashMap::with_capacity(table.len());
        for mount in table {
            by_point.entry(&mount.point).or_default().push(mount);
            if mount.parent != mount.id {
                children.entry(mount.parent).or_default().push(mount);
            }
        }
        Self { table, tree: Tree::of(table), by_point, children }
    }

    /// The table itself.
    pub fn table(&self) -> &'a [Mount] {
        self.table
    }

    /// The mount with this id.
    pub fn by_id(&self, id: u64) -> Option<&'a Mount> {
        self.tree.by_id.get(&id).copied()
    }

    /// Whether another mount lies over it, so that its path leads elsewhere.
    pub fn is_hidden(&self, mount: &'a Mount) -> bool {
        self.tree.is_hidden(mount)
    }

    /// Mounts that are mounted on this one.
    pub fn on(&self, id: u64) -> &[&'a Mount] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether a mount that shows the same is at the same place.
    pub fn has(&self, mount: &Mount) -> bool {
        let here = self.by_point.get(mount.point.as_path()).into_iter().flatten();
        here.into_iter().any(|other| other.device == mount.device && other.root == mount.root)
    }

    /// Mounts strictly below `path` that a path can reach, children before the mounts they are mounted on.
    ///
    /// A mount on `path` itself is not below it. Mounts hidden beneath another are left out: unmount, read the table
    /// again, and they appear.
    pub fn below(&self, path: &Path) -> Vec<&'a Mount> {
        let mut found: Vec<(usize, &Mount)> = self
            .table
            .iter()
            .filter(|mount| mount.point.starts_with(path) && mount.point != path)
            .filter(|mount| !self.tree.is_hidden(mount))
            .map(|mount| (self.tree.depth(mount), mount))
            .collect();
        found.sort_by_key(|&(depth, mount)| std::cmp::Reverse((depth, mount.id)));
        found.into_iter().map(|(_, mount)| mount).collect()
    }

    /// The uppermost mount on exactly `path`.
    pub fn exactly_at(&self, path: &Path) -> Option<&'a Mount> {
        let here = self.by_point.get(path)?.iter().copied();
        here.filter(|mount| !self.tree.is_hidden(mount)).max_by_key(|mount| self.tree.depth(mount))
    }

    /// The mount that a file at `path` is on.
    pub fn containing(&self, path: &Path) -> Option<&'a Mount> {
        path.ancestors().find_map(|ancestor| self.exactly_at(ancestor))
    }
}

/// See [`Index::below`].
pub fn below<'a>(table: &'a [Mount], path: &Path) -> Vec<&'a Mount> {
    Index::of(table).below(path)
}

/// See [`Index::exactly_at`].
pub fn exactly_at<'a>(table: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    Index::of(table).exactly_at(path)
}

/// See [`Index::containing`].
pub fn containing<'a>(table: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    Index::of(table).containing(path)
}

struct Tree<'a> {
    by_id: HashMap<u64, &'a Mount>,
    /// Which (parent, mount point) pairs there are.
    attached: HashSet<(u64, &'a Path)>,
}

impl<'a> Tree<'a> {
    fn of(table: &'a [Mount]) -> Self {
        Self {
            by_id: table.iter().map(|mount| (mount.id, mount)).collect(),
            attached: table
                .iter()
                .filter(|mount| mount.parent != mount.id)
                .map(|mount| (mount.parent, mount.point.as_path()))
                .collect(),
        }
    }

    /// The mount and what it is mounted on, up to the root; bounded, should the ids of a made-up table form a ring.
    fn chain(&self, mount: &'a Mount) -> impl Iterator<Item = &'a Mount> {
        std::iter::successors(Some(mount), |mount| {
            self.by_id.get(&mount.parent).copied().filter(|parent| parent.id != mount.id)
        })
        .take(self.by_id.len())
    }

    fn depth(&self, mount: &'a Mount) -> usize {
        self.chain(mount).count()
    }

    /// Hidden: on the way to it, another mount of the same parent sits on a directory above its mount point.
    fn is_hidden(&self, mount: &'a Mount) -> bool {
        self.chain(mount)
            .any(|link| link.point.ancestors().skip(1).any(|above| self.attached.contains(&(link.parent, above))))
    }
}
