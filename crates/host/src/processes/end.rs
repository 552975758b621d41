//! Ending processes: told, then killed, never another one that got the number meanwhile.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::owned::{Kind, Owned};
use super::read_stat;
use crate::deadline::{Deadline, Look};

/// How long a daemon may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// A process that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Its pid.
    pub pid: i32,
    /// The file name of its executable.
    pub program: String,
    /// Its state: `D` waits in the kernel, mostly for a dead NFS server, and ends when that answers.
    pub state: char,
}

/// End these processes by the deadline: the kubelet and kube-proxy are told (SIGTERM) and get 5 s, everything else is
/// killed (SIGKILL), in the order given. Returns what is still there; one that was gone before is no error.
pub fn end(processes: &[Owned], deadline: &Deadline) -> Result<Vec<Survivor>> {
    let mut running: Vec<(&Owned, Handle)> = processes.iter().filter_map(|p| Some((p, Handle::open(p)?))).collect();
    let is_daemon = |owned: &Owned| matches!(owned.kind, Kind::Kubelet | Kind::KubeProxy);
    for (owned, handle) in &running {
        handle.signal(owned, if is_daemon(owned) { Signal::TERM } else { Signal::KILL });
    }
    if running.iter().any(|(owned, _)| is_daemon(owned)) {
        wait(&mut running, &deadline.at_most(GRACE))?;
        for (owned, handle) in &running {
            handle.signal(owned, Signal::KILL);
        }
    }
    wait(&mut running, deadline)?;
    let survivor = |(owned, _): &(&Owned, Handle)| {
        let (state, ..) = stat(owned)?;
        Some(Survivor { pid: owned.pid, program: owned.program.clone(), state })
    };
    Ok(running.iter().filter_map(survivor).collect())
}

/// Wait until all have ended or the deadline has come; those that ended are taken out.
fn wait(running: &mut Vec<(&Owned, Handle)>, deadline: &Deadline) -> Result<()> {
    let waited = deadline.poll(Duration::from_millis(100), "processes to end", || {
        running.retain(|(owned, handle)| !handle.ended(owned));
        Ok(if running.is_empty() { Look::Ready(()) } else { Look::NotYet(String::new()) })
    });
    match waited {
        Err(error) if !error.is::<crate::deadline::Expired>() => Err(error),
        _ => Ok(()),
    }
}

/// What keeps the process ours: a descriptor, or before Linux 5.3 only its start time.
enum Handle {
    Fd(OwnedFd),
    Number,
}

impl Handle {
    /// Nothing when the process has ended, or the number is somebody else's by now.
    fn open(owned: &Owned) -> Option<Self> {
        let handle = match pidfd_open(Pid::from_raw(owned.pid)?, PidfdFlags::empty()) {
            Ok(fd) => Self::Fd(fd),
            Err(Errno::NOSYS) => Self::Number,
            Err(_) => return None,
        };
        // After opening: from here on the descriptor cannot come to mean another process.
        stat(owned).map(|_| handle)
    }

    /// A process that ended meanwhile needs no signal, so an error says nothing.
    fn signal(&self, owned: &Owned, signal: Signal) {
        let _gone = match (self, Pid::from_raw(owned.pid)) {
            (Self::Fd(fd), _) => pidfd_send_signal(fd, signal),
            (Self::Number, Some(pid)) if stat(owned).is_some() => kill_process(pid, signal),
            (Self::Number, _) => Ok(()),
        };
    }

    fn ended(&self, owned: &Owned) -> bool {
        match self {
            Self::Fd(fd) => {
                let mut fds = [PollFd::new(fd, PollFlags::IN)];
                poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready == 1)
            }
            Self::Number => stat(owned).is_none_or(|(state, ..)| state == 'Z'),
        }
    }
}

/// The state of the process, if it is still the one that was listed.
fn stat(owned: &Owned) -> Option<(char, i32, u64)> {
    let stat = read_stat(&PathBuf::from(format!("/proc/{}", owned.pid))).ok().flatten()?;
    (stat.2 == owned.started).then_some(stat)
}
