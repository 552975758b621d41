//! Sets of the kernel's ipset: which there are, and destroying one. Needs no `ipset`.
//!
//! Message layout and numbers: linux/netfilter/ipset/ip_set.h. The socket belongs to the calling thread's network namespace.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use crate::nftables::netlink::{
    ACKNOWLEDGE, DONE, DUMP, ERROR, REQUEST, attribute, errno, message, open, receive, split, u16_at,
};
use host::deadline::Deadline;

const SUBSYSTEM: u16 = 6 << 8;
const DESTROY: u16 = SUBSYSTEM | 3;
const LIST: u16 = SUBSYSTEM | 7;
/// Attributes: the protocol's version, which is 6 or 7, and a set's name; a list of names only.
const PROTOCOL: [u8; 8] = attribute_of_one_byte(1, 6);
const NAME: u16 = 2;
const FLAGS: u16 = 6;
const NAMES_ONLY: u32 = 2;
const BIG_ENDIAN: u16 = 0x4000;
/// Errors of ipset's own begin here; the fourth says that a rule uses the set.
const PRIVATE: i32 = 4096;

/// Names of all sets; none when the kernel has no ipset, which asking would load.
pub fn list(deadline: &Deadline) -> Result<Vec<String>> {
    let asking = "listing the sets of ipset";
    let Some(socket) = open(deadline).context(asking)?.filter(|_| Path::new("/sys/module/ip_set").exists()) else {
        return Ok(Vec::new());
    };
    let mut body = PROTOCOL.to_vec();
    body.extend(8_u16.to_ne_bytes());
    body.extend((FLAGS | BIG_ENDIAN).to_ne_bytes());
    body.extend(NAMES_ONLY.to_be_bytes());
    send(&socket, &message(LIST, REQUEST | DUMP, 0, &body), SendFlags::empty()).context(asking)?;
    let mut names = Vec::new();
    loop {
        for (kind, _, body) in split(&receive(&socket).context(asking)?) {
            match kind {
                DONE => return Ok(names),
                ERROR => match errno(body) {
                    None | Some(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOENT) => return Ok(names),
                    Some(error) => return Err(error).context(asking),
                },
                LIST => names.extend(name(body)),
                _ => {}
            }
        }
    }
}

/// Destroys a set. Says `false` when a rule still uses it; one that is gone is no error.
pub fn destroy(set: &str, deadline: &Deadline) -> Result<bool> {
    let asking = || format!("destroying the set {set} of ipset");
    let Some(socket) = open(deadline).with_context(asking)? else { return Ok(true) };
    let body = [&PROTOCOL[..], &attribute(NAME, set.as_bytes())].concat();
    send(&socket, &message(DESTROY, REQUEST | ACKNOWLEDGE, 0, &body), SendFlags::empty()).with_context(asking)?;
    for (kind, _, body) in split(&receive(&socket).with_context(asking)?) {
        if kind == ERROR {
            let code = body.first_chunk::<4>().map_or(0, |code| -i32::from_ne_bytes(*code));
            return match code {
                0 => Ok(true),
                code if code == Errno::NOENT.raw_os_error() => Ok(true),
                code if code >= PRIVATE => Ok(false),
                code => Err(Errno::from_raw_os_error(code)).with_context(asking),
            };
        }
    }
    bail!("{}: the kernel gave no answer", asking())
}

/// The name in a set's message, behind the header of four bytes.
fn name(body: &[u8]) -> Option<String> {
    let mut attributes = body.get(4..)?;
    while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
        let value = attributes.get(4..usize::from(length))?;
        if kind & 0x3fff == NAME {
            let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        attributes = attributes.get(usize::from(length).next_multiple_of(4)..)?;
    }
    None
}

const fn attribute_of_one_byte(kind: u16, value: u8) -> [u8; 8] {
    let (length, kind) = (5_u16.to_ne_bytes(), kind.to_ne_bytes());
    [length[0], length[1], kind[0], kind[1], value, 0, 0, 0]
}
