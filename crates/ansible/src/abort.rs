//! Ends that are not the module's own: SIGTERM, SIGINT, SIGHUP and a panic still give one answer; a reader that is gone
//! gets none.
//!
//! What has to be undone then (a gate, a mask, a child) is registered with [`on_abort`] for as long as it matters.
//! Signals are received by a thread that waits for them, not in a handler, so the undoing may do anything a program may.
//! SIGKILL cannot be met here: whatever it leaves, the next run finds and undoes.

use crate::answer::{Frame, give};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{SFlag, fstat};
use serde_json::Value;
use std::os::fd::AsFd;
use std::sync::{Mutex, OnceLock};
use std::thread::ThreadId;

type Undo = Box<dyn FnOnce() + Send>;
type Answer = Box<dyn Fn(anyhow::Error) -> Value + Send>;

static UNDO: Mutex<Vec<(u64, Undo)>> = Mutex::new(Vec::new());
static NEXT: Mutex<u64> = Mutex::new(0);
static ANSWER: Mutex<Option<Answer>> = Mutex::new(None);
/// Who ends this process. Whoever comes second must not exit while the first still undoes.
static ENDER: OnceLock<ThreadId> = OnceLock::new();

/// Keeps an undo step registered; dropping it takes the step back, without running it.
#[must_use = "the step is taken back as soon as this is dropped"]
#[derive(Debug)]
pub struct AbortGuard(u64);

/// Runs `undo` if the module is ended from outside or panics while the guard lives. Latest registered, first run.
pub fn on_abort(undo: impl FnOnce() + Send + 'static) -> AbortGuard {
    let mut next = NEXT.lock().unwrap_or_else(|e| e.into_inner());
    *next += 1;
    UNDO.lock().unwrap_or_else(|e| e.into_inner()).push((*next, Box::new(undo)));
    AbortGuard(*next)
}

impl Drop for AbortGuard {
    fn drop(&mut self) {
        UNDO.lock().unwrap_or_else(|e| e.into_inner()).retain(|(id, _)| *id != self.0);
    }
}

/// Says what an aborted run's answer looks like, once the options are known; the last that was said counts.
pub(crate) fn answer(answer: impl Fn(anyhow::Error) -> Value + Send + 'static) {
    *ANSWER.lock().unwrap_or_else(|e| e.into_inner()) = Some(Box::new(answer));
}

/// Takes over signals and panics for this process. Call it before any thread is started.
pub(crate) fn guard() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        let what = info.payload().downcast_ref::<&str>().map(|s| (*s).to_owned());
        let what = what.or_else(|| info.payload().downcast_ref::<String>().cloned()).unwrap_or_default();
        end(&format!("a fault in the module itself{place}: {what}; please report it"), 1);
    }));
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        signals.add(signal);
    }
    // Where blocking fails, the default action still ends the process; only the answer is missing.
    if signals.thread_block().is_err() {
        return;
    }
    let _ = std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Ok(signal) = signals.wait() {
            end(&format!("ended by {signal} before the work was done; run it again to finish"), 128 + signal as i32);
        }
    });
    let _ = std::thread::Builder::new().name("reader".into()).spawn(|| {
        if reader_gone() {
            end("whoever asked for this is gone; run it again to finish", 128 + Signal::SIGPIPE as i32);
        }
    });
}

/// Waits until nobody can read the answer any more, and says whether that can be known at all.
///
/// A connection that is closed ends nothing on the target by itself: without a terminal, sshd closes its ends of the
/// pipes (or of the socket pair, as it does on Linux) and sends no signal. That is `POLLERR` for a pipe and `POLLHUP`
/// for a socket, and both are reported without being asked for.
fn reader_gone() -> bool {
    let stdout = std::io::stdout();
    let kind = fstat(&stdout).map(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT);
    if !matches!(kind, Ok(SFlag::S_IFIFO | SFlag::S_IFSOCK)) {
        return false;
    }
    loop {
        let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => return fds[0].any() == Some(true),
            Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that ends the process early")]
fn end(msg: &str, status: i32) -> ! {
    let this = std::thread::current().id();
    // A panic inside an undo step comes from the thread that ends already, and goes on to the answer.
    while *ENDER.get_or_init(|| this) != this {
        std::thread::park();
    }
    // try_lock: a panic inside an undo step must not wait for itself.
    let steps = UNDO.try_lock().map(|mut steps| std::mem::take(&mut *steps)).unwrap_or_default();
    for (_, undo) in steps.into_iter().rev() {
        undo();
    }
    let error = anyhow::anyhow!("{msg}");
    // try_lock for the same reason.
    let answer = match ANSWER.try_lock().ok().as_deref() {
        Some(Some(answer)) => answer(error),
        _ => Frame::default().failure(error),
    };
    give(&answer);
    std::process::exit(status)
}
