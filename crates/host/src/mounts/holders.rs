//! Who keeps a mount busy, by name.
//!
//! Only link texts and maps are read, never the files behind them: looking at a file of a dead server would hang here too.
//! A process in another mount namespace is found by the mount's own paths there.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::parse::unescape;
use super::{Mount, parse};

/// More than this would not help anybody.
const MOST: usize = 10;

/// Who holds `mount`: processes, loop devices, swap files, exports, mounts on it. At most ten, best effort.
pub fn holders(mount: &Mount) -> Vec<String> {
    let own_namespace = std::fs::read_link("/proc/thread-self/ns/mnt").ok();
    let mut found = kernel_users(&mount.point);
    for (pid, directory) in processes() {
        if found.len() >= MOST {
            break;
        }
        let points = if std::fs::read_link(directory.join("ns/mnt")).ok() == own_namespace {
            vec![mount.point.clone()]
        } else {
            points_in(&directory, mount)
        };
        if let Some(how) = points.iter().find_map(|point| how_held(&directory, point)) {
            let name = std::fs::read_to_string(directory.join("comm")).unwrap_or_default();
            found.push(format!("process {pid} ({}, {how})", name.trim_end()));
        }
    }
    found.truncate(MOST);
    found
}

fn processes() -> Vec<(u32, PathBuf)> {
    let pid = |name: OsString| name.to_str().and_then(|name| name.parse::<u32>().ok());
    let mut all: Vec<u32> =
        std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|e| pid(e.file_name())).collect();
    all.sort_unstable();
    all.into_iter().map(|pid| (pid, PathBuf::from(format!("/proc/{pid}")))).collect()
}

/// Where a process in another namespace sees the same file system from the same directory.
fn points_in(process: &Path, mount: &Mount) -> Vec<PathBuf> {
    let table = std::fs::read(process.join("mountinfo")).ok().and_then(|bytes| parse(&bytes).ok()).unwrap_or_default();
    table
        .into_iter()
        .filter(|other| other.device == mount.device && other.root == mount.root)
        .map(|other| other.point)
        .collect()
}

fn how_held(process: &Path, point: &Path) -> Option<&'static str> {
    let below = |link: &str| std::fs::read_link(process.join(link)).is_ok_and(|target| target.starts_with(point));
    if below("cwd") {
        return Some("working directory");
    }
    if below("root") {
        return Some("root directory");
    }
    if below("exe") {
        return Some("running program");
    }
    let open = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    if open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|target| target.starts_with(point)) {
        return Some("open file");
    }
    let maps = std::fs::read(process.join("maps")).unwrap_or_default();
    maps.split(|&byte| byte == b'\n')
        .filter_map(mapped_file)
        .any(|file| file.starts_with(point))
        .then_some("mapped file")
}

/// `address perms offset device inode      path`, the path with its newlines escaped.
fn mapped_file(line: &[u8]) -> Option<PathBuf> {
    let at = line.iter().position(|&byte| byte == b'/')?;
    Some(OsString::from_vec(unescape(&line[at..])).into())
}

/// Users that are no process: they hold a mount just as well, and no `fuser` shows them.
fn kernel_users(point: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/sys/block").into_iter().flatten().flatten() {
        let backing = std::fs::read(entry.path().join("loop/backing_file")).unwrap_or_default();
        let file = PathBuf::from(OsString::from_vec(backing.trim_ascii_end().to_vec()));
        if !file.as_os_str().is_empty() && file.starts_with(point) {
            found.push(format!("loop device /dev/{} ({})", entry.file_name().to_string_lossy(), file.display()));
        }
    }
    let first_words = |path: &str, what: &str, found: &mut Vec<String>| {
        for line in std::fs::read(path).unwrap_or_default().split(|&byte| byte == b'\n') {
            let word = line.split(|&byte| byte == b' ' || byte == b'\t').next().unwrap_or_default();
            let file = PathBuf::from(OsString::from_vec(unescape(word)));
            if file.starts_with(point) {
                found.push(format!("{what} {}", file.display()));
            }
        }
    };
    first_words("/proc/swaps", "swap on", &mut found);
    first_words("/var/lib/nfs/etab", "NFS export of", &mut found);
    found
}
