//! ICMP echo over a raw socket, IPv4 and IPv6.
//!
//! The kernel sets Don't Fragment on what fits the link (path MTU discovery, on by default), so an echo as large as the
//! pod's link tells whether the whole way carries that much.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, recv, sendto, socket_with};

use super::Fault;

/// Packets may get lost while neighbours are being learned.
const TRIES: u16 = 2;
const HEADER: usize = 8;
/// Several echoes at once are told apart by their id.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// Echo to `to`, in packets of `size` bytes (IP header included), or small ones.
pub fn echo(to: IpAddr, size: Option<usize>, timeout: Duration) -> Result<(), Fault> {
    let (family, protocol, ip_header) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP, 20),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6, 40),
    };
    let socket = socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, Some(protocol));
    let socket = socket.map_err(|e| Fault::Other(format!("opening a raw socket: {e}")))?;
    let payload = size.map_or(48, |size| size.saturating_sub(ip_header + HEADER));
    let id = (std::process::id() as u16).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
    for sequence in 1..=TRIES {
        let packet = request(to, id, sequence, payload);
        sendto(&socket, &packet, SendFlags::empty(), &SocketAddr::new(to, 0))
            .map_err(|e| Fault::from(std::io::Error::from(e)))?;
        match wait(&socket, to, id, Instant::now() + timeout / u32::from(TRIES)) {
            Err(Fault::Silence) => {}
            done => return done,
        }
    }
    Err(Fault::Silence)
}

fn wait(socket: &OwnedFd, to: IpAddr, id: u16, end: Instant) -> Result<(), Fault> {
    let mut buffer = vec![0_u8; 65_536];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Silence);
        }
        // Zero would mean for ever.
        let left = left.max(Duration::from_millis(1));
        set_socket_timeout(socket, Timeout::Recv, Some(left)).map_err(|e| Fault::Other(e.to_string()))?;
        let length = match recv(socket, &mut buffer[..], RecvFlags::empty()) {
            Ok((length, _)) => length,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(std::io::Error::from(error).into()),
        };
        if let Some(answer) = read(&buffer[..length], to, id) {
            return answer;
        }
    }
}

/// Type 8 (IPv4) or 128 (IPv6), code 0, checksum, id, sequence, payload (RFC 792, RFC 4443).
fn request(to: IpAddr, id: u16, sequence: u16, payload: usize) -> Vec<u8> {
    let mut packet = vec![if to.is_ipv4() { 8 } else { 128 }, 0, 0, 0];
    packet.extend(id.to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.extend((0..payload).map(|n| n as u8));
    if to.is_ipv4() {
        // For IPv6 the kernel does it: the pseudo header needs the source address.
        let sum = checksum(&packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
    }
    packet
}

fn checksum(packet: &[u8]) -> u16 {
    let words = packet.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

/// What a received packet says about our echo; nothing when it is not about it. IPv4 comes with its header, IPv6 without.
fn read(packet: &[u8], to: IpAddr, id: u16) -> Option<Result<(), Fault>> {
    let message = match to {
        IpAddr::V4(_) => packet.get(usize::from(packet.first()? & 0x0f) * 4..)?,
        IpAddr::V6(_) => packet,
    };
    let (kind, code) = (*message.first()?, *message.get(1)?);
    match (to, kind) {
        (IpAddr::V4(_), 0) | (IpAddr::V6(_), 129) => (message.get(4..6)? == id.to_be_bytes()).then_some(Ok(())),
        (IpAddr::V4(_), 3) => {
            let quoted = message.get(8..)?;
            let inner = quoted.get(usize::from(quoted.first()? & 0x0f) * 4..)?;
            let ours = inner.get(4..6)? == id.to_be_bytes() && inner.first()? == &8;
            let mtu = u16::from_be_bytes([*message.get(6)?, *message.get(7)?]);
            ours.then(|| Err(if code == 4 { Fault::TooBig(Some(mtu).filter(|m| *m > 0)) } else { unreachable(code) }))
        }
        (IpAddr::V6(_), 1 | 2) => {
            let ours = message.get(8 + 40 + 4..8 + 40 + 6)? == id.to_be_bytes();
            ours.then(|| {
                Err(if kind == 2 {
                    Fault::TooBig(None)
                } else {
                    Fault::Unreachable(format!("unreachable, code {code}"))
                })
            })
        }
        _ => None,
    }
}

/// RFC 792 and RFC 1812; in the words of ping.
fn unreachable(code: u8) -> Fault {
    Fault::Unreachable(match code {
        0 => "Destination Net Unreachable".into(),
        1 => "Destination Host Unreachable".into(),
        3 => "Destination Port Unreachable".into(),
        9 | 10 | 13 => "Packet filtered".into(),
        other => format!("unreachable, code {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 244, 0, 19));

    fn in_ip(message: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45; 20];
        packet.extend(message);
        packet
    }

    #[test]
    fn a_request_has_a_right_checksum_and_the_size_asked_for() {
        let packet = request(TO, 7, 1, 1422);
        assert_eq!((packet.len() + 20, checksum(&packet)), (1450, 0));
    }

    #[test]
    fn only_answers_to_our_own_echo_count() {
        let mut reply = request(TO, 7, 1, 4);
        reply[0] = 0;
        assert_eq!(read(&in_ip(&reply), TO, 7), Some(Ok(())));
        assert_eq!(read(&in_ip(&reply), TO, 8), None);
        let mut unreachable = vec![3, 1, 0, 0, 0, 0, 0, 0];
        unreachable.extend(in_ip(&request(TO, 7, 1, 0)));
        assert_eq!(
            read(&in_ip(&unreachable), TO, 7),
            Some(Err(Fault::Unreachable("Destination Host Unreachable".into())))
        );
        let mut too_big = vec![3, 4, 0, 0, 0, 0, 0x05, 0x78];
        too_big.extend(in_ip(&request(TO, 7, 1, 0)));
        assert_eq!(read(&in_ip(&too_big), TO, 7), Some(Err(Fault::TooBig(Some(1400)))));
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in prop::collection::vec(any::<u8>(), 0..100), v6: bool) {
            let to = if v6 { "fd00::1".parse().unwrap() } else { TO };
            let _either = read(&packet, to, 7);
        }
    }
}
