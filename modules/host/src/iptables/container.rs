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
use crate::deadline::Deadline;

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

/// Rules that lead into a chain made for this container, and these chains.
fn of_container(table: &Table, id: &str) -> Option<Removal> {
    let mark = format!("id: \"{id}\"");
    let is_own = |rule: &&super::Rule| {
        let words = rule.words();
        let marked = words::values(&words, "--comment").any(|comment| comment.ends_with(&mark));
        marked
            && rule.target.as_deref().is_some_and(|target| target.starts_with("CNI-"))
            && !rule.chain.starts_with("CNI-")
    };
    let rules: Vec<_> = table.rules.iter().filter(is_own).cloned().collect();
    let targets: BTreeSet<&str> = rules.iter().filter_map(|rule| rule.target.as_deref()).collect();
    let chains = targets.into_iter().filter(|name| table.chain(name).is_some()).map(str::to_owned).collect();
    (!rules.is_empty()).then(|| Removal::by_words(table, chains, rules))
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
}
