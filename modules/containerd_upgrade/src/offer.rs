//! What is offered: unpacked into a directory of ours, for this machine, and able to run here.

use crate::args::{Args, PACKAGE};
use crate::version::Version;
use crate::{package, source};
use anyhow::{Context as _, bail, ensure};
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use std::path::{Path, PathBuf};

/// The program that says which version is offered.
const MAIN: &str = "containerd";

/// A containerd, unpacked.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Its version.
    pub version: Version,
    /// The program, unpacked.
    pub program: PathBuf,
    /// Packages that bring it, by name; none for an archive.
    pub debs: Vec<(String, PathBuf)>,
    /// Programs that are put in without dpkg: name and where they are unpacked.
    pub programs: Vec<(String, PathBuf)>,
    /// The runc beside it, and whether it comes without dpkg.
    pub runc: Option<(Version, Option<PathBuf>)>,
}

/// Gets and unpacks it. `owner` is the package that the containerd of now came with.
pub fn offer(args: &Args, owner: Option<&str>, directory: &Path, deadline: &Deadline) -> anyhow::Result<Offer> {
    let file = match (args.source.as_str(), owner) {
        (PACKAGE, Some(owner)) => source::package(owner, directory, deadline)?,
        (PACKAGE, None) => bail!(
            "option source is package, and the containerd of this machine came with none: give a release archive with its sha256"
        ),
        (location, _) => {
            source::get("source", location, args.sha256.as_deref().unwrap_or_default(), directory, deadline)?
        }
    };
    let root = directory.join("root");
    files::make_dir(&root, 0o755)?;
    let mut offer = if file.extension().is_some_and(|end| end == "deb") {
        deb(&file, &root, deadline)
    } else {
        archive(&file, &root, deadline)
    }
    .with_context(|| format!("option source is {:?}", args.source))?;
    if let Some(location) = &args.runc {
        let file = source::get("runc", location, args.runc_sha256.as_deref().unwrap_or_default(), directory, deadline)?;
        runc(&mut offer, &file, directory, deadline).with_context(|| format!("option runc is {location:?}"))?;
    }
    Ok(offer)
}

fn deb(file: &Path, root: &Path, deadline: &Deadline) -> anyhow::Result<Offer> {
    let name = package::field(file, "Package", deadline)?;
    package::extract(file, root, deadline)?;
    let found =
        ["usr/bin", "usr/local/bin", "usr/sbin"].iter().map(|dir| root.join(dir).join(MAIN)).find(|p| p.is_file());
    let program = found.with_context(|| format!("the package {name} has no containerd in it"))?;
    let version = version(&program, Version::of_containerd, deadline)?;
    Ok(Offer { version, program, debs: vec![(name, file.to_owned())], programs: Vec::new(), runc: None })
}

/// As containerd's makers lay it out: `bin/containerd`, `bin/ctr`, `bin/containerd-shim-runc-v2`.
fn archive(file: &Path, root: &Path, deadline: &Deadline) -> anyhow::Result<Offer> {
    let tar = Program::new("tar").args(["--extract", "--gzip", "--no-same-owner", "--no-same-permissions", "--file"]);
    let out = tar.args([file]).args(["--directory"]).args([root]).args(["--", "bin"]).run(deadline)?;
    out.success().context("unpacking its folder bin, which a release archive of containerd has")?;
    let bin = root.join("bin");
    let mut programs = Vec::new();
    for name in files::names(&bin)? {
        let path = bin.join(&name);
        // A link could name anything of this machine.
        if std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
            programs.push((name.to_string_lossy().into_owned(), path));
        }
    }
    let program = bin.join(MAIN);
    for wanted in [MAIN, "containerd-shim-runc-v2"] {
        ensure!(programs.iter().any(|(name, _)| name == wanted), "the archive has no bin/{wanted}");
    }
    let version = version(&program, Version::of_containerd, deadline)?;
    Ok(Offer { version, program, debs: Vec::new(), programs, runc: None })
}

fn runc(offer: &mut Offer, file: &Path, directory: &Path, deadline: &Deadline) -> anyhow::Result<()> {
    if file.extension().is_some_and(|end| end == "deb") {
        let name = package::field(file, "Package", deadline)?;
        let root = directory.join("runc.root");
        package::extract(file, &root, deadline)?;
        let found = ["usr/sbin/runc", "usr/bin/runc"].iter().map(|path| root.join(path)).find(|path| path.is_file());
        let program = found.with_context(|| format!("the package {name} has no runc in it"))?;
        offer.runc = Some((version(&program, Version::of_runc, deadline)?, None));
        offer.debs.push((name, file.to_owned()));
        return Ok(());
    }
    let program = directory.join("runc.program");
    std::fs::copy(file, &program).with_context(|| format!("copying {}", file.display()))?;
    offer.runc = Some((version(&program, Version::of_runc, deadline)?, Some(program)));
    Ok(())
}

/// Has a program say its version: existing is not working, and a program of a newer distribution wants its C library.
fn version(program: &Path, read: fn(&str) -> Option<Version>, deadline: &Deadline) -> anyhow::Result<Version> {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    machine(program)?;
    files::make_executable(program)?;
    let said = Program::new(program).args(["--version"]).run(deadline)?;
    let why = said.stderr_text();
    if !said.status.success() {
        let why = why.lines().next().unwrap_or("it says nothing").trim();
        let why = why.split_once(": ").map_or(why, |(_, rest)| rest);
        bail!("its {name} does not run on this machine: {why}");
    }
    let said = said.stdout_text();
    read(&said).with_context(|| format!("its {name} is not one, it says {:?}", said.trim()))
}

/// Refuses a program for another kind of processor, by its ELF header (`e_machine`).
fn machine(program: &Path) -> anyhow::Result<()> {
    let bytes = files::read_optional(program)?.unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    ensure!(bytes.starts_with(b"\x7fELF"), "its {name} is not a program");
    let kind = match (bytes.get(18), bytes.get(19)) {
        (Some(0x3e), Some(0)) => "x86_64",
        (Some(0xb7), Some(0)) => "aarch64",
        (Some(0x28), Some(0)) => "arm",
        (Some(0xf3), Some(0)) => "riscv64",
        _ => "another kind of processor",
    };
    let here = std::env::consts::ARCH;
    ensure!(kind == here, "its {name} is for {kind}, and this machine is {here}");
    Ok(())
}
