//! Files, with errors that name the path, and writes that are whole or not there.
//!
//! What a link points to is not written through in a directory that others may write to: the temporary file is made with
//! `O_EXCL` under an unguessable name and renamed over the target, so a planted link is replaced, not followed. What is
//! no regular file is not read: a planted FIFO would keep a process of root's waiting for ever.

mod private;

use anyhow::Context as _;
use rustix::fs::OFlags;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What no configuration file reaches: a file that never ends must not fill the memory.
const LARGEST: u64 = 256 << 20;

/// The content, or `None` when there is no such file.
pub fn read_optional(path: impl AsRef<Path>) -> anyhow::Result<Option<Vec<u8>>> {
    read_foreign(path, LARGEST)
}

/// The content of a file that anybody may have put there, or `None` when there is none. A FIFO or a device is not waited
/// for but an error, and so is a file of more than `most` bytes, also one that grows while it is read.
pub fn read_foreign(path: impl AsRef<Path>, most: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let path = path.as_ref();
    let read = || -> std::io::Result<Vec<u8>> {
        let file = open_foreign(path)?;
        let size = file.metadata()?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(most)).unwrap_or_default());
        file.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(std::io::Error::other(format!("it has more than {most} bytes")));
        }
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("reading {}", path.display())),
    }
}

/// A regular file that anybody may have put there, open for reading; anything else is an error at once.
pub fn open_foreign(path: &Path) -> std::io::Result<File> {
    let file = open(path, OFlags::NONBLOCK | OFlags::NOCTTY)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

fn open(path: &Path, flags: OFlags) -> std::io::Result<File> {
    // The flags are an int to open(2); std calls it i32.
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// The content as text, or `None` when there is no such file. Text that is no UTF-8 is an error.
pub fn read_text(path: impl AsRef<Path>) -> anyhow::Result<Option<String>> {
    let path = path.as_ref();
    read_optional(path)?
        .map(|bytes| String::from_utf8(bytes).with_context(|| format!("reading {} as UTF-8", path.display())))
        .transpose()
}

/// Replaces `path` by a file with these bytes and this mode: whole or not at all, also after a power loss.
///
/// The temporary file lies in the same directory, named `.<name>.kubejoin-XXXXXX`: no CNI loader reads it (they take
/// `.conf`, `.conflist` and `.json` only), and containerd 1.6 notices a rename only within the directory (measured).
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let path = path.as_ref();
    let whole = || -> anyhow::Result<()> {
        let (dir, name) = (path.parent().unwrap_or(Path::new("/")), path.file_name().unwrap_or_default());
        let prefix = format!(".{}.kubejoin-", name.to_string_lossy());
        let mut temporary =
            tempfile::Builder::new().prefix(&prefix).permissions(Permissions::from_mode(0o600)).tempfile_in(dir)?;
        temporary.write_all(bytes)?;
        // The umask of whoever started us must not decide the mode.
        temporary.as_file().set_permissions(Permissions::from_mode(mode))?;
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|e| e.error)?;
        open(dir, OFlags::DIRECTORY)?.sync_all()?;
        Ok(())
    };
    whole().with_context(|| format!("writing {}", path.display()))
}

/// Makes a directory with this mode, and its parents with mode 0755. Says whether it had to be made. One that is there
/// keeps its mode: it may be the administrator's choice. With a mode that is nobody else's business (0700), one that is
/// there must be so too: see [`private`].
pub fn make_dir(path: impl AsRef<Path>, mode: u32) -> anyhow::Result<bool> {
    let path = path.as_ref();
    let make = || -> std::io::Result<bool> {
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        match fs::DirBuilder::new().mode(mode).create(path) {
            Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)).map(|()| true),
            Err(e) if e.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
            Err(e) => Err(e),
        }
    };
    let made = make().with_context(|| format!("making directory {}", path.display()))?;
    if mode & 0o077 == 0 {
        private::check(path).with_context(|| format!("using directory {}", path.display()))?;
    }
    Ok(made)
}

/// The mode of a file, or this one where there is none.
pub fn mode_or(path: impl AsRef<Path>, otherwise: u32) -> u32 {
    fs::metadata(path).map_or(otherwise, |meta| meta.permissions().mode() & 0o7777)
}

/// Lets everybody run a program of root's: an archive may have lost its mode.
pub fn make_executable(program: &Path) -> anyhow::Result<()> {
    fs::set_permissions(program, Permissions::from_mode(0o755))
        .with_context(|| format!("making {} executable", program.display()))
}

/// Deletes one file or link, never a directory. Says whether it was there.
#[allow(clippy::disallowed_methods, reason = "the one place that deletes a single file")]
pub fn delete_file(path: impl AsRef<Path>) -> anyhow::Result<bool> {
    let path = path.as_ref();
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e).with_context(|| format!("deleting {}", path.display())),
    }
}

/// Deletes a directory that is empty. Says whether it was deleted; one that is missing or not empty is left.
#[allow(clippy::disallowed_methods, reason = "the one place that deletes an empty directory")]
pub fn delete_empty_dir(path: impl AsRef<Path>) -> anyhow::Result<bool> {
    let path = path.as_ref();
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => Ok(false),
        Err(e) => Err(e).with_context(|| format!("deleting directory {}", path.display())),
    }
}

/// Makes a symbolic link. Says whether it had to be made. A link that leads nowhere is replaced, nobody has anything in it;
/// anything else under that name is an error.
pub fn link(target: impl AsRef<Path>, path: impl AsRef<Path>) -> anyhow::Result<bool> {
    let (target, path) = (target.as_ref(), path.as_ref());
    match std::os::unix::fs::symlink(target, path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && fs::read_link(path).is_ok_and(|t| t == target) => Ok(false),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && leads_nowhere(path) => {
            let made = delete_file(path).and_then(|_| Ok(std::os::unix::fs::symlink(target, path)?));
            made.map(|()| true).with_context(|| format!("linking {} to {}", path.display(), target.display()))
        }
        Err(e) => Err(e).with_context(|| format!("linking {} to {}", path.display(), target.display())),
    }
}

fn leads_nowhere(path: &Path) -> bool {
    path.is_symlink() && fs::metadata(path).is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

/// Names in a directory, sorted as bytes, as CNI loaders sort them; empty when there is no such directory, or a file
/// of that name.
pub fn names(path: impl AsRef<Path>) -> anyhow::Result<Vec<std::ffi::OsString>> {
    let path = path.as_ref();
    let list = || -> std::io::Result<Vec<_>> {
        let mut names = match fs::read_dir(path) {
            Ok(entries) => entries.map(|e| e.map(|e| e.file_name())).collect::<Result<Vec<_>, _>>()?,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Vec::new(),
            Err(e) => return Err(e),
        };
        names.sort_unstable();
        Ok(names)
    };
    list().with_context(|| format!("listing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_whole_has_its_mode_and_leaves_no_other_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("10-x.conflist");
        write_atomic(&path, b"one", 0o644).unwrap();
        write_atomic(&path, b"two", 0o600).unwrap();
        assert_eq!(read_text(&path).unwrap().unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(dir.path()).unwrap(), ["10-x.conflist"]);
    }

    #[test]
    fn a_planted_link_is_replaced_and_what_it_points_to_is_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let (victim, path) = (dir.path().join("victim"), dir.path().join("conf"));
        write_atomic(&victim, b"mine", 0o644).unwrap();
        link(&victim, &path).unwrap();
        write_atomic(&path, b"new", 0o644).unwrap();
        assert_eq!(read_text(&victim).unwrap().unwrap(), "mine");
        assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[test]
    fn errors_name_the_path() {
        let text = format!("{:#}", write_atomic("/proc/nowhere/x", b"", 0o644).unwrap_err());
        assert!(text.starts_with("writing /proc/nowhere/x: "), "{text}");
    }

    #[test]
    fn what_is_not_there_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_optional(dir.path().join("x")).unwrap().is_none());
        assert!(!delete_file(dir.path().join("x")).unwrap());
        assert!(!delete_empty_dir(dir.path().join("x")).unwrap());
        assert!(names(dir.path().join("x")).unwrap().is_empty());
    }

    #[test]
    fn a_directory_that_is_there_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        assert!(make_dir(&path, 0o700).unwrap());
        assert!(!make_dir(&path, 0o755).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
