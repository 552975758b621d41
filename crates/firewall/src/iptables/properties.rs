//! For any table: the transaction is one that iptables-restore accepts, leaves exactly the foreign part, and a second
//! run finds nothing. For any bytes: no panic.
//!
//! The oracle is a small model of iptables-restore that knows nothing of ownership.

use proptest::prelude::*;

use super::owner::Owner;
use super::removal::{Naming, Removal, foreign};
use super::save::{Table, parse};

const CHAINS: [&str; 12] = [
    "INPUT",
    "FORWARD",
    "DOCKER-USER",
    "MY-KUBE-THING",
    "KUBE-SERVICES",
    "KUBE-SVC-ABCDEFGHIJKLMNOP",
    "CNI-001100110011001100110011",
    "CNI-002200220022002200220022",
    "CNI-HOSTPORT-DNAT",
    "FLANNEL-FWD",
    "cali-FORWARD",
    "CILIUM_INPUT",
];
const TARGETS: [&str; 3] = ["ACCEPT", "DROP", "RETURN"];

/// As `xtables_save_string` writes a value.
fn quoted(value: &str) -> String {
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return value.to_owned();
    }
    let escaped: String =
        value.chars().flat_map(|c| "\"\\'".contains(c).then_some('\\').into_iter().chain([c])).collect();
    format!("\"{escaped}\"")
}

fn comment() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\n]{0,20}",
        Just("-j".to_owned()),
        Just("x -j KUBE-SERVICES".to_owned()),
        Just("name: \"podman\" id: \"1\"".to_owned()),
        Just("name: \"cbr0\" id: \"2\"".to_owned()),
        Just("kubernetes forwarding rules".to_owned()),
        Just("flanneld forward".to_owned()),
        Just("cilium-feeder: CILIUM_INPUT".to_owned()),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let target = prop::sample::select([&CHAINS[2..], &TARGETS[..]].concat());
    let jump = prop_oneof![Just("-j"), Just("-g")];
    (prop::sample::select(CHAINS.to_vec()), prop::option::of(comment()), jump, target).prop_map(
        |(chain, comment, jump, target)| {
            let comment = comment.map(|c| format!(" -m comment --comment {}", quoted(&c))).unwrap_or_default();
            format!("-A {chain}{comment} {jump} {target}\n")
        },
    )
}

fn table() -> impl Strategy<Value = String> {
    prop::collection::vec(rule(), 0..40).prop_map(|rules| {
        let chain = |name: &&str| match *name {
            "INPUT" | "FORWARD" => format!(":{name} DROP [0:0]\n"),
            _ => format!(":{name} - [0:0]\n"),
        };
        // iptables-save groups rules by chain.
        let grouped = CHAINS.iter().flat_map(|c| rules.iter().filter(move |r| r.split(' ').nth(1) == Some(c)));
        format!(
            "*filter\n{}{}COMMIT\n",
            CHAINS.iter().map(chain).collect::<String>(),
            grouped.cloned().collect::<String>()
        )
    })
}

fn read(text: &str) -> Table {
    parse(text.as_bytes()).unwrap().tables.remove(0)
}

/// What iptables-restore --noflush does with `script`, as far as our scripts go.
fn restore(mut table: Table, script: &[u8]) -> Table {
    let mut rest = script;
    while !rest.is_empty() {
        let length = super::words::line_length(rest);
        let (line, tail) = rest.split_at(length);
        rest = tail.strip_prefix(b"\n").unwrap_or(tail);
        let words = super::words::split(line);
        match words[0].as_str() {
            "*filter" | "COMMIT" => {}
            "-D" if words.len() == 3 => {
                let number: usize = words[2].parse().unwrap();
                let mut of_chain = (0..table.rules.len()).filter(|at| table.rules[*at].chain == words[1]);
                let at = of_chain.nth(number - 1).unwrap();
                table.rules.remove(at);
            }
            "-D" => {
                let at = table.rules.iter().position(|rule| rule.line[2..] == line[2..]).unwrap();
                table.rules.remove(at);
            }
            "-X" => {
                assert!(
                    table.rules.iter().all(|rule| rule.target.as_deref() != Some(&words[1]) && rule.chain != words[1])
                );
                table.chains.retain(|chain| chain.name != words[1]);
            }
            declared => table.rules.retain(|rule| rule.chain != declared[1..]),
        }
    }
    table
}

proptest! {
    #[test]
    fn exactly_the_foreign_part_stays_and_a_second_run_finds_nothing(text in table()) {
        let owner = Owner { networks: ["cbr0".to_owned()].into(), ..Owner::default() };
        let before = read(&text);
        let Some(removal) = Removal::of(&before, &owner) else { return Ok(()) };
        for naming in [Naming::Words, Naming::Position] {
            let after = restore(before.clone(), &removal.script(naming));
            prop_assert_eq!(foreign(&after, &owner), foreign(&before, &owner));
            prop_assert_eq!(Removal::of(&after, &owner), None);
            prop_assert_eq!(after.rules.iter().map(|r| r.line.clone()).collect::<Vec<_>>(),
                foreign(&before, &owner).into_iter().filter(|l| l.starts_with(b"-A")).collect::<Vec<_>>());
        }
    }

    #[test]
    fn rules_are_kept_byte_for_byte(text in table()) {
        let table = read(&text);
        let rules: Vec<u8> = table.rules.iter().flat_map(|rule| [&rule.line[..], b"\n"].concat()).collect();
        let start = text.find("\n-A ").map_or(text.len() - "COMMIT\n".len(), |at| at + 1);
        prop_assert_eq!(rules, &text.as_bytes()[start..text.len() - "COMMIT\n".len()]);
    }

    #[test]
    fn no_text_makes_it_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _either = parse(&text);
        let _either = parse(&[b"*filter\n-A X ".to_vec(), text, b"\nCOMMIT\n".to_vec()].concat());
    }
}
