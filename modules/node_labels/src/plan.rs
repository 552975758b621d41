//! What is given and what is taken away. Pure.

use crate::args::Wanted;
use crate::observe::{Node, Record};
use ansible::{Diff, Failure};
use std::collections::BTreeMap;

/// What is done to one Node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The Node.
    pub name: String,
    /// As `kubectl label` takes them: `key=value`, and `key-` for one that goes.
    pub labels: Vec<String>,
    /// As `kubectl taint` takes them.
    pub taints: Vec<String>,
    /// What the record has to say before: what was given and what is being given.
    pub before: Record,
    /// What it says afterwards.
    pub after: Record,
    /// Whether it says something else now.
    pub recorded: bool,
}

/// What is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan(pub Vec<Change>);

/// Decides.
pub fn plan(wanted: &BTreeMap<String, Wanted>, found: &BTreeMap<String, Node>) -> anyhow::Result<Plan> {
    let missing: Vec<&str> = wanted.keys().filter(|name| !found.contains_key(*name)).map(String::as_str).collect();
    if !missing.is_empty() {
        let known: Vec<&str> = found.keys().map(String::as_str).collect();
        let msg = format!("the cluster has no Node {}; it has {}", missing.join(", "), known.join(", "));
        return Err(Failure::new(msg).field("missing", missing).into());
    }
    Ok(Plan(wanted.iter().filter_map(|(name, wanted)| change(name, wanted, found.get(name)?)).collect()))
}

fn change(name: &str, wanted: &Wanted, node: &Node) -> Option<Change> {
    let mut change = Change { name: name.to_owned(), ..Change::default() };
    for (key, value) in &wanted.labels {
        let same = node.labels.get(key) == Some(value);
        if !same {
            change.labels.push(format!("{key}={value}"));
        }
        // One that somebody else has given already is theirs.
        if !same || node.record.labels.contains(key) {
            change.after.labels.insert(key.clone());
        }
    }
    for taint in &wanted.taints {
        let same = node.taints.contains(taint);
        if !same {
            change.taints.push(taint.text());
        }
        if !same || node.record.taints.contains(&taint.place()) {
            change.after.taints.insert(taint.place());
        }
    }
    for key in node.record.labels.iter().filter(|key| !wanted.labels.contains_key(*key)) {
        change.labels.extend(node.labels.contains_key(key).then(|| format!("{key}-")));
    }
    for place in &node.record.taints {
        let has = |taints: &[crate::taint::Taint]| taints.iter().any(|taint| taint.place() == *place);
        change.taints.extend((has(&node.taints) && !has(&wanted.taints)).then(|| format!("{place}-")));
    }
    change.before = Record {
        labels: node.record.labels.union(&change.after.labels).cloned().collect(),
        taints: node.record.taints.union(&change.after.taints).cloned().collect(),
    };
    change.recorded = change.after != node.record;
    (change.recorded || !change.labels.is_empty() || !change.taints.is_empty()).then_some(change)
}

impl Change {
    /// What is given and taken, a line each.
    pub fn words(&self) -> Vec<String> {
        let line = |what: &str, word: &String| match word.strip_suffix('-') {
            Some(gone) => format!("without {what} {gone}"),
            None => format!("{what} {word}"),
        };
        let labels = self.labels.iter().map(|word| line("label", word));
        labels.chain(self.taints.iter().map(|word| line("taint", word))).collect()
    }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        self.0.iter().map(|change| Diff::list(change.name.clone(), &[], &change.words())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taint::Taint;

    fn wanted(labels: &[(&str, &str)], taints: &[&str]) -> Wanted {
        Wanted {
            labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            taints: taints.iter().map(|text| Taint::read(text).unwrap()).collect(),
        }
    }

    fn node(labels: &[(&str, &str)], taints: &[&str], record: &Record) -> Node {
        let Wanted { labels, taints } = wanted(labels, taints);
        Node { labels, taints, record: record.clone() }
    }

    fn decide(wanted: &Wanted, node: &Node) -> Option<Change> {
        change("w1", wanted, node)
    }

    #[test]
    fn what_is_given_is_recorded_and_goes_when_it_is_taken_out_again() {
        let asked = wanted(&[("disk", "ssd")], &["dedicated=media:NoSchedule"]);
        let first = decide(&asked, &node(&[("own", "1")], &[], &Record::default())).unwrap();
        assert_eq!(
            (first.labels.join(" "), first.taints.join(" ")),
            ("disk=ssd".into(), "dedicated=media:NoSchedule".into())
        );
        let there = node(&[("own", "1"), ("disk", "ssd")], &["dedicated=media:NoSchedule"], &first.after);
        assert_eq!(decide(&asked, &there), None, "a second time there is nothing to do");
        let last = decide(&wanted(&[], &[]), &there).unwrap();
        assert_eq!((last.labels.join(" "), last.taints.join(" ")), ("disk-".into(), "dedicated:NoSchedule-".into()));
        assert!(last.after.is_empty() && last.before == first.after);
    }

    #[test]
    fn what_a_person_gave_stays() {
        let theirs = node(&[("disk", "ssd")], &["x:NoExecute"], &Record::default());
        assert_eq!(decide(&wanted(&[("disk", "ssd")], &["x:NoExecute"]), &theirs), None);
        assert_eq!(decide(&wanted(&[], &[]), &theirs), None);
        let other = decide(&wanted(&[("disk", "hdd")], &["x=1:NoExecute"]), &theirs).unwrap();
        assert_eq!((other.labels.join(" "), other.taints.join(" ")), ("disk=hdd".into(), "x=1:NoExecute".into()));
    }

    #[test]
    fn what_a_person_took_away_meanwhile_is_only_forgotten() {
        let record = Record { labels: ["disk".to_owned()].into(), ..Record::default() };
        let change = decide(&wanted(&[], &[]), &node(&[], &[], &record)).unwrap();
        assert!(change.labels.is_empty() && change.recorded && change.after.is_empty());
    }

    #[test]
    fn a_node_that_is_not_there_is_named_with_those_that_are() {
        let all = BTreeMap::from([("w9".to_owned(), wanted(&[], &[]))]);
        let found = BTreeMap::from([("w1".to_owned(), Node::default())]);
        assert_eq!(plan(&all, &found).unwrap_err().to_string(), "the cluster has no Node w9; it has w1");
    }
}
