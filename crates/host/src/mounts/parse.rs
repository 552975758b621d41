//! mountinfo as bytes: a pure function that never panics, whatever the bytes.
//!
//! A line that cannot be understood is an error and not skipped: a table with a hole in it would let a caller delete
//! through the mount it does not know.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use anyhow::{Context, Result, bail};

use super::{Mount, Propagation};

/// Parses the whole of a mountinfo file.
pub fn parse(bytes: &[u8]) -> Result<Vec<Mount>> {
    bytes
        .split(|&byte| byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            parse_line(line).with_context(|| format!("line {}: {:?}", number + 1, String::from_utf8_lossy(line)))
        })
        .collect()
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn parse_line(line: &[u8]) -> Result<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let mut next = |what: &str| fields.next().with_context(|| format!("no {what}"));
    let id = number(next("mount id")?, "mount id")?;
    let parent = number(next("parent id")?, "parent id")?;
    let device = device(next("device")?)?;
    let root = OsString::from_vec(unescape(next("root")?)).into();
    let point = OsString::from_vec(unescape(next("mount point")?)).into();
    let options = String::from_utf8_lossy(next("options")?).into_owned();
    let mut propagation = Propagation::default();
    loop {
        let field = next("separator")?;
        match split_tag(field) {
            (b"-", None) => break,
            (b"shared", Some(group)) => propagation.shared = Some(number(group, "peer group")?),
            (b"master", Some(group)) => propagation.master = Some(number(group, "peer group")?),
            (b"unbindable", None) => propagation.unbindable = true,
            // propagate_from, and whatever later kernels add: the manual asks parsers to skip what they do not know.
            _ => {}
        }
    }
    let fs_type = String::from_utf8_lossy(&unescape(next("file system type")?)).into_owned();
    let source = OsString::from_vec(unescape(next("source")?));
    // File systems print their own options; one that forgets to escape a space must not break the table.
    let rest: Vec<&[u8]> = fields.collect();
    if rest.is_empty() {
        bail!("no file system options");
    }
    let super_options = OsString::from_vec(rest.join(&b' '));
    Ok(Mount { id, parent, device, root, point, options, propagation, fs_type, source, super_options })
}

fn split_tag(field: &[u8]) -> (&[u8], Option<&[u8]>) {
    match field.iter().position(|&byte| byte == b':') {
        Some(at) => (&field[..at], Some(&field[at + 1..])),
        None => (field, None),
    }
}

fn number(field: &[u8], what: &str) -> Result<u64> {
    std::str::from_utf8(field)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("{what} {:?} is not a number", String::from_utf8_lossy(field)))
}

fn device(field: &[u8]) -> Result<(u32, u32)> {
    let (major, minor) = split_tag(field);
    let half = |text| number(text, "device").and_then(|value| u32::try_from(value).context("device number too large"));
    Ok((half(major)?, half(minor.context("device without a minor number")?)?))
}

/// Undoes the kernel's `\ooo` for space, tab, newline and backslash; a backslash that starts no such escape stays.
pub(crate) fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}
