//! The pipes of a running program: written and read without blocking, bounded in what is kept.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

/// The three pipes; one that has ended is `None`.
pub struct Streams {
    pipes: (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>),
    input: Vec<u8>,
    written: usize,
    /// What was read of its stdout.
    pub stdout: Kept,
    /// What was read of its stderr.
    pub stderr: Kept,
}

impl Streams {
    /// Of a program that is to be given `input`; `most` bytes of each end of what it writes are kept.
    pub fn of(child: &mut Child, input: Vec<u8>, most: usize) -> Self {
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Self { pipes, input, written: 0, stdout: Kept::at_most(most), stderr: Kept::at_most(most) }
    }

    /// Makes sure that neither side can make us wait.
    pub fn do_not_block(&self) -> rustix::io::Result<()> {
        let (stdin, stdout, stderr) = &self.pipes;
        stdin.as_ref().map_or(Ok(()), |pipe| rustix::io::ioctl_fionbio(pipe, true))?;
        stdout.as_ref().map_or(Ok(()), |pipe| rustix::io::ioctl_fionbio(pipe, true))?;
        stderr.as_ref().map_or(Ok(()), |pipe| rustix::io::ioctl_fionbio(pipe, true))
    }

    /// Whether it may write more.
    pub fn open(&self) -> bool {
        self.pipes.1.is_some() || self.pipes.2.is_some()
    }

    /// Sleeps until a pipe is ready, at most this long: a program that closes both pipes and lives on is polled.
    pub fn wait(&self, most: Duration) {
        let (stdin, stdout, stderr) = &self.pipes;
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        fds.extend(stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        let most = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: i64::from(most.subsec_nanos()) };
        // Interrupted is as good as ready: the caller looks again.
        let _ = rustix::event::poll(&mut fds, Some(&most));
    }

    /// Writes what can be written now, and closes stdin after the last byte.
    pub fn write(&mut self) {
        let Some(pipe) = &mut self.pipes.0 else { return };
        match pipe.write(&self.input[self.written..]) {
            Ok(bytes) => self.written += bytes,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // It does not want to hear the rest; its exit says whether that was an error.
            Err(_) => self.written = self.input.len(),
        }
        if self.written >= self.input.len() {
            self.pipes.0 = None;
        }
    }

    /// Reads what can be read now.
    pub fn read(&mut self) {
        drain(&mut self.pipes.1, &mut self.stdout);
        drain(&mut self.pipes.2, &mut self.stderr);
    }
}

/// The start and the end of a stream.
pub struct Kept {
    most: usize,
    start: Vec<u8>,
    end: VecDeque<u8>,
    dropped: usize,
}

impl Kept {
    fn at_most(most: usize) -> Self {
        Self { most, start: Vec::new(), end: VecDeque::new(), dropped: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = self.most.saturating_sub(self.start.len()).min(bytes.len());
        self.start.extend_from_slice(&bytes[..room]);
        self.end.extend(&bytes[room..]);
        let over = self.end.len().saturating_sub(self.most);
        self.end.drain(..over);
        self.dropped += over;
    }

    /// Its start.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// All that was kept, with a line that says how much was not.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = self.start.clone();
        if self.dropped > 0 {
            all.extend_from_slice(format!("\n[{} bytes left out]\n", self.dropped).as_bytes());
        }
        all.extend(&self.end);
        all
    }
}

/// Reads what a pipe can hold (1 MiB, see pipe(7)) at most: a program that writes as fast as we read must not keep us from
/// looking at the clock.
fn drain(pipe: &mut Option<impl Read>, kept: &mut Kept) {
    let mut buffer = [0; 16 * 1024];
    for _ in 0..64 {
        let Some(reader) = pipe else { return };
        match reader.read(&mut buffer) {
            Ok(0) => *pipe = None,
            Ok(bytes) => kept.push(&buffer[..bytes]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => *pipe = None,
        }
    }
}
