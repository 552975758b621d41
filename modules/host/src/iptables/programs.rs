//! The iptables programs this machine has, and what they show.
//!
//! Two back ends can hold rules at the same time: `legacy` (ip_tables) and `nft` (nf_tables). Distributions install one
//! or both, as `iptables-legacy-*` and `iptables-nft-*` since 1.8, before that only as `iptables-*` (legacy).
//! A legacy table is only read when the kernel has it already (`/proc/net/ip_tables_names`): asking for one creates it,
//! and its hooks then see every packet.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::save::{Save, parse};
use crate::deadline::Deadline;
use crate::process::Program;

/// Where the rules are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// The kernel's ip_tables.
    Legacy,
    /// The kernel's nf_tables, in tables that iptables manages.
    Nft,
}

/// The address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// iptables.
    V4,
    /// ip6tables.
    V6,
}

/// The programs of one back end and family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The back end.
    pub backend: Backend,
    /// The family.
    pub family: Family,
    save: PathBuf,
    restore: PathBuf,
}

const FAMILIES: [(Family, &str); 2] = [(Family::V4, "iptables"), (Family::V6, "ip6tables")];
/// Besides PATH: ssh often starts a command with a PATH that has no sbin in it.
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];

impl Tool {
    /// `iptables-nft`, `ip6tables-legacy`, ...: the name people know it by.
    pub fn name(&self) -> &'static str {
        match (self.backend, self.family) {
            (Backend::Legacy, Family::V4) => "iptables-legacy",
            (Backend::Legacy, Family::V6) => "ip6tables-legacy",
            (Backend::Nft, Family::V4) => "iptables-nft",
            (Backend::Nft, Family::V6) => "ip6tables-nft",
        }
    }

    /// All tools of this machine, at most one per back end and family; none when iptables is not installed.
    pub fn all(deadline: &Deadline) -> Result<Vec<Self>> {
        let mut tools = Vec::new();
        for (family, name) in FAMILIES {
            for (backend, infix) in [(Backend::Legacy, "-legacy"), (Backend::Nft, "-nft")] {
                tools.extend(Self::find(backend, family, &format!("{name}{infix}")));
            }
            let found = |backend| tools.iter().any(|tool| (tool.backend, tool.family) == (backend, family));
            if found(Backend::Legacy) && found(Backend::Nft) {
                continue;
            }
            if let Some(plain) = Self::find(Backend::Legacy, family, name) {
                let version = Program::new(&plain.save).args(["--version"]).run(deadline)?.stdout_text();
                let backend = if version.contains("nf_tables") { Backend::Nft } else { Backend::Legacy };
                if !found(backend) {
                    tools.push(Self { backend, ..plain });
                }
            }
        }
        Ok(tools)
    }

    fn find(backend: Backend, family: Family, name: &str) -> Option<Self> {
        let save = program(&format!("{name}-save"))?;
        let restore = program(&format!("{name}-restore"))?;
        Some(Self { backend, family, save, restore })
    }

    /// What the back end holds for the family.
    pub fn read(&self, deadline: &Deadline) -> Result<Save> {
        if self.backend == Backend::Legacy && !self.legacy_tables_exist()? {
            return Ok(Save::default());
        }
        let output = Program::new(&self.save).keep_all().run(deadline)?;
        // It skips a rule it cannot express, says so on stderr only, and ends with status 3 (1.8.9, run).
        let output = output.success().with_context(|| format!("reading the rules of {}", self.name()))?;
        parse(&output.stdout)
    }

    fn legacy_tables_exist(&self) -> Result<bool> {
        // thread-self: /proc/net is that of the process's first thread, which may be in another network namespace.
        let path = match self.family {
            Family::V4 => "/proc/thread-self/net/ip_tables_names",
            Family::V6 => "/proc/thread-self/net/ip6_tables_names",
        };
        match std::fs::read_to_string(path) {
            Ok(names) => Ok(!names.trim().is_empty()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).with_context(|| format!("reading {path}")),
        }
    }

    /// Apply one transaction, waiting for the xtables lock of others as long as `deadline` allows.
    pub fn restore(&self, script: Vec<u8>, deadline: &Deadline) -> Result<()> {
        let wait = deadline.left().as_secs().clamp(1, 60).to_string();
        let run = |args: &[&str]| Program::new(&self.restore).args(args).stdin(script.clone()).run(deadline);
        let mut output = run(&["--noflush", "-w", &wait])?;
        // iptables-restore knows -w since 1.6.2.
        if !output.status.success()
            && ["invalid option", "unrecognized option"].iter().any(|e| output.stderr_text().contains(e))
        {
            output = run(&["--noflush"])?;
        }
        output.success()?;
        Ok(())
    }
}

/// The path of an installed program, looked for on PATH and in the system's directories.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(DIRECTORIES.iter().map(PathBuf::from))
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
