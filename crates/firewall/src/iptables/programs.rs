//! The iptables programs this machine has, and what they show.
//!
//! Two back ends can hold rules at the same time: `legacy` (ip_tables) and `nft` (nf_tables). Distributions install one
//! or both, as `iptables-legacy-*` and `iptables-nft-*` since 1.8, before that only as `iptables-*` (legacy).
//! A legacy table is only read when the kernel has it already (`/proc/net/ip_tables_names`): asking for one creates it,
//! and its hooks then see every packet.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::removal::{Naming, Removal};
use super::save::{Save, parse};
use crate::nftables::rules;
use host::deadline::Deadline;
use host::process::{Program, find};

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
        let save = find(&format!("{name}-save"))?;
        let restore = find(&format!("{name}-restore"))?;
        Some(Self { backend, family, save, restore })
    }

    /// What the back end holds for the family.
    pub fn read(&self, deadline: &Deadline) -> Result<Save> {
        if self.backend == Backend::Legacy && legacy_tables(self.family)?.is_empty() {
            return Ok(Save::default());
        }
        let output = Program::new(&self.save).keep_all().run(deadline)?.success();
        let save = output.and_then(|output| parse(&output.stdout));
        let hidden = |save: &Save| save.incompatible.iter().any(|name| !save.tables.iter().any(|t| t.name == *name));
        match save {
            Ok(save) if !hidden(&save) => Ok(save),
            // It has no words for a rule or a table that nft itself made.
            save if self.backend == Backend::Nft && find("nft").is_some() => {
                rules::read(self.family, deadline).or_else(|error| save.map_err(|_| error))
            }
            save => save,
        }
        .with_context(|| format!("reading the rules of {}", self.name()))
    }

    /// Carry out one table's removal in one commit.
    pub(super) fn remove(&self, removal: &Removal, naming: Naming, deadline: &Deadline) -> Result<()> {
        if removal.by_handle {
            return rules::remove(self.family, &removal.table, &removal.chains, &removal.rules, deadline);
        }
        self.restore(removal.script(naming), deadline)
    }

    /// Apply one transaction, waiting for the xtables lock of others as long as `deadline` allows.
    fn restore(&self, script: Vec<u8>, deadline: &Deadline) -> Result<()> {
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

/// Names of the legacy tables that the kernel has for the family.
pub(super) fn legacy_tables(family: Family) -> Result<Vec<String>> {
    // thread-self: /proc/net is that of the process's first thread, which may be in another network namespace.
    let path = match family {
        Family::V4 => "/proc/thread-self/net/ip_tables_names",
        Family::V6 => "/proc/thread-self/net/ip6_tables_names",
    };
    match std::fs::read_to_string(path) {
        Ok(names) => Ok(names.split_whitespace().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("reading {path}")),
    }
}
