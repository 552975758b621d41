//! SIGKILL at every moment that matters: at each write of the journal, each deletion, each process started. The run is traced
//! and killed as it is about to make the call; the next run must finish the work, and lose nothing either.
#![cfg(target_arch = "x86_64")]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde_json::Value;
use testkit::require;

use super::layout::{Layout, sandbox};
use super::oracle::{differences, look};
use super::play::{WORLD, bash};
use super::subject::{self, TARGETS};

/// Mounts that trap a careless reset, and work of every kind.
const SETUP: &str = "mkdir -p '/var/lib/kubelet/pods/p1/volumes/my media' /var/lib/kubelet/pods/p1/volumes/home
mount --bind /srv/media '/var/lib/kubelet/pods/p1/volumes/my media'; mount --bind /home/user /var/lib/kubelet/pods/p1/volumes/home";
/// What the targets and the world are made new with, for the next moment.
const AGAIN: &str = "rm -rf /var/lib/kubejoin /etc/kubernetes /etc/cni /root/.kube; for d in var home root run mnt srv; do umount -q /$d || true; done; \
rm -rf /srv/.w; true";

/// System calls at which the state on disk changes, or is about to.
const MOMENTS: [i64; 8] = [
    libc::SYS_fdatasync,
    libc::SYS_fsync,
    libc::SYS_unlinkat,
    libc::SYS_rename,
    libc::SYS_renameat2,
    libc::SYS_clone,
    libc::SYS_vfork,
    libc::SYS_flock,
];

#[test]
fn killed_at_any_moment_the_next_run_finishes() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        super::root::enter();
        let layout = Layout::clean(SETUP).only(serde_json::json!({}));
        let mut moment = 0;
        loop {
            bash(WORLD);
            bash(SETUP);
            let before = look(&TARGETS);
            let Some(call) = killed_at(moment) else { break };
            let at = format!("killed at moment {moment} (system call {call})");
            assert_eq!(differences(&before, &look(&TARGETS)), Vec::<String>::new(), "{at}");
            let done = subject::module(&layout, false);
            assert_eq!(done["failed"], Value::Null, "{at}: {done}");
            assert_eq!(differences(&before, &look(&TARGETS)), Vec::<String>::new(), "{at}: {done}");
            for target in TARGETS.iter().filter(|target| **target != "/root/.kube") {
                assert!(std::fs::read_dir(target).unwrap().next().is_none(), "{at}: {target} is not empty: {done}");
            }
            let again = subject::module(&layout, false);
            assert_eq!((&again["changed"], &again["resumed"]), (&Value::Bool(false), &Value::Null), "{at}: {again}");
            bash(AGAIN);
            moment += 1;
        }
        println!("{moment} moments");
        assert!(moment > 40, "only {moment} moments: the trace does not see them");
    });
}

/// Runs the module and kills it at the given moment; says at which call. `None`: it ended before that.
fn killed_at(moment: usize) -> Option<i64> {
    let mut child = Command::new(subject::ours())
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(child.id() as i32);
    // It waits for its options, so nothing is missed.
    ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD).unwrap();
    child.stdin.take().unwrap().write_all(b"{}").unwrap();
    ptrace::interrupt(pid).unwrap();
    let mut seen = 0;
    let mut entering = true;
    loop {
        match waitpid(pid, Some(WaitPidFlag::__WALL)).unwrap() {
            WaitStatus::PtraceSyscall(_) if entering => {
                let call = ptrace::getregs(pid).unwrap().orig_rax as i64;
                if MOMENTS.contains(&call) {
                    if seen == moment {
                        return Some(end(child, call));
                    }
                    seen += 1;
                }
                entering = false;
            }
            WaitStatus::PtraceSyscall(_) => entering = true,
            WaitStatus::Exited(_, status) => {
                assert_eq!(status, 0, "the run that was not killed");
                let mut said = String::new();
                child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
                assert!(said.contains("\"changed\":true"), "{said}");
                return None;
            }
            WaitStatus::Stopped(_, signal) if signal != Signal::SIGTRAP => {
                ptrace::syscall(pid, Some(signal)).unwrap();
                continue;
            }
            _ => {}
        }
        ptrace::syscall(pid, None).unwrap();
    }
}

fn end(mut child: Child, call: i64) -> i64 {
    child.kill().unwrap();
    child.wait().unwrap();
    call
}
