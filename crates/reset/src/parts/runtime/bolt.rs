//! Reading names out of a bbolt database, which is how containerd keeps its metadata. Nothing is written.
//!
//! Only as much of the format as needed (go.etcd.io/bbolt, `page.go`, `bucket.go`, `db.go`): meta pages, branches, leaves,
//! inline buckets. What does not add up is an error, and the caller takes "cannot tell" for "somebody else's".
//!
//! A look is one transaction's or none. bbolt never writes a page of the newest committed transaction: it writes others,
//! then one of the two meta pages. So what was read belongs together as long as the newest meta page after the reading is
//! the one before it ([`snapshot`]); and nobody writes at all while we hold the lock that bbolt takes for as long as a
//! database is open ([`Locked`]).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

const MAGIC: u32 = 0xED0C_DAED;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const HEADER: usize = 16;
const ELEMENT: usize = 16;
const IS_BUCKET: u32 = 0x01;
/// A tree deeper or a page larger than these is no sane database.
const DEEPEST: usize = 32;
const LARGEST: usize = 256 << 20;

/// How often a look is tried while somebody commits all the time.
const LOOKS: usize = 50;

/// An open database.
pub struct Bolt {
    file: File,
    page_size: usize,
    transaction: u64,
    root: Bucket,
}

/// A database that nobody else has open: bbolt holds flock(2) on it as long as it does.
pub struct Locked {
    file: File,
}

impl Locked {
    /// Nothing when there is no such file; an error when somebody has it open.
    pub fn take(path: &Path) -> Result<Option<Self>> {
        let Some(file) = regular(path)? else { return Ok(None) };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { file })),
            Err(Errno::WOULDBLOCK) => bail!("{} is in use: a containerd has it open", path.display()),
            Err(error) => Err(error).with_context(|| format!("locking {}", path.display())),
        }
    }

    /// What is in it; it stays so until the lock is let go.
    pub fn read(&self) -> Result<Bolt> {
        Bolt::of(self.file.try_clone().context("reading the locked database")?)
    }
}

/// What `read` makes of one transaction of a database that somebody may be writing; nothing when there is no such file.
pub fn snapshot<T>(path: &Path, read: impl Fn(&Bolt) -> Result<T>) -> Result<Option<T>> {
    let mut error = anyhow::anyhow!("it changes faster than it can be read");
    for _ in 0..LOOKS {
        let Some(file) = regular(path)? else { return Ok(None) };
        let look = Bolt::of(file).and_then(|bolt| {
            let found = read(&bolt)?;
            ensure!(bolt.is_newest()?, "it changes faster than it can be read");
            Ok(found)
        });
        match look {
            Ok(found) => return Ok(Some(found)),
            Err(other) => error = other,
        }
    }
    Err(error).with_context(|| format!("reading {}", path.display()))
}

/// Opens without waiting for a writer, as a pipe of that name would make us; refuses what is not a file.
fn regular(path: &Path) -> Result<Option<File>> {
    let opened = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty());
    let file = match opened {
        Err(Errno::NOENT) => return Ok(None),
        other => File::from(other.with_context(|| format!("opening {}", path.display()))?),
    };
    let is_file = file.metadata().with_context(|| format!("looking at {}", path.display()))?.is_file();
    ensure!(is_file, "{} is not a regular file", path.display());
    Ok(Some(file))
}

/// A bucket: in pages of its own, or inside its parent's value.
#[derive(Debug, Clone)]
enum Bucket {
    Page(u64),
    Inline(Vec<u8>),
}

/// A key of a bucket.
struct Entry {
    key: Vec<u8>,
    bucket: Option<Bucket>,
}

impl Bolt {
    fn of(file: File) -> Result<Self> {
        let first = at(&file, 0, 4096)?;
        let page_size = number(&first, HEADER + 8, 4)? as usize;
        ensure!((512..=1 << 20).contains(&page_size) && page_size.is_power_of_two(), "an impossible page size");
        let (transaction, root) = newest(&file, page_size)?;
        Ok(Self { file, page_size, transaction, root: Bucket::Page(root) })
    }

    /// Whether nobody has committed since it was opened.
    fn is_newest(&self) -> Result<bool> {
        Ok(newest(&self.file, self.page_size)?.0 == self.transaction)
    }

    /// The names in the bucket that `path` leads to; nothing when there is no such bucket.
    pub fn names(&self, path: &[&str]) -> Result<Vec<String>> {
        let mut bucket = self.root.clone();
        for name in path {
            let found = self.entries(&bucket)?.into_iter().find(|entry| entry.key == name.as_bytes());
            match found.and_then(|entry| entry.bucket) {
                Some(inner) => bucket = inner,
                None => return Ok(Vec::new()),
            }
        }
        Ok(self.entries(&bucket)?.into_iter().map(|entry| String::from_utf8_lossy(&entry.key).into_owned()).collect())
    }

    fn entries(&self, bucket: &Bucket) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        match bucket {
            Bucket::Inline(page) => leaf(page, &mut entries)?,
            Bucket::Page(id) => self.collect(*id, 0, &mut entries)?,
        }
        Ok(entries)
    }

    fn collect(&self, id: u64, depth: usize, entries: &mut Vec<Entry>) -> Result<()> {
        ensure!(depth < DEEPEST, "a tree that does not end");
        let start = id.checked_mul(self.page_size as u64).context("an impossible page")?;
        let head = at(&self.file, start, HEADER)?;
        ensure!(number(&head, 0, 8)? == id, "page {id} is not what it says");
        let pages = 1 + number(&head, 12, 4)? as usize;
        let size = pages.checked_mul(self.page_size).filter(|size| *size <= LARGEST).context("an impossible page")?;
        let page = at(&self.file, start, size)?;
        match number(&page, 8, 2)? as u16 {
            LEAF => leaf(&page, entries),
            BRANCH => {
                for index in 0..number(&page, 10, 2)? as usize {
                    self.collect(number(&page, HEADER + index * ELEMENT + 8, 8)?, depth + 1, entries)?;
                }
                Ok(())
            }
            flags => bail!("page {id} of kind {flags:#x}"),
        }
    }
}

fn leaf(page: &[u8], entries: &mut Vec<Entry>) -> Result<()> {
    for index in 0..number(page, 10, 2)? as usize {
        let element = HEADER + index * ELEMENT;
        let part = |offset| number(page, element + offset, 4).map(|value| value as usize);
        let (flags, start, key_size, value_size) = (part(0)?, element + part(4)?, part(8)?, part(12)?);
        let key = page.get(start..start + key_size).context("a key outside its page")?.to_vec();
        let value = page.get(start + key_size..start + key_size + value_size).context("a value outside its page")?;
        let bucket = if flags as u32 & IS_BUCKET == 0 { None } else { Some(bucket(value)?) };
        entries.push(Entry { key, bucket });
    }
    Ok(())
}

fn bucket(value: &[u8]) -> Result<Bucket> {
    match number(value, 0, 8)? {
        0 => Ok(Bucket::Inline(value.get(HEADER..).context("a bucket without a page")?.to_vec())),
        root => Ok(Bucket::Page(root)),
    }
}

/// Transaction and root page of the younger meta page that is whole: there are two, written in turn.
fn newest(file: &File, page_size: usize) -> Result<(u64, u64)> {
    let metas = [at(file, 0, 4096)?, at(file, page_size as u64, 4096)?];
    metas
        .iter()
        .filter_map(|meta| whole(meta))
        .max_by_key(|&(transaction, _)| transaction)
        .context("no whole meta page")
}

/// The transaction number and root page of a meta page whose checksum is right.
fn whole(page: &[u8]) -> Option<(u64, u64)> {
    let meta = page.get(HEADER..HEADER + 64)?;
    let field = |at, size| number(meta, at, size).ok();
    let checksum = meta[..56]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    (field(0, 4)? == u64::from(MAGIC) && field(4, 4)? == 2 && field(56, 8)? == checksum)
        .then_some((field(48, 8)?, field(16, 8)?))
}

fn at(file: &File, offset: u64, size: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, offset).context("it ends too early")?;
    Ok(bytes)
}

/// Little-endian, as on every machine these modules are built for.
fn number(bytes: &[u8], at: usize, size: usize) -> Result<u64> {
    let field = bytes.get(at..at + size).context("a number outside its page")?;
    Ok(field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
#[path = "bolt_tests.rs"]
mod tests;
