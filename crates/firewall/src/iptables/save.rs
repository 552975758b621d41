//! What `iptables-save` prints, as a value: tables, their chains with policies, their rules byte for byte.
//!
//! Pure, never panics, and refuses what it does not understand: the text decides what is deleted, so a line that is
//! neither table, chain, rule, comment nor COMMIT, and a text that ends early, are errors.

use anyhow::{Result, bail};

use super::words;

/// The rules of one family in one back end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Save {
    /// In the order printed.
    pub tables: Vec<Table>,
    /// Tables that nftables holds and iptables cannot show (`# Table `x' is incompatible, use 'nft' tool.`).
    pub incompatible: Vec<String>,
}

/// One table: `filter`, `nat`, `mangle`, `raw`, `security`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Chains in the order printed: the built-in ones first.
    pub chains: Vec<Chain>,
    /// Rules in the order printed: chain by chain, in the order they are tried.
    pub rules: Vec<Rule>,
    /// Read by `nft` instead of iptables-save, so that its rules have handles and are removed by them.
    pub by_handle: bool,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// `ACCEPT` or `DROP` for a built-in chain; nothing for one that somebody made.
    pub policy: Option<String>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The chain it stands in.
    pub chain: String,
    /// The chain or target it leads to, if any.
    pub target: Option<String>,
    /// Exactly as printed, from `-A` on: packet and byte counters are not part of a rule.
    pub line: Vec<u8>,
    /// nftables' handle of the rule, in a table read by `nft`.
    pub handle: Option<u64>,
}

impl Rule {
    /// The rule's words with the quoting undone, from `-A` on.
    pub fn words(&self) -> Vec<String> {
        words::split(&self.line)
    }
}

impl Table {
    /// The chain called `name`.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }
}

/// Read the output of `iptables-save`, with or without `-c`.
pub fn parse(text: &[u8]) -> Result<Save> {
    let mut save = Save::default();
    let mut open: Option<Table> = None;
    let mut rest = text;
    while !rest.is_empty() {
        // Only a rule can hold quotes that hide a newline; a chain may well be called `it"s`.
        let length = match rest[0] {
            b'-' | b'[' => words::line_length(rest),
            _ => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
        };
        let (line, tail) = rest.split_at(length);
        rest = tail.strip_prefix(b"\n").unwrap_or(tail);
        match (line.first().copied(), &mut open) {
            (None, _) => {}
            (Some(b'#'), _) => save.incompatible.extend(incompatible(line)),
            (Some(b'*'), None) => {
                open = Some(Table { name: lossy(&line[1..]), chains: Vec::new(), rules: Vec::new(), by_handle: false });
            }
            (Some(b':'), Some(table)) => table.chains.push(chain(line)?),
            (Some(b'-' | b'['), Some(table)) => table.rules.push(rule(line)?),
            (Some(b'C'), Some(_)) if line == b"COMMIT" => save.tables.extend(open.take()),
            _ => bail!("reading the output of iptables-save: unexpected line {:?}", lossy(line)),
        }
    }
    if let Some(table) = open {
        bail!("reading the output of iptables-save: table {} does not end in COMMIT", table.name);
    }
    Ok(save)
}

/// `:INPUT ACCEPT [0:0]`, `:KUBE-SERVICES - [0:0]`.
fn chain(line: &[u8]) -> Result<Chain> {
    let text = lossy(&line[1..]);
    let mut fields = text.split_whitespace();
    match (fields.next(), fields.next()) {
        (Some(name), Some(policy)) => {
            Ok(Chain { name: name.to_owned(), policy: (policy != "-").then(|| policy.to_owned()) })
        }
        _ => bail!("reading the output of iptables-save: chain without a policy in {:?}", lossy(line)),
    }
}

/// `-A CHAIN ...`, `[packets:bytes] -A CHAIN ...`.
fn rule(line: &[u8]) -> Result<Rule> {
    let bare = match line.first() {
        Some(b'[') => line.iter().position(|b| *b == b']').map_or(line, |end| line[end + 1..].trim_ascii_start()),
        _ => line,
    };
    let words = words::split(bare);
    match (words.first().map(String::as_str), words.get(1)) {
        (Some("-A"), Some(chain)) => Ok(Rule {
            chain: chain.clone(),
            target: words::target(&words[2..]).map(str::to_owned),
            line: bare.to_vec(),
            handle: None,
        }),
        _ => bail!("reading the output of iptables-save: not a rule: {:?}", lossy(line)),
    }
}

/// The table named by the comment that nft's iptables-save prints instead of a table it cannot express.
fn incompatible(line: &[u8]) -> Option<String> {
    let text = lossy(line);
    let name = text.strip_prefix("# Table `")?;
    let (name, rest) = name.split_once('\'')?;
    rest.contains("incompatible").then(|| name.to_owned())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
