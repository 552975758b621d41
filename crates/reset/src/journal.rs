//! The journal: what a run set out to do, and how far it came. A run that was killed is finished by the next one.
//!
//! One JSON object per line in /var/lib/kubejoin/reset.journal, each on the disk before the work it announces. Every step
//! can be done twice, and the plan is made from what is found, so the journal need not be replayed: it keeps what can no
//! longer be found once part of the work is done (level, parts, what the preserved trees were like, units to start again).

use std::fs::File;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use host::files;
use serde::{Deserialize, Serialize};

use crate::args::{Args, Level, Part};
use crate::trees::manifest::Manifest;
use crate::trees::proof::Proved;

/// Where our modules keep state.
pub const STATE: &str = "/var/lib/kubejoin";
const PATH: &str = "/var/lib/kubejoin/reset.journal";
/// Where it is kept when that file system is full or read-only, which may be why the node is reset: it outlives the run,
/// though not the machine's next start.
const SPARE: &str = "/run/kubejoin/reset.journal";

/// What a run set out to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Seconds since 1970.
    pub at: u64,
    /// How far it was to go.
    pub level: Level,
    /// Which parts.
    pub parts: Vec<Part>,
    /// The preserved trees before anything was done.
    pub preserved: Vec<Manifest>,
    /// Units that go down with containerd and have to be started again.
    pub bound: Vec<String>,
    /// The cluster's pod networks, for its routes.
    pub pod_networks: Vec<String>,
    /// Mounts at targets that were proved to be this node's own, before what proved it was stopped.
    #[serde(default)]
    pub proved: Proved,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun(Box<Begun>),
    Intent(String),
    Done(String),
    Finished(u64),
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: &'static str,
}

impl Journal {
    /// Begins a new one in place of any before it.
    pub fn begin(begun: Begun) -> Result<Self> {
        let first = serde_json::to_string(&Line::Begun(Box::new(begun))).context("writing the journal")? + "\n";
        let kept = files::make_dir(STATE, 0o700).and_then(|_made| files::write_atomic(PATH, first.as_bytes(), 0o600));
        match kept {
            Ok(()) => Self::open(PATH),
            Err(error) if has_no_room(&error) => {
                files::write_atomic(SPARE, first.as_bytes(), 0o600).with_context(|| format!("{error:#}"))?;
                Self::open(SPARE)
            }
            Err(error) => Err(error),
        }
    }

    fn open(path: &'static str) -> Result<Self> {
        let file = File::options().append(true).open(path).with_context(|| format!("opening {path}"))?;
        Ok(Self { file, path })
    }

    /// Finishes the one an interrupted run left, when nothing of it remains to be done.
    pub fn forget() -> Result<()> {
        Self::open(last().0)?.finish()
    }

    /// A step begins.
    pub fn intent(&mut self, step: &str) -> Result<()> {
        self.write(&Line::Intent(step.to_owned()))
    }

    /// A step is done.
    pub fn done(&mut self, step: &str) -> Result<()> {
        self.write(&Line::Done(step.to_owned()))
    }

    /// All is done: the next run starts afresh.
    pub fn finish(mut self) -> Result<()> {
        self.write(&Line::Finished(now()))
    }

    fn write(&mut self, line: &Line) -> Result<()> {
        let mut write = || -> Result<()> {
            let mut text = serde_json::to_vec(line)?;
            text.push(b'\n');
            self.file.write_all(&text)?;
            self.file.sync_data()?;
            Ok(())
        };
        write().with_context(|| format!("writing {}", self.path))
    }
}

/// What an earlier run set out to do and did not finish, and the last step it began.
pub fn unfinished() -> Result<Option<(Begun, Option<String>)>> {
    let (_, bytes) = last();
    Ok(read(&bytes?))
}

/// The journal that was begun last, and what is in it.
fn last() -> (&'static str, Result<Vec<u8>>) {
    let content = |path| files::read_optional(path).map(Option::unwrap_or_default);
    let spare = content(SPARE).unwrap_or_default();
    // An older one on disk was finished, or its work was taken over.
    if read(&spare).is_some() { (SPARE, Ok(spare)) } else { (PATH, content(PATH)) }
}

fn has_no_room(error: &anyhow::Error) -> bool {
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::ReadOnlyFilesystem | ErrorKind::QuotaExceeded))
}

fn read(bytes: &[u8]) -> Option<(Begun, Option<String>)> {
    let mut found: Option<(Begun, Option<String>)> = None;
    // The last line may be torn; what is announced in it has not begun.
    for line in bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
        match (line, &mut found) {
            (Line::Begun(begun), _) => found = Some((*begun, None)),
            (Line::Intent(step), Some((_, last))) => *last = Some(step),
            (Line::Finished(_), _) => found = None,
            _ => {}
        }
    }
    found
}

impl Args {
    /// These options, widened by what an unfinished run set out to do.
    pub fn and(&self, begun: &Begun) -> Self {
        let mut both = self.clone();
        both.level = self.level.max(begun.level);
        let mut parts = self.parts();
        parts.extend(&begun.parts);
        both.scope = Some(parts);
        // What the first run was to keep, the one that finishes it keeps as well.
        for old in &begun.preserved {
            if !both.preserve.contains(&old.path) {
                both.preserve.push(old.path.clone());
            }
        }
        both
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Now, as names of copies have it: `20261126T225700Z`. The days are counted from the first of March of the year 0 in
/// eras of 400 years, which all have as many.
pub fn stamp() -> String {
    stamp_of(now())
}

fn stamp_of(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (date, month, wraps) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1, u64::from(month >= 10));
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{:04}{month:02}{date:02}T{hour:02}{minute:02}{second:02}Z", era * 400 + year + wraps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_date_that_date_prints() {
        // `date -u -d @N +%Y%m%dT%H%M%SZ`
        for (seconds, stamp) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_795_733_820, "20261126T225700Z"),
            (4_102_444_799, "20991231T235959Z"),
        ] {
            assert_eq!(stamp_of(seconds), stamp);
        }
    }

    #[test]
    fn what_an_interrupted_run_was_to_preserve_its_next_one_preserves_too() {
        let line = r#"{"begun":{"at":1,"level":"gentle","parts":[],"preserved":[{"path":"/srv/films","exists":true,"mounted":null,"not_walked":null,"entries":1,"bytes":1,"complete":true,"samples":{}}],"bound":[],"pod_networks":[]}}"#;
        let (begun, _) = read(line.as_bytes()).unwrap();
        let both = Args { preserve: vec!["/home".into()], ..Args::of(Level::Gentle) }.and(&begun);
        assert_eq!(both.preserve, ["/home", "/srv/films"].map(std::path::PathBuf::from));
    }

    #[test]
    fn only_an_unfinished_run_is_taken_up_and_a_torn_line_is_no_step() {
        let begun = Begun {
            at: 1,
            level: Level::Aggressive,
            parts: vec![Part::Cni],
            preserved: Vec::new(),
            bound: Vec::new(),
            pod_networks: Vec::new(),
            proved: Proved::new(),
        };
        let line = |line: &Line| serde_json::to_string(line).unwrap() + "\n";
        let mut text = line(&Line::Begun(Box::new(begun.clone())));
        assert_eq!(read(text.as_bytes()), Some((begun.clone(), None)));
        text += &line(&Line::Intent("stop kubelet".into()));
        let torn = format!("{text}{{\"intent\":\"delete /var");
        assert_eq!(read(torn.as_bytes()), Some((begun.clone(), Some("stop kubelet".into()))));
        text += &line(&Line::Finished(2));
        assert_eq!((read(text.as_bytes()), read(b"")), (None, None));
        let gentle = Args::of(Level::Gentle).and(&begun);
        assert!(gentle.level == Level::Aggressive && gentle.wants(Part::Kubelet) && !gentle.wants(Part::Containerd));
    }
}
