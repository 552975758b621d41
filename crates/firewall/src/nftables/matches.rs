//! Whether a match of a rule holds for a packet: yes, no, or not known (libnftables-json(5)). Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::packet::Packet;
use host::cidr::Cidr;

/// Elements of the named sets and maps of a table.
#[derive(Clone, Copy)]
pub(super) struct Sets<'a>(pub(super) &'a BTreeMap<String, Vec<Value>>);

impl<'a> Sets<'a> {
    /// The elements that `@name` or `{"set": [...]}` stands for.
    fn elements(self, value: &'a Value) -> Option<&'a [Value]> {
        match value.as_str().and_then(|text| text.strip_prefix('@')) {
            Some(name) => self.0.get(name).map(Vec::as_slice),
            None => value["set"].as_array().map(Vec::as_slice),
        }
    }
}

/// What the packet has where a rule looks.
enum Field<'a> {
    Address(IpAddr),
    /// A link, a protocol, a state.
    Word(&'a str),
    Port(u16),
    /// Not set, as on every packet that nobody has marked; only asked where nobody can have.
    Unmarked,
    /// Several of them, compared one by one.
    All(Vec<Field<'a>>),
    /// The packet has no such field, and the rule never matches it.
    Absent,
    Unknown,
}

/// Whether the match holds.
pub(super) fn holds(condition: &Value, packet: &Packet, sets: Sets) -> Option<bool> {
    let left = field(&condition["left"], packet);
    if matches!(left, Field::Absent) {
        return Some(false);
    }
    let equal = is(&left, &condition["right"], sets);
    match condition["op"].as_str()? {
        "==" | "in" => equal,
        "!=" => equal.map(|equal| !equal),
        _ => None,
    }
}

/// What a verdict map says; nothing in it when the packet is in no element.
pub(super) fn mapped<'a>(map: &'a Value, packet: &Packet, sets: Sets<'a>) -> Option<Option<&'a Value>> {
    let key = field(&map["key"], packet);
    if matches!(key, Field::Absent) {
        return Some(None);
    }
    for pair in sets.elements(&map["data"])? {
        if is(&key, &pair[0], sets)? {
            return Some(Some(&pair[1]));
        }
    }
    Some(None)
}

fn field<'a>(left: &Value, packet: &Packet<'a>) -> Field<'a> {
    let known = |name: &'a str| if name.is_empty() { Field::Unknown } else { Field::Word(name) };
    let Some((kind, what)) = left.as_object().and_then(|object| object.iter().next()) else { return Field::Unknown };
    let key = what["key"].as_str().unwrap_or_default();
    match (kind.as_str(), key) {
        ("payload", _) => payload(what, packet),
        ("meta", "iifname" | "iif") => known(packet.input),
        ("meta", "oifname" | "oif") => known(packet.output),
        ("meta", "l4proto") => Field::Word(packet.protocol),
        ("meta", "nfproto") => Field::Word(if packet.source.is_ipv4() { "ipv4" } else { "ipv6" }),
        ("meta", "protocol") => Field::Word(if packet.source.is_ipv4() { "ip" } else { "ip6" }),
        ("meta", "mark") if packet.unmarked => Field::Unmarked,
        ("ct", "state") => Field::Word(if packet.answer { "established" } else { "new" }),
        // Nothing has translated the packet; what else conntrack may say of it is not known.
        ("ct", "status") => Field::Word("untranslated"),
        ("concat", _) => {
            let fields: Vec<Field> = what.as_array().into_iter().flatten().map(|left| field(left, packet)).collect();
            if fields.iter().any(|field| matches!(field, Field::Absent)) { Field::Absent } else { Field::All(fields) }
        }
        _ => Field::Unknown,
    }
}

fn payload<'a>(what: &Value, packet: &Packet<'a>) -> Field<'a> {
    let text = |key: &str| what[key].as_str().unwrap_or_default();
    match (text("protocol"), text("field")) {
        ("ip", _) if !packet.source.is_ipv4() => Field::Absent,
        ("ip6", _) if packet.source.is_ipv4() => Field::Absent,
        ("ip" | "ip6", "saddr") => Field::Address(packet.source),
        ("ip" | "ip6", "daddr") => Field::Address(packet.destination),
        ("ip", "protocol") | ("ip6", "nexthdr") => Field::Word(packet.protocol),
        ("tcp" | "udp" | "th", "dport") if matches!(text("protocol"), "th") || text("protocol") == packet.protocol => {
            packet.port.map_or(Field::Unknown, Field::Port)
        }
        (protocol @ ("tcp" | "udp" | "icmp" | "icmpv6" | "sctp" | "dccp"), _) if protocol != packet.protocol => {
            Field::Absent
        }
        _ => Field::Unknown,
    }
}

/// Whether the field is this value, or one of them.
fn is(field: &Field, value: &Value, sets: Sets) -> Option<bool> {
    if let Some(elements) =
        sets.elements(value).or(value.as_array().map(Vec::as_slice)).or(value["|"].as_array().map(Vec::as_slice))
    {
        return any(elements.iter().map(|element| is(field, element, sets)));
    }
    // An element with a comment, a counter or a time-out of its own.
    if let Some(value) = value.get("elem").and_then(|element| element.get("val")) {
        return is(field, value, sets);
    }
    match field {
        Field::Address(ip) => address(*ip, value),
        Field::Port(port) => number(*port, value),
        Field::Unmarked => number(0, value),
        Field::Word("untranslated") => match value.as_str()? {
            "dnat" | "snat" => Some(false),
            _ => None,
        },
        Field::Word(word) => {
            let text = value.as_str()?;
            Some(text.strip_suffix('*').map_or(text == *word, |beginning| word.starts_with(beginning)))
        }
        Field::All(fields) => {
            let parts = value["concat"].as_array().filter(|parts| parts.len() == fields.len())?;
            // Not one of them may be wrong, and all have to be known to be right.
            let wrong = fields.iter().zip(parts).map(|(field, part)| is(field, part, sets).map(|is| !is));
            any(wrong).map(|wrong| !wrong)
        }
        Field::Absent => Some(false),
        Field::Unknown => None,
    }
}

/// True when one is, false when all are not, else not known.
fn any(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(false);
    for answer in answers {
        match answer {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all = None,
        }
    }
    all
}

fn address(ip: IpAddr, value: &Value) -> Option<bool> {
    let parse = |value: &Value| value.as_str()?.parse::<IpAddr>().ok();
    if let Some(prefix) = value.get("prefix") {
        let length = u8::try_from(prefix["len"].as_u64()?).ok()?;
        return Some(Cidr::around(parse(&prefix["addr"])?, length).ok()?.contains(ip));
    }
    if let Some(range) = value.get("range") {
        let (first, last) = (parse(&range[0])?, parse(&range[1])?);
        return Some(first.is_ipv4() == ip.is_ipv4() && (first..=last).contains(&ip));
    }
    Some(parse(value)? == ip)
}

fn number(port: u16, value: &Value) -> Option<bool> {
    if let Some(range) = value.get("range") {
        return Some((range[0].as_u64()?..=range[1].as_u64()?).contains(&port.into()));
    }
    Some(value.as_u64()? == u64::from(port))
}
