//! mount(2), umount2(2) or statfs(2) calls in a child process that can be abandoned.
//!
//! Unmounting a file system whose server or daemon is gone can block for ever in the kernel, where no signal reaches it. A
//! thread would not do: a process with a stuck thread never ends for its parent (sudo, sshd), and keeps its stdout open.
//! The child closes every descriptor first, so a stuck one holds neither our answer nor our lock, and init inherits it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::{WaitPidFlag, waitpid};
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
    Ok(call_each(call, &[point], deadline.left(), deadline)?.pop().unwrap_or(Ended::Stuck))
}

/// The same for one mount after the other, in one child, because a child for each takes longer than what it does. Each call
/// may take as long as `each`. The answers are in the order of the points; behind one that is stuck there is none.
pub(super) fn call_each(call: Call, points: &[&Path], each: Duration, deadline: &Deadline) -> Result<Vec<Ended>> {
    let names: Vec<(CString, CString)> = points.iter().map(|point| split(point)).collect::<Result<_>>()?;
    let (ours, theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("making a pipe")?;
    let child = spawn(call, &names, &theirs)?;
    drop(theirs);
    let mut all = Vec::with_capacity(points.len());
    while all.len() < points.len() {
        match answer(&ours, &deadline.at_most(each)) {
            Answer::Errno(errno) => all.push(ended(errno)),
            Answer::Ended => {
                all.push(Ended::Failed(Errno::EINTR));
                break;
            }
            Answer::Late => {
                // It cannot be helped: it is left to init, unless it has ended just now. Should it ever come back it finds
                // nobody who reads its answers, and makes no further call.
                all.push(Ended::Stuck);
                let _ = waitpid(child, Some(WaitPidFlag::WNOHANG));
                return Ok(all);
            }
        }
    }
    let _ = waitpid(child, None);
    Ok(all)
}

/// The directory that a mount point is in, and its name there; the root has none, which umount2 refuses.
fn split(point: &Path) -> Result<(CString, CString)> {
    let bytes = |part: Option<&[u8]>| CString::new(part.unwrap_or_default()).context("a mount point with a NUL in it");
    Ok((
        bytes(point.parent().map(|parent| parent.as_os_str().as_bytes()))?,
        bytes(point.file_name().map(|name| name.as_bytes()))?,
    ))
}

/// What the child says next.
enum Answer {
    /// A call has ended with this errno, 0 for none.
    Errno(i32),
    /// The child has ended without one: somebody killed it.
    Ended,
    /// Time is up.
    Late,
}

fn answer(pipe: &OwnedFd, deadline: &Deadline) -> Answer {
    while !deadline.expired() {
        let left = deadline.left();
        let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = [PollFd::new(pipe, PollFlags::IN)];
        if rustix::event::poll(&mut fds, Some(&time)).is_ok_and(|ready| ready > 0) {
            let mut errno = [0; 4];
            // Four bytes are written at once (PIPE_BUF) or not at all.
            return match rustix::io::read(pipe, &mut errno) {
                Ok(4) => Answer::Errno(i32::from_ne_bytes(errno)),
                _ => Answer::Ended,
            };
        }
    }
    Answer::Late
}

fn ended(errno: i32) -> Ended {
    if errno == 0 { Ended::Done } else { Ended::Failed(Errno::from_raw(errno)) }
}

#[allow(unsafe_code, reason = "a process that may block for ever in one system call can only be a fork")]
fn spawn(call: Call, names: &[(CString, CString)], keep: &OwnedFd) -> Result<nix::unistd::Pid> {
    // SAFETY: until it ends the child only makes system calls: it allocates nothing and takes no lock, which is all a
    // child of a process with threads may do. It never returns from this function.
    match unsafe { fork() }.context("starting a process to unmount in")? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => unsafe {
            libc::setsid();
            close_all_but(keep.as_raw_fd());
            for (parent, name) in names {
                let errno = run(call, parent, name).to_ne_bytes();
                if libc::write(keep.as_raw_fd(), errno.as_ptr().cast(), errno.len()) != errno.len() as isize {
                    break;
                }
            }
            libc::_exit(0)
        },
    }
}

/// One call of the child's; returns its errno.
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
