//! Processes, found by cgroup, executable and unit, and ended through a pidfd.
//!
//! Never by a substring of a command line: an editor with `kubelet.log` open is no kubelet. A pid is not a process: it
//! may be somebody else's by the time the signal is sent, so every signal goes through a pidfd whose start time was
//! compared after it was opened. Which processes are Kubernetes' is [`owned`], a pure function.

mod end;
mod owned;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub use end::{Survivor, end};
pub use owned::{Kind, Owned, owned};

/// One process, as /proc shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number in our pid namespace.
    pub pid: i32,
    /// Its parent's number; 0 when the parent is in an outer pid namespace.
    pub parent: i32,
    /// When it started, in clock ticks since boot: with the pid, what makes it this process and no later one.
    pub started: u64,
    /// `R`, `S`, `D` (waits in the kernel, cannot be killed now), `Z` (ended, not collected), ...
    pub state: char,
    /// What it executes, or its first argument when we may not look. ` (deleted)` behind a replaced file's path is taken away.
    pub exe: Option<PathBuf>,
    /// Its arguments. They may hold secrets: not for results.
    pub argv: Vec<String>,
    /// Its cgroups, one per hierarchy, relative to where this machine's own init is.
    pub cgroups: BTreeSet<String>,
    /// The systemd unit it belongs to, when systemd made its cgroup.
    pub unit: Option<String>,
    /// Whether it is in our own pid namespace: a containerized node's kubelet is not.
    pub same_namespace: bool,
}

impl Process {
    /// The file name of its executable.
    pub fn program(&self) -> Option<&str> {
        self.exe.as_deref()?.file_name()?.to_str()
    }
}

/// All processes we can see, without kernel threads, by pid. One that ends meanwhile is left out.
pub fn list() -> Result<Vec<Process>> {
    let init = read_cgroups(Path::new("/proc/1")).ok().flatten().unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").context("reading /proc/self/ns/pid")?;
    let entries = std::fs::read_dir("/proc").context("listing /proc")?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let mut pids: Vec<i32> = pids.collect();
    pids.sort_unstable();
    let mut processes = Vec::new();
    for pid in pids {
        match read(pid, &init, &namespace) {
            Ok(process) => processes.extend(process),
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error).with_context(|| format!("reading /proc/{pid}")),
        }
    }
    Ok(processes)
}

/// ESRCH is what reading a file of a process gives when it ends between open and read.
fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3)
}

fn read(pid: i32, init: &[(String, String)], namespace: &Path) -> std::io::Result<Option<Process>> {
    let dir = PathBuf::from(format!("/proc/{pid}"));
    let Some((state, parent, started)) = read_stat(&dir)? else { return Ok(None) };
    let argv = std::fs::read(dir.join("cmdline"))?;
    let argv = argv.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let mut argv: Vec<String> = argv.collect();
    argv.truncate(argv.len().saturating_sub(1));
    let exe = match std::fs::read_link(dir.join("exe")) {
        Ok(path) => Some(undeleted(path)),
        // Another user's process, or one with more capabilities than we have: its first argument has to do.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => argv.first().map(PathBuf::from),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let cgroups = read_cgroups(&dir)?.unwrap_or_default();
    let unit = cgroups.iter().find(|(hierarchy, _)| is_systemds(hierarchy));
    let unit = unit.and_then(|(hierarchy, path)| unit_of(relative(path, init_path(init, hierarchy))));
    let cgroups = cgroups.iter().map(|(hierarchy, path)| relative(path, init_path(init, hierarchy)).to_owned());
    Ok(Some(Process {
        pid,
        parent,
        started,
        state,
        cgroups: cgroups.collect(),
        unit,
        same_namespace: std::fs::read_link(dir.join("ns/pid")).is_ok_and(|link| link == namespace),
        exe,
        argv,
    }))
}

/// State, parent and start time; nothing for a kernel thread. The program's name in parentheses may hold anything, so
/// fields are counted from the last parenthesis (proc_pid_stat(5): fields 3, 4, 9 and 22).
fn read_stat(dir: &Path) -> std::io::Result<Option<(char, i32, u64)>> {
    const PF_KTHREAD: u64 = 0x0020_0000;
    let text = std::fs::read(dir.join("stat"))?;
    let text = String::from_utf8_lossy(&text);
    let fields: Vec<&str> =
        text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let state = fields.first().and_then(|field| field.chars().next());
    match (state, number(1), number(6), number(19)) {
        (Some(_), _, Some(flags), _) if flags & PF_KTHREAD != 0 => Ok(None),
        (Some(state), Some(parent), _, Some(started)) => Ok(Some((state, i32::try_from(parent).unwrap_or(0), started))),
        _ => Err(std::io::Error::other("unexpected text in stat")),
    }
}

/// (hierarchy, path) pairs: `0::/path` on cgroup v2, `7:memory:/path` and `1:name=systemd:/path` on v1.
fn read_cgroups(dir: &Path) -> std::io::Result<Option<Vec<(String, String)>>> {
    let text = std::fs::read(dir.join("cgroup"))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let pair = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    };
    Ok(Some(text.lines().filter_map(pair).collect()))
}

fn is_systemds(hierarchy: &str) -> bool {
    hierarchy.is_empty() || hierarchy == "name=systemd"
}

/// Where systemd's own tree starts: in a container without a cgroup namespace that is not `/`. Pid 1 sits in
/// `init.scope` there (systemd, cg_get_root_path).
fn init_path<'a>(init: &'a [(String, String)], hierarchy: &str) -> &'a str {
    let path = init.iter().find(|(name, _)| name == hierarchy).map_or("/", |(_, path)| path);
    let path =
        ["/init.scope", "/system.slice", "/system"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    path.trim_end_matches('/')
}

fn relative<'a>(path: &'a str, root: &str) -> &'a str {
    match path.strip_prefix(root) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// The first component below the slices (systemd, cg_path_get_unit): what lies deeper is the unit's own business.
fn unit_of(path: &str) -> Option<String> {
    let unit = path.split('/').find(|part| !part.is_empty() && !part.ends_with(".slice"))?;
    [".service", ".scope", ".socket", ".mount"].iter().any(|end| unit.ends_with(end)).then(|| unit.to_owned())
}

fn undeleted(path: PathBuf) -> PathBuf {
    path.to_str().and_then(|text| text.strip_suffix(" (deleted)")).map(PathBuf::from).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_the_first_component_below_the_slices() {
        assert_eq!(unit_of("/system.slice/kubelet.service").as_deref(), Some("kubelet.service"));
        assert_eq!(
            unit_of("/machine.slice/libpod-1.scope/system.slice/kubelet.service").as_deref(),
            Some("libpod-1.scope")
        );
        assert_eq!(unit_of("/docker/0123/system.slice/kubelet.service"), None);
        assert_eq!(unit_of("/"), None);
    }

    #[test]
    fn paths_are_relative_to_where_init_is() {
        let init = [("name=systemd".to_owned(), "/docker/0123/init.scope".to_owned())];
        let root = init_path(&init, "name=systemd");
        assert_eq!(relative("/docker/0123/system.slice/kubelet.service", root), "/system.slice/kubelet.service");
        assert_eq!(relative("/docker/01234", root), "/docker/01234");
        assert_eq!(relative("/docker/0123", root), "/");
    }

    #[test]
    fn this_process_is_found_as_it_is() {
        let all = list().unwrap();
        let me = all.iter().find(|process| process.pid == std::process::id() as i32).unwrap();
        assert_eq!(me.exe.as_deref(), Some(std::env::current_exe().unwrap().as_path()));
        assert_eq!(me.argv, std::env::args().collect::<Vec<_>>());
        assert_eq!(me.parent, std::os::unix::process::parent_id() as i32);
        assert!(me.same_namespace);
    }
}
