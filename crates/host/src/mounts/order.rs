//! Which mounts lie below a path, and an order in which they can be unmounted. Pure.
//!
//! The order follows the mount tree (parent ids), not the text of the paths: two mounts on one point are a parent and a
//! child, and a mount hidden beneath a later one cannot be reached by its path at all until that one is gone.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::Mount;

/// Mounts strictly below `path` that a path can reach, children before the mounts they are mounted on.
///
/// A mount on `path` itself is not below it. Mounts hidden beneath another are left out: unmount, read the table again,
/// and they appear.
pub fn below<'a>(table: &'a [Mount], path: &Path) -> Vec<&'a Mount> {
    let tree = Tree::of(table);
    let mut found: Vec<(usize, &Mount)> = table
        .iter()
        .filter(|mount| mount.point != path && mount.point.starts_with(path))
        .filter(|mount| !tree.is_hidden(mount))
        .map(|mount| (tree.depth(mount), mount))
        .collect();
    found.sort_by_key(|&(depth, mount)| std::cmp::Reverse((depth, mount.id)));
    found.into_iter().map(|(_, mount)| mount).collect()
}

/// The uppermost mount on exactly `path`.
pub fn exactly_at<'a>(table: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let tree = Tree::of(table);
    table.iter().filter(|mount| mount.point == path && !tree.is_hidden(mount)).max_by_key(|mount| tree.depth(mount))
}

/// The mount that a file at `path` is on.
pub fn containing<'a>(table: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    path.ancestors().find_map(|ancestor| exactly_at(table, ancestor))
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
