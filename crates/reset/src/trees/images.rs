//! Preserved trees on file systems that are made of what lies in a target.

use std::path::Path;

use host::mounts::Index;
use host::users::Users;

use super::look::Found;
use super::preserve::{resolve, said};

/// A preserved tree on a file system that is made of what lies in a target: a disk image, the layers of an overlay.
pub fn made_of(index: &Index<'_>, users: &Users, preserved: &Path, targets: &[Found]) -> Option<String> {
    let real = resolve(index, preserved);
    let mut mounts = index.below(&real);
    mounts.extend(index.containing(&real));
    targets.iter().find_map(|found| {
        let (file, _) = found.survey.used.iter().find(|(_, identity)| {
            let points = users.files.get(identity).map(|used| used.points.as_slice()).unwrap_or_default();
            mounts.iter().any(|mount| points.contains(&mount.point))
        })?;
        Some(said(preserved, &real, &format!("is made of {} in", file.display()), &found.target.path))
    })
}
