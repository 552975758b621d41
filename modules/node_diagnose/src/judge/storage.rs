//! Disks and mounts.

use crate::finding::Finding;
use crate::observe::Facts;
use crate::observe::storage::Filesystem;
use host::space::Space;
use node::code::Code;

/// The kubelet's default hard eviction thresholds in percent (kubelet.config.k8s.io, evictionHard): free space of the
/// images' and the node's file system, free inodes.
const IMAGES: u64 = 15;
const NODE: u64 = 10;
const INODES: u64 = 5;
/// Less than this is as good as nothing: containerd and systemd need some room to write state.
const FULL_BELOW: u64 = 16 << 20;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let mut points = Vec::new();
    for filesystem in &facts.storage.filesystems {
        let space = match &filesystem.space {
            Ok(space) => space,
            Err(why) => {
                found.push(Finding::new(Code::MountHangs, [format!("{}: {why}", filesystem.path)]));
                continue;
            }
        };
        // Several directories mostly share one file system: it is judged once.
        if points.contains(&&filesystem.point) {
            continue;
        }
        points.push(&filesystem.point);
        found.extend(of(filesystem, space));
    }
    for hanging in &facts.storage.hanging {
        found.push(Finding::new(Code::MountHangs, [hanging.clone()]));
    }
    overlay(facts, found);
    let below = &facts.storage.below_kubelet;
    let runs = facts.kubelet.process.running();
    if !facts.joined() && !runs && facts.runtime.pods().is_empty() && !below.is_empty() {
        found.push(Finding::new(Code::MountsLeftBehind, below.iter().take(5).cloned()));
    }
}

fn of(filesystem: &Filesystem, space: &Space) -> Option<Finding> {
    let place = format!("{} ({}, for {})", filesystem.point, filesystem.kind, filesystem.purpose);
    let percent = |part: u64, whole: u64| part.saturating_mul(100) / whole.max(1);
    let free = percent(space.available, space.bytes);
    let inodes = percent(space.inodes_available, space.inodes);
    if space.read_only || filesystem.options.split(',').any(|o| o == "ro") {
        return Some(Finding::new(Code::FilesystemReadOnly, [format!("{place} is mounted read-only")]));
    }
    if space.available < FULL_BELOW.min(space.bytes / 100) || space.available == 0 {
        return Some(Finding::new(
            Code::FilesystemFull,
            [format!("{place} has {} of {} left", size(space.available), size(space.bytes))],
        ));
    }
    if space.inodes > 0 && space.inodes_available == 0 {
        return Some(Finding::new(
            Code::InodesExhausted,
            [format!("{place} has none of {} inodes left", space.inodes)],
        ));
    }
    // The kubelet looks at its own file system and the images' only.
    let threshold = match filesystem.path.as_str() {
        "/var/lib/containerd" => IMAGES,
        "/" | "/var/lib/kubelet" => NODE,
        _ if filesystem.purpose == "images" => IMAGES,
        _ => return None,
    };
    let low = free < threshold || (space.inodes > 0 && inodes < INODES);
    low.then(|| {
        let words = format!("{place} has {free} % of its space and {inodes} % of its inodes free");
        Finding::new(Code::FilesystemLow, [words])
    })
}

fn overlay(facts: &Facts, found: &mut Vec<Finding>) {
    let snapshotter =
        facts.runtime.status().and_then(|s| s.info.get("config")?.get("containerd")?.get("snapshotter")?.as_str());
    if snapshotter.is_some_and(|s| s != "overlayfs") {
        return;
    }
    if !facts.storage.overlay {
        found.push(Finding::new(
            Code::OverlayImpossible,
            ["the kernel has no overlay file system and no module for it"],
        ));
    }
    for filesystem in &facts.storage.filesystems {
        let unfit = matches!(filesystem.kind.as_str(), "overlay" | "nfs" | "nfs4" | "cifs" | "vfat" | "exfat");
        if filesystem.purpose == "images" && unfit {
            let words = format!("{} lies on {} ({})", filesystem.path, filesystem.point, filesystem.kind);
            found.push(Finding::new(Code::OverlayImpossible, [words]));
        }
    }
}

/// Bytes as people write them.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}
