//! One mount(2), umount2(2) or statfs(2) call in a child process that can be abandoned.
//!
//! Unmounting a file system whose server or daemon is gone can block for ever in the kernel, where no signal reaches it. A
//! thread would not do: a process with a stuck thread never ends for its parent (sudo, sshd), and keeps its stdout open.
//! The child closes every descriptor first, so a stuck one holds neither our answer nor our lock, and init inherits it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::deadline::Deadline;

/// The system call to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Unmount; fails with EBUSY while anybody uses it.
    Unmount,
    /// Abort what is waiting for the server or the daemon, then unmount.
    ForceUnmount,
    /// Ask the file system how large it is: whether anybody answers for it.
    Ask,
    /// Stop unmounts of what is mounted on it, at any depth, from reaching its peers.
    MakePrivate,
}

/// How the call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It succeeded.
    Done,
    /// The kernel refused.
    Failed(Errno),
    /// It is still in the kernel, and may finish some day.
    Stuck,
}

/// Makes the call on the mount at `point`, an absolute path without links, and waits for it until the deadline.
///
/// The last component is never followed if it is a link, and the directory it is in must be exactly the one named: if
/// any component has been replaced by a link meanwhile, the answer is ELOOP.
pub(super) fn call(call: Call, point: &Path, deadline: &Deadline) -> Result<Ended> {
    let (Some(parent), Some(name)) = (point.parent(), point.file_name()) else {
        return Ok(Ended::Failed(Errno::EINVAL));
    };
    let parent = CString::new(parent.as_os_str().as_bytes()).context("a mount point with a NUL in it")?;
    let name = CString::new(name.as_bytes()).context("a mount point with a NUL in it")?;
    let (ours, theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("making a pipe")?;
    let child = spawn(call, &parent, &name, &theirs)?;
    drop(theirs);
    // Its end of the pipe closes when it ends, however it ends.
    while !deadline.expired() {
        let left = deadline.left();
        let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = [PollFd::new(&ours, PollFlags::IN)];
        if rustix::event::poll(&mut fds, Some(&time)).is_ok_and(|ready| ready > 0) {
            return Ok(ended(waitpid(child, None)));
        }
    }
    // It may have ended just now. If not, it cannot be helped: it is left to init.
    match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) => Ok(Ended::Stuck),
        status => Ok(ended(status)),
    }
}

fn ended(status: nix::Result<WaitStatus>) -> Ended {
    match status {
        Ok(WaitStatus::Exited(_, 0)) => Ended::Done,
        Ok(WaitStatus::Exited(_, errno)) => Ended::Failed(Errno::from_raw(errno)),
        Ok(_) => Ended::Failed(Errno::EINTR),
        Err(errno) => Ended::Failed(errno),
    }
}

#[allow(unsafe_code, reason = "a process that may block for ever in one system call can only be a fork")]
fn spawn(call: Call, parent: &CStr, name: &CStr, keep: &OwnedFd) -> Result<nix::unistd::Pid> {
    // SAFETY: until it ends the child only makes system calls: it allocates nothing and takes no lock, which is all a
    // child of a process with threads may do. It never returns from this function.
    match unsafe { fork() }.context("starting a process to unmount in")? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => unsafe {
            libc::setsid();
            close_all_but(keep.as_raw_fd());
            libc::_exit(run(call, parent, name))
        },
    }
}

/// The child's work; returns the errno that becomes its exit status.
#[allow(unsafe_code, reason = "raw system calls, as nix's own wrappers may allocate")]
unsafe fn run(call: Call, parent: &CStr, name: &CStr) -> i32 {
    // PATH_MAX and a little: a longer directory cannot be named to chdir either.
    let mut here = [0u8; 4200];
    // SAFETY: every pointer is to a live, NUL-terminated string or to a buffer of the given length.
    unsafe {
        if libc::chdir(parent.as_ptr()) != 0 {
            return Errno::last_raw();
        }
        if libc::getcwd(here.as_mut_ptr().cast(), here.len()).is_null() {
            return Errno::last_raw();
        }
        if CStr::from_ptr(here.as_ptr().cast()) != parent {
            return libc::ELOOP;
        }
        let result = match call {
            Call::Unmount => libc::umount2(name.as_ptr(), libc::UMOUNT_NOFOLLOW),
            Call::ForceUnmount => libc::umount2(name.as_ptr(), libc::UMOUNT_NOFOLLOW | libc::MNT_FORCE),
            Call::Ask => {
                let mut size: libc::statfs = std::mem::zeroed();
                libc::statfs(name.as_ptr(), &mut size)
            }
            Call::MakePrivate => {
                let none = std::ptr::null();
                libc::mount(none, name.as_ptr(), none, libc::MS_PRIVATE | libc::MS_REC, std::ptr::null())
            }
        };
        if result == 0 { 0 } else { Errno::last_raw() }
    }
}

#[allow(unsafe_code, reason = "closing what the parent had open is the point")]
unsafe fn close_all_but(keep: i32) {
    let keep = keep as libc::c_uint;
    // SAFETY: the child uses no descriptor but `keep`.
    unsafe {
        let below = if keep == 0 { 0 } else { libc::syscall(libc::SYS_close_range, 0, keep - 1, 0) };
        let above = libc::syscall(libc::SYS_close_range, keep + 1, libc::c_uint::MAX, 0);
        if below != 0 || above != 0 {
            // Before Linux 5.9; modules open few files, low numbers.
            for fd in (0..4096).filter(|&fd| fd != keep as i32) {
                libc::close(fd);
            }
        }
    }
}
