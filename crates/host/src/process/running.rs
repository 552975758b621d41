//! A program that runs: fed, read and watched until it ends or must.

use std::process::Child;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::output::{Output, TimedOut, tail};
use super::streams::Streams;
use crate::deadline::Deadline;

/// A program that is running. Dropping it kills its process group.
#[derive(Debug)]
pub struct Running {
    pub(super) child: Child,
    pub(super) command: String,
    pub(super) stdin: Vec<u8>,
    pub(super) keep: usize,
    pub(super) over: bool,
}

/// What has been seen of a running program, for a watcher.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Its process id, which is also its process group.
    pub pid: u32,
    /// Its stdout so far.
    pub stdout: &'a [u8],
    /// Its stderr so far.
    pub stderr: &'a [u8],
}

impl Running {
    /// The process id, which is also the process group, for an abort step that has to kill it.
    pub fn group(&self) -> Group {
        Group(self.child.id())
    }

    /// Waits for its end. `watch` is called after every piece of output and at least every 200 ms; an error of it kills
    /// the group and is returned: a doomed program need not be waited for.
    pub fn wait(
        mut self,
        deadline: &Deadline,
        mut watch: impl FnMut(&Seen<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Output> {
        let input = std::mem::take(&mut self.stdin);
        let mut streams = Streams::of(&mut self.child, input, self.keep);
        streams.do_not_block().with_context(|| format!("watching `{}`", self.command))?;
        let status = loop {
            if deadline.expired() {
                self.kill();
                streams.read();
                return Err(TimedOut { command: self.command.clone(), stderr: tail(&streams.stderr.bytes()) }.into());
            }
            // With the pipes closed the end is near: look often. With them open, their closing wakes us.
            let most = if streams.open() { Duration::from_millis(200) } else { Duration::from_millis(2) };
            streams.wait(deadline.left().min(most));
            streams.write();
            streams.read();
            let seen = Seen { pid: self.child.id(), stdout: streams.stdout.start(), stderr: streams.stderr.start() };
            watch(&seen).inspect_err(|_| self.kill())?;
            if let Some(status) = self.child.try_wait().with_context(|| format!("waiting for `{}`", self.command))? {
                break status;
            }
        };
        // What it wrote is in the pipes now. They are not read to their end: a grandchild may keep them open, and write.
        streams.read();
        self.over = true;
        let command = self.command.clone();
        Ok(Output { status, stdout: streams.stdout.bytes(), stderr: streams.stderr.bytes(), command })
    }

    fn kill(&mut self) {
        Group(self.child.id()).kill();
        let _ = self.child.wait();
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.kill();
        }
    }
}

/// A process group that can be killed from an abort step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(pub u32);

impl Group {
    /// Kills every process of the group; one that is gone already is no error.
    pub fn kill(&self) {
        let _ = killpg(Pid::from_raw(self.0 as i32), Signal::SIGKILL);
    }
}
