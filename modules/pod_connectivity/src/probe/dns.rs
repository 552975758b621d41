//! One DNS question over UDP (RFC 1035), as a pod's resolver asks it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::Fault;

/// The addresses a server answered with.
pub type Answer = Vec<IpAddr>;

const TRIES: u32 = 2;

/// Ask `server` for the addresses of `name`.
pub fn resolve(server: SocketAddr, name: &str, timeout: Duration) -> Result<Answer, Fault> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    // Connected, so that only this server's answers are heard, and its host's refusal is.
    socket.connect(server)?;
    socket.set_read_timeout(Some(timeout / TRIES))?;
    let id = socket.local_addr()?.port();
    let question = question(id, name).ok_or_else(|| Fault::Other(format!("{name:?} is not a DNS name")))?;
    let mut buffer = [0_u8; 4096];
    for _ in 0..TRIES {
        socket.send(&question)?;
        match socket.recv(&mut buffer).map_err(Fault::from) {
            Ok(length) => return answer(&buffer[..length], id),
            Err(Fault::Silence) => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(Fault::Silence)
}

fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    // Recursion desired, one question.
    let mut packet = [id.to_be_bytes(), [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]].concat();
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        packet.push(length);
        packet.extend(label.as_bytes());
    }
    packet.extend([0, 0, 1, 0, 1]);
    (packet.len() < 272).then_some(packet)
}

fn answer(packet: &[u8], id: u16) -> Result<Answer, Fault> {
    let broken = || Fault::Answer("the answer is no DNS message".into());
    let header: [u8; 12] = packet.get(..12).and_then(|h| h.try_into().ok()).ok_or_else(broken)?;
    if header[..2] != id.to_be_bytes() || header[2] & 0x80 == 0 {
        return Err(broken());
    }
    match header[3] & 0x0f {
        0 => {}
        2 => return Err(Fault::Answer("SERVFAIL: the DNS server cannot answer".into())),
        3 => return Err(Fault::Answer("NXDOMAIN: the DNS server does not know the name".into())),
        5 => return Err(Fault::Answer("REFUSED by the DNS server".into())),
        code => return Err(Fault::Answer(format!("DNS error {code}"))),
    }
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let mut at = 12;
    for _ in 0..count(4) {
        at = skip_name(packet, at).ok_or_else(broken)? + 4;
    }
    let mut addresses = Vec::new();
    for _ in 0..count(6) {
        at = skip_name(packet, at).ok_or_else(broken)?;
        let record = packet.get(at..at + 10).ok_or_else(broken)?;
        let length = usize::from(u16::from_be_bytes([record[8], record[9]]));
        let data = packet.get(at + 10..at + 10 + length).ok_or_else(broken)?;
        if let ([0, 1], Ok(ip)) = (&record[..2], <[u8; 4]>::try_from(data)) {
            addresses.push(Ipv4Addr::from(ip).into());
        }
        at += 10 + length;
    }
    Ok(addresses)
}

/// The place behind a name: labels up to an empty one, or up to a pointer.
fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(code: u8, ip: Option<[u8; 4]>) -> Vec<u8> {
        let mut packet = question(7, "kubernetes.default.svc.cluster.local").unwrap();
        (packet[2], packet[3], packet[7]) = (0x81, 0x80 | code, u8::from(ip.is_some()));
        if let Some(ip) = ip {
            packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4]);
            packet.extend(ip);
        }
        packet
    }

    #[test]
    fn an_address_is_read_and_an_error_is_named() {
        assert_eq!(answer(&reply(0, Some([10, 96, 0, 1])), 7).unwrap(), [IpAddr::from([10, 96, 0, 1])]);
        assert!(matches!(answer(&reply(3, None), 7), Err(Fault::Answer(words)) if words.starts_with("NXDOMAIN")));
        assert!(answer(&reply(0, None), 8).is_err(), "somebody else's answer");
        assert_eq!(question(1, "a..b"), None);
        assert_eq!(question(1, &"a".repeat(64)), None);
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in prop::collection::vec(any::<u8>(), 0..200)) {
            let _either = answer(&packet, 7);
            let mut packet = packet;
            packet.splice(..packet.len().min(4), [0, 7, 0x80, 0]);
            let _either = answer(&packet, 7);
        }
    }
}
