//! What CNI plugins made for one container, by the comment they write into every rule of theirs: the bridge plugin's
//! masquerading and portmap's forwarding (containernetworking/plugins, pkg/utils/utils.go: `name: "NETWORK" id: "ID"`).
//!
//! For what their own DEL can no longer take back: it reads the addresses from the container's link, which is gone.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::programs::Tool;
use super::removal::{Naming, Removal};
use super::save::Table;
use super::words;
use host::deadline::Deadline;

/// Removes it from every back end, one commit each. Says whether there was any.
pub fn forget_container(id: &str, deadline: &Deadline) -> Result<bool> {
    let mut found = false;
    for tool in Tool::all(deadline)? {
        for table in &tool.read(deadline)?.tables {
            if let Some(removal) = of_container(table, id) {
                let place =
                    || format!("removing the rules of container {id} from {} table {}", tool.name(), table.name);
                tool.remove(&removal, Naming::Words, deadline).with_context(place)?;
                found = true;
            }
        }
    }
    Ok(found)
}

/// Rules that lead into a chain made for this container, and these chains. A DEL that was killed may have taken the rule
/// back and left the chain: that one is known by its rules.
fn of_container(table: &Table, id: &str) -> Option<Removal> {
    let mark = format!("id: \"{id}\"");
    let is_marked =
        |rule: &super::Rule| words::values(&rule.words(), "--comment").any(|comment| comment.ends_with(&mark));
    let leads_in = |rule: &&super::Rule| {
        is_marked(rule)
            && rule.target.as_deref().is_some_and(|target| target.starts_with("CNI-"))
            && !rule.chain.starts_with("CNI-")
    };
    let rules: Vec<_> = table.rules.iter().filter(leads_in).cloned().collect();
    let mut names: BTreeSet<&str> = rules.iter().filter_map(|rule| rule.target.as_deref()).collect();
    let all_marked = |name: &str| {
        let mut own = table.rules.iter().filter(|rule| rule.chain == name).peekable();
        own.peek().is_some() && own.all(is_marked)
    };
    let led_into = |name: &str| table.rules.iter().any(|rule| rule.target.as_deref() == Some(name) && !is_marked(rule));
    let chains = table.chains.iter().map(|chain| chain.name.as_str());
    names.extend(chains.filter(|name| name.starts_with("CNI-") && all_marked(name) && !led_into(name)));
    let chains: Vec<String> = names.into_iter().filter(|name| table.chain(name).is_some()).map(str::to_owned).collect();
    (!rules.is_empty() || !chains.is_empty()).then(|| Removal::by_words(table, chains, rules))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_for_this_container_goes() {
        let save = super::super::parse(
            br#"*nat
:POSTROUTING ACCEPT [0:0]
:CNI-aa - [0:0]
:CNI-bb - [0:0]
-A POSTROUTING -s 10.244.0.2/32 -m comment --comment "name: \"cni0\" id: \"one\"" -j CNI-aa
-A POSTROUTING -s 10.244.0.3/32 -m comment --comment "name: \"cni0\" id: \"someone\"" -j CNI-bb
-A CNI-aa -d 10.244.0.0/16 -m comment --comment "name: \"cni0\" id: \"one\"" -j ACCEPT
-A CNI-aa ! -d 224.0.0.0/4 -m comment --comment "name: \"cni0\" id: \"one\"" -j MASQUERADE
COMMIT
"#,
        )
        .unwrap();
        let removal = of_container(&save.tables[0], "one").unwrap();
        let script = String::from_utf8(removal.script(Naming::Words)).unwrap();
        assert_eq!(
            script,
            "*nat\n:CNI-aa - [0:0]\n-D POSTROUTING -s 10.244.0.2/32 -m comment --comment \"name: \\\"cni0\\\" id: \\\"one\\\"\" -j CNI-aa\n-X CNI-aa\nCOMMIT\n"
        );
        assert_eq!(of_container(&save.tables[0], "two"), None);
    }

    #[test]
    fn a_chain_whose_rule_was_taken_back_already_goes_and_nobody_elses_does() {
        let save = super::super::parse(
            br#"*nat
:POSTROUTING ACCEPT [0:0]
:CNI-aa - [0:0]
:CNI-bb - [0:0]
:CNI-cc - [0:0]
-A POSTROUTING -j CNI-bb
-A CNI-aa ! -d 224.0.0.0/4 -m comment --comment "name: \"cni0\" id: \"one\"" -j MASQUERADE
-A CNI-bb -m comment --comment "name: \"cni0\" id: \"one\"" -j ACCEPT
-A CNI-cc -m comment --comment "name: \"cni0\" id: \"one\"" -j ACCEPT
-A CNI-cc -j RETURN
COMMIT
"#,
        )
        .unwrap();
        let removal = of_container(&save.tables[0], "one").unwrap();
        assert_eq!((removal.chains, removal.rules), (vec!["CNI-aa".to_owned()], vec![]));
    }
}
