//! nf_tables' own netlink, for what is asked most: which tables there are, and taking some of them away at once.
//!
//! So that a node without `nft` is not called clean while kube-proxy's tables are in force. Message layout and numbers:
//! linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h. The socket belongs to the calling thread's
//! network namespace.

use std::os::fd::OwnedFd;

use anyhow::{Context as _, Result, bail};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

use super::Table;
use host::deadline::Deadline;

pub(crate) const ERROR: u16 = 2;
pub(crate) const DONE: u16 = 3;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u16 = 10;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const GET_TABLE: u16 = NEW_TABLE | 1;
const DELETE_TABLE: u16 = NEW_TABLE | 2;
/// The attributes of a table that are read or written: its name and its flags.
const NAME: u16 = 1;
const FLAGS: u16 = 2;
/// The flag of a table whose chains see no packet.
const DORMANT: u8 = 1;
pub(crate) const REQUEST: u16 = 1;
pub(crate) const ACKNOWLEDGE: u16 = 4;
pub(crate) const DUMP: u16 = 0x300;
/// The list changed while it was read.
const INTERRUPTED: u16 = 0x10;
/// netlink's and nfnetlink's headers.
const HEADER: usize = 16 + 4;
/// NFPROTO_* as nft names them.
const FAMILIES: [(u8, &str); 6] = [(1, "inet"), (2, "ip"), (3, "arp"), (5, "netdev"), (7, "bridge"), (10, "ip6")];

/// Every table of this network namespace, and whether it is dormant; none when the kernel has no nf_tables.
pub(super) fn tables(deadline: &Deadline) -> Result<Vec<(Table, bool)>> {
    let Some(socket) = open(deadline).context("listing the tables of nftables")? else { return Ok(Vec::new()) };
    for _attempt in 0..10 {
        send(&socket, &message(GET_TABLE, REQUEST | DUMP, 0, &[]), SendFlags::empty())
            .context("listing the tables of nftables")?;
        if let Some(found) = read_tables(&socket).context("listing the tables of nftables")? {
            return Ok(found);
        }
    }
    bail!("listing the tables of nftables: they change faster than they can be read")
}

/// Takes these tables away with all that is in them, all or none. One that is not there is an error.
pub(super) fn delete(tables: &[Table], deadline: &Deadline) -> Result<()> {
    let Some(socket) = open(deadline)? else { return Ok(()) };
    let mut batch = message(BATCH_BEGIN, REQUEST, 0, &[]);
    for table in tables {
        let family = FAMILIES.iter().find(|(_, name)| *name == table.family);
        let (family, _) = family.with_context(|| format!("table {table}: no such family"))?;
        batch.extend(message(DELETE_TABLE, REQUEST | ACKNOWLEDGE, *family, &attribute(NAME, table.name.as_bytes())));
    }
    batch.extend(message(BATCH_END, REQUEST, 0, &[]));
    send(&socket, &batch, SendFlags::empty())?;
    // One answer for each; all of them belong to the one transaction, and an error undoes it.
    let mut answers = 0;
    while answers < tables.len() {
        for (kind, _, body) in split(&receive(&socket)?) {
            if kind == ERROR {
                error(body)?;
                answers += 1;
            }
        }
    }
    Ok(())
}

/// `None`: the kernel has no netfilter netlink.
pub(crate) fn open(deadline: &Deadline) -> Result<Option<OwnedFd>> {
    let opened = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::NETFILTER));
    let socket = match opened {
        Err(Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT) => return Ok(None),
        other => other.context("opening a netlink socket")?,
    };
    let limit = deadline.left().max(std::time::Duration::from_millis(1));
    set_socket_timeout(&socket, Timeout::Recv, Some(limit))?;
    Ok(Some(socket))
}

/// The answer to a dump; `None` when it has to be asked for again.
fn read_tables(socket: &OwnedFd) -> Result<Option<Vec<(Table, bool)>>> {
    let (mut found, mut whole) = (Vec::new(), true);
    loop {
        for (kind, flags, body) in split(&receive(socket)?) {
            whole &= flags & INTERRUPTED == 0;
            match kind {
                DONE => return Ok(whole.then_some(found)),
                // nfnetlink without nf_tables says "invalid argument".
                ERROR if matches!(errno(body), Some(Errno::INVAL | Errno::OPNOTSUPP)) => return Ok(Some(Vec::new())),
                ERROR => error(body)?,
                NEW_TABLE => found.extend(table(body)),
                _ => {}
            }
        }
    }
}

pub(crate) fn receive(socket: &OwnedFd) -> Result<Vec<u8>> {
    // A dump comes in parts of at most 32 KiB (linux, af_netlink.c).
    let mut buffer = vec![0; 65_536];
    let (_, length) = rustix::io::retry_on_intr(|| recv(socket, &mut buffer[..], RecvFlags::empty()))
        .context("waiting for the kernel's answer")?;
    buffer.truncate(length);
    Ok(buffer)
}

pub(crate) fn message(kind: u16, flags: u16, family: u8, body: &[u8]) -> Vec<u8> {
    let length = (HEADER + body.len()) as u32;
    // nfnetlink's resource id, in network order, names the subsystem of a batch.
    let resource = if matches!(kind, BATCH_BEGIN | BATCH_END) { SUBSYSTEM } else { 0 };
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, 0]);
    bytes.extend(resource.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A string with its closing zero, padded to four bytes.
pub(crate) fn attribute(kind: u16, text: &[u8]) -> Vec<u8> {
    let length = 4 + text.len() + 1;
    let mut bytes = (length as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(text);
    bytes.resize(4 + (text.len() + 1).next_multiple_of(4), 0);
    bytes
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Kind, flags and what follows netlink's header, of each message.
pub(crate) fn split(mut bytes: &[u8]) -> Vec<(u16, u16, &[u8])> {
    let mut messages = Vec::new();
    while let Some(length) = bytes.first_chunk::<4>().map(|first| u32::from_ne_bytes(*first) as usize) {
        let (Some(body), Some(kind), Some(flags)) = (bytes.get(16..length), u16_at(bytes, 4), u16_at(bytes, 6)) else {
            break;
        };
        messages.push((kind, flags, body));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    messages
}

pub(crate) fn errno(body: &[u8]) -> Option<Errno> {
    let code = i32::from_ne_bytes(*body.first_chunk::<4>()?);
    (code != 0).then(|| Errno::from_raw_os_error(-code))
}

fn error(body: &[u8]) -> Result<()> {
    errno(body).map_or(Ok(()), |errno| Err(errno.into()))
}

fn table(body: &[u8]) -> Option<(Table, bool)> {
    let family = FAMILIES.iter().find(|(number, _)| Some(number) == body.first())?.1.to_owned();
    let (mut name, mut dormant) = (None, false);
    let mut attributes = body.get(4..)?;
    while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
        let value = attributes.get(4..usize::from(length))?;
        match kind {
            NAME => name = value.split(|byte| *byte == 0).next(),
            // 32 bits in network order.
            FLAGS => dormant = value.get(3).is_some_and(|low| low & DORMANT != 0),
            _ => {}
        }
        attributes = attributes.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
    }
    Some((Table { family, name: String::from_utf8_lossy(name?).into_owned() }, dormant))
}
