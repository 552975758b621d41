//! Getting a file: copied, or fetched, into a directory of ours, and only used when its SHA-256 is right.

use anyhow::{Context as _, bail, ensure};
use host::deadline::Deadline;
use host::files;
use host::process::{Program, find};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// Copies or fetches what `location` names into `directory`. `option` is what it was given as.
pub fn get(
    option: &str,
    location: &str,
    sha256: &str,
    directory: &Path,
    deadline: &Deadline,
) -> anyhow::Result<PathBuf> {
    let name = location.rsplit('/').next().unwrap_or("file");
    let target = directory.join(name);
    if location.starts_with('/') {
        let found = copy(Path::new(location), &target).with_context(|| format!("option {option} is {location:?}"))?;
        same(option, location, &found, sha256)?;
    } else {
        fetch(location, &target, deadline)
            .with_context(|| format!("fetching {location}, which option {option} names"))?;
        same(option, location, &hash(&target)?, sha256)?;
    }
    Ok(target)
}

fn same(option: &str, location: &str, found: &str, wanted: &str) -> anyhow::Result<()> {
    ensure!(
        found.eq_ignore_ascii_case(wanted),
        "option {option} is {location:?}, and its SHA-256 is {found}, not {wanted}: it is another file than the one that is meant"
    );
    Ok(())
}

fn fetch(address: &str, target: &Path, deadline: &Deadline) -> anyhow::Result<()> {
    let target = target.display().to_string();
    // apt's own client: it knows the machine's proxies, and every Debian has it.
    let program = if Path::new(APT_HELPER).exists() {
        Program::new(APT_HELPER).args(["download-file", address, &target])
    } else if let Some(curl) = find("curl") {
        Program::new(curl).args(["--fail", "--location", "--silent", "--show-error", "--output", &target, address])
    } else {
        bail!("neither apt-helper nor curl is here: fetch it yourself and give its path");
    };
    program.run(deadline)?.success().map(drop)
}

/// The newest that apt offers of a package, fetched; apt has checked it.
pub fn package(name: &str, directory: &Path, deadline: &Deadline) -> anyhow::Result<PathBuf> {
    let said = Program::new("apt-get").args(["download", "--print-uris", "-q", name]).run(deadline)?;
    let said = said.success().with_context(|| format!("asking apt for the package {name}"))?.stdout_text();
    let line = said
        .lines()
        .find(|line| line.starts_with('\''))
        .with_context(|| format!("apt offers no package {name} (apt-get update reads its sources anew)"))?;
    let mut words = line.split_whitespace();
    let (address, file, hash) = (words.next().unwrap_or_default().trim_matches('\''), words.next(), words.last());
    let (Some(file), Some(hash)) = (file, hash) else { bail!("apt does not say where the package {name} is") };
    let target = directory.join(file.replace('/', "_"));
    let to = target.display().to_string();
    let fetched = Program::new(APT_HELPER).args(["download-file", address, &to, hash]).run(deadline)?;
    fetched.success().with_context(|| format!("fetching the package {name}"))?;
    Ok(target)
}

/// Copies a regular file and gives back its SHA-256: what is used is what was hashed.
fn copy(from: &Path, to: &Path) -> anyhow::Result<String> {
    let mut file = files::open_foreign(from).with_context(|| format!("opening {}", from.display()))?;
    let mut copy = File::create(to).with_context(|| format!("making {}", to.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("reading {}", from.display()))?;
        if count == 0 {
            break;
        }
        let part = buffer.get(..count).unwrap_or_default();
        hasher.update(part);
        copy.write_all(part).with_context(|| format!("writing {}", to.display()))?;
    }
    Ok(hex(&hasher.finalize()))
}

/// The SHA-256 of a file of ours.
fn hash(path: &Path) -> anyhow::Result<String> {
    copy(path, Path::new("/dev/null"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
