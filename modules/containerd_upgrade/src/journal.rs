//! The journal: what a run set out to do and how far it came, one JSON object a line, each on the disk before the work that
//! it announces. A run that was killed is finished by the next one, forwards or backwards.

use crate::conversion::FileChange;
use crate::known::Known;
use crate::settings::Settings;
use crate::version::Version;
use anyhow::Context as _;
use host::files;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// Where our modules keep state.
const STATE: &str = "/var/lib/kubejoin";
const PATH: &str = "/var/lib/kubejoin/runtime.journal";
/// Where copies lie: `old` is the way back, and stays; `new` goes when all is done.
pub const COPIES: &str = "/var/lib/kubejoin/runtime";

/// A program that is put in without dpkg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Where it goes.
    pub path: PathBuf,
    /// The new one's copy.
    pub new: PathBuf,
    /// The old one's copy; none when there was none.
    pub old: Option<PathBuf>,
}

/// Everything that it takes to go on, or back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Seconds since 1970.
    pub at: u64,
    /// What was asked for: source, hashes.
    pub asked: Vec<String>,
    /// The containerd of before.
    pub from: Version,
    /// The containerd of after.
    pub to: Version,
    /// The program that reads the configuration, before and after.
    pub programs: (PathBuf, PathBuf),
    /// Packages: the new ones' files.
    pub new_debs: Vec<PathBuf>,
    /// Packages: what was installed, made into files.
    pub old_debs: Vec<PathBuf>,
    /// Packages that upgrades leave alone.
    pub held: Vec<String>,
    /// Programs without dpkg.
    pub placed: Vec<Placed>,
    /// A drop-in of the unit that starts another program.
    pub drop_in: Option<(PathBuf, String)>,
    /// Configuration.
    pub config: Vec<FileChange>,
    /// The main configuration file.
    pub main: PathBuf,
    /// What has to be in force afterwards.
    pub expected: Settings,
    /// What was known before.
    pub known: Known,
    /// That was with the kubelet stopped, just before containerd was.
    pub settled: bool,
    /// Whether the kubelet ran.
    pub kubelet: bool,
    /// The machine's Node, when it can be asked for.
    pub node: Option<String>,
    /// When that became Ready, as the cluster says.
    pub ready_since: Option<String>,
    /// The metadata database.
    pub database: Option<PathBuf>,
}

/// How far it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Copies are being made; nothing is touched.
    Copying,
    /// The copies are whole.
    Copied,
    /// containerd is stopped, or on its way.
    Stopping,
    /// Programs and configuration are being put in.
    Swapping,
    /// The new one is started and looked at.
    Proving,
    /// The old one comes back: why.
    Back(String),
    /// Nothing is left to do.
    Finished,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun(Box<Begun>),
    Step(Step),
}

/// An open journal.
#[derive(Debug)]
pub struct Journal(File);

impl Journal {
    /// Begins a new one in place of any before it.
    pub fn begin(begun: &Begun) -> anyhow::Result<Self> {
        files::make_dir(STATE, 0o700)?;
        let line = serde_json::to_string(&Line::Begun(Box::new(begun.clone()))).context("writing the journal")? + "\n";
        files::write_atomic(PATH, line.as_bytes(), 0o600)?;
        Self::open()
    }

    /// Opens the one that there is.
    pub fn open() -> anyhow::Result<Self> {
        File::options().append(true).open(PATH).map(Journal).with_context(|| format!("opening {PATH}"))
    }

    /// A step begins.
    pub fn step(&self, step: Step) -> anyhow::Result<()> {
        self.write(&Line::Step(step))
    }

    /// What was begun, with what is known by now.
    pub fn again(&self, begun: &Begun) -> anyhow::Result<()> {
        self.write(&Line::Begun(Box::new(begun.clone())))
    }

    fn write(&self, line: &Line) -> anyhow::Result<()> {
        let write = || -> anyhow::Result<()> {
            (&self.0).write_all((serde_json::to_string(line)? + "\n").as_bytes())?;
            self.0.sync_data()?;
            Ok(())
        };
        write().with_context(|| format!("writing {PATH}"))
    }
}

/// What an earlier run has not finished, and how far it came. Copies that are not whole are no beginning.
pub fn unfinished() -> anyhow::Result<Option<(Begun, Step)>> {
    Ok(read(&files::read_optional(PATH)?.unwrap_or_default()))
}

fn read(bytes: &[u8]) -> Option<(Begun, Step)> {
    let (mut begun, mut step) = (None, Step::Copying);
    // The last line may be torn: what it announces has not begun.
    for line in bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
        match line {
            Line::Begun(one) => begun = Some(*one),
            Line::Step(one) => step = one,
        }
    }
    begun.filter(|_| !matches!(step, Step::Copying | Step::Finished)).map(|begun| (begun, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_copied_is_taken_up_and_a_torn_line_is_no_step() {
        let begun = Begun {
            at: 1,
            asked: Vec::new(),
            from: Version::parse("1.6.20").unwrap(),
            to: Version::parse("2.1.9").unwrap(),
            programs: ("/usr/bin/containerd".into(), "/usr/bin/containerd".into()),
            new_debs: Vec::new(),
            old_debs: Vec::new(),
            held: Vec::new(),
            placed: Vec::new(),
            drop_in: None,
            config: Vec::new(),
            main: "/etc/containerd/config.toml".into(),
            expected: Settings::default(),
            known: Known::default(),
            settled: false,
            kubelet: true,
            node: None,
            ready_since: None,
            database: None,
        };
        let line = |line: Line| serde_json::to_string(&line).unwrap() + "\n";
        let mut text = line(Line::Begun(Box::new(begun.clone())));
        assert_eq!(read(text.as_bytes()), None, "nothing is touched while copies are made");
        text += &line(Line::Step(Step::Swapping));
        assert_eq!(read(format!("{text}{{\"step\":\"fin").as_bytes()), Some((begun.clone(), Step::Swapping)));
        text += &line(Line::Step(Step::Back("x".into())));
        assert_eq!(read(text.as_bytes()), Some((begun, Step::Back("x".into()))));
        text += &line(Line::Step(Step::Finished));
        assert_eq!((read(text.as_bytes()), read(b"")), (None, None));
    }
}
