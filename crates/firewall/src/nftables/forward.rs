//! Which chain drops a packet: a walk through the base chains of the forward hook and what they lead to. Pure.

use std::fmt;

use serde_json::Value;

use super::Table;
use super::filters::{Filter, Filters, Rule};
use super::matches::{self, Sets};
use crate::packet::Packet;

/// Which chains a packet meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Those of ip, ip6 and inet: routed packets, and bridged ones when br_netfilter hands them over.
    Network,
    /// Those of bridge: bridged packets, always.
    Bridge,
}

/// Where a packet ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The table.
    pub table: Table,
    /// Its base chain.
    pub base: String,
    /// The chain whose rule it is, the rule's handle and comment; none for the base chain's policy.
    pub rule: Option<(String, u64, Option<String>)>,
    /// Every rule before it was understood; otherwise one of them may let the packet through.
    pub certain: bool,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nftables: table {}, chain {}: ", self.table, self.base)?;
        match &self.rule {
            None => write!(f, "its policy is drop, and no rule accepts this")?,
            Some((chain, handle, comment)) => {
                write!(f, "the rule with handle {handle}")?;
                if *chain != self.base {
                    write!(f, " in chain {chain}")?;
                }
                comment.as_ref().map_or(Ok(()), |comment| write!(f, " ({comment:?})"))?;
                write!(f, " drops or rejects it")?;
            }
        }
        if self.certain {
            Ok(())
        } else {
            write!(f, ", unless a rule before it that is not understood here accepts it")
        }
    }
}

/// How a chain ends, when it does not end by falling through.
enum End {
    Accepted,
    /// It goes on with another source address.
    Translated,
    Dropped(String, u64, Option<String>),
}

/// What a rule or the verdict of a map does.
enum Act<'a> {
    Next,
    Return,
    End(End),
    Jump(&'a str),
    Goto(&'a str),
}

impl Filters {
    /// The first base chain that drops the packet.
    pub fn drops(&self, layer: Layer, packet: &Packet) -> Option<Stopped> {
        let meets = |filter: &&Filter| match (layer, filter.table.family.as_str()) {
            (Layer::Bridge, family) => family == "bridge",
            (Layer::Network, "ip") => packet.source.is_ipv4(),
            (Layer::Network, "ip6") => packet.source.is_ipv6(),
            (Layer::Network, family) => family == "inet",
        };
        // A bridge's own chains see its ports, which are not known here.
        let ports = Packet { input: "", output: "", ..packet.clone() };
        let packet = if layer == Layer::Bridge { &ports } else { packet };
        self.0.iter().filter(meets).find_map(|filter| {
            filter.chains.iter().filter(|chain| chain.forwards).find_map(|base| {
                let mut walk = Walk { filter, packet, doubtful: false };
                let rule = match walk.through(&base.name, 0) {
                    Some(End::Accepted | End::Translated) => return None,
                    Some(End::Dropped(chain, handle, comment)) => Some((chain, handle, comment)),
                    None if base.drops_by_policy => None,
                    None => return None,
                };
                Some(Stopped { table: filter.table.clone(), base: base.name.clone(), rule, certain: !walk.doubtful })
            })
        })
    }

    /// Whether a chain that translates source addresses does so with this packet; none when a rule that is not understood
    /// may decide, or when there is no such chain for its family.
    pub fn translates(&self, packet: &Packet) -> Option<bool> {
        let family = if packet.source.is_ipv4() { "ip" } else { "ip6" };
        let bases =
            self.0.iter().filter(|filter| filter.table.family == family).flat_map(|filter| {
                filter.chains.iter().filter(|chain| chain.translates).map(move |base| (filter, base))
            });
        let answers: Vec<Option<bool>> = bases
            .map(|(filter, base)| {
                let mut walk = Walk { filter, packet, doubtful: false };
                let end = walk.through(&base.name, 0);
                (!walk.doubtful).then_some(matches!(end, Some(End::Translated)))
            })
            .collect();
        let certain = !answers.is_empty() && answers.iter().all(Option::is_some);
        let any = answers.contains(&Some(true));
        (any || certain).then_some(any)
    }
}

struct Walk<'a> {
    filter: &'a Filter,
    packet: &'a Packet<'a>,
    /// A rule that is not understood might have ended it otherwise.
    doubtful: bool,
}

impl<'a> Walk<'a> {
    fn through(&mut self, chain: &str, depth: usize) -> Option<End> {
        let filter = self.filter;
        // The kernel allows 16 (NFT_JUMP_STACK_SIZE).
        let chain = filter.chains.iter().find(|known| known.name == chain).filter(|_| depth <= 16)?;
        for rule in &chain.rules {
            match self.rule(&chain.name, rule) {
                Act::Next => {}
                Act::Return => return None,
                Act::End(end) => return Some(end),
                Act::Goto(target) => return self.through(target, depth + 1),
                Act::Jump(target) => {
                    if let Some(end) = self.through(target, depth + 1) {
                        return Some(end);
                    }
                }
            }
        }
        None
    }

    /// What one rule does with the packet. One that may or may not match does nothing but raise a doubt, when it would
    /// keep the packet from what comes behind it.
    fn rule(&mut self, chain: &str, rule: &'a Rule) -> Act<'a> {
        let sets = Sets(&self.filter.sets);
        let mut certain = true;
        for expression in &rule.expressions {
            let verdict = match (expression.get("match"), expression.get("vmap")) {
                (Some(condition), _) => {
                    match matches::holds(condition, self.packet, sets) {
                        Some(true) => {}
                        Some(false) => return Act::Next,
                        None => certain = false,
                    }
                    continue;
                }
                (_, Some(map)) => match matches::mapped(map, self.packet, sets) {
                    Some(Some(verdict)) => verdict,
                    Some(None) => return Act::Next,
                    None => {
                        self.doubtful = true;
                        return Act::Next;
                    }
                },
                _ => expression,
            };
            // A program decides, or iptables' own words, which nft does not spell out.
            if verdict.get("queue").or(verdict.get("xt")).is_some() {
                (self.doubtful, certain) = (true, false);
                continue;
            }
            match act(chain, rule, verdict) {
                Some(Act::Next) => {}
                Some(act) if certain => return act,
                Some(Act::End(End::Dropped(..))) => return Act::Next,
                Some(_) => {
                    self.doubtful = true;
                    return Act::Next;
                }
                None => certain = false,
            }
        }
        Act::Next
    }
}

/// What a statement does; none when that depends on what is not known here.
fn act<'a>(chain: &str, rule: &Rule, statement: &'a Value) -> Option<Act<'a>> {
    // `{"accept": null}`; limits, connection counts and quotas are like matches.
    let (word, value) = statement.as_object().and_then(|object| object.iter().next())?;
    let target = || value["target"].as_str();
    Some(match word.as_str() {
        "accept" => Act::End(End::Accepted),
        "drop" | "reject" => Act::End(End::Dropped(chain.to_owned(), rule.handle, rule.comment.clone())),
        "masquerade" | "snat" => Act::End(End::Translated),
        "return" => Act::Return,
        "jump" => Act::Jump(target()?),
        "goto" => Act::Goto(target()?),
        "limit" | "quota" | "ct count" => return None,
        _ => Act::Next,
    })
}
