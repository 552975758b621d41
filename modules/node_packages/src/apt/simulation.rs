//! What apt says that it has and would do.

use crate::transaction::{Coming, Offered, Simulated};
use std::collections::BTreeMap;

/// `apt-cache madison`: `NAME | VERSION | SOURCE Packages`, newest first for each name.
pub fn offered(text: &str) -> BTreeMap<String, Vec<Offered>> {
    let mut found: BTreeMap<String, Vec<Offered>> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('|').map(str::trim);
        let (Some(name), Some(version), Some(source)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let Some(source) = source.strip_suffix("Packages") else { continue };
        let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
        found.entry(name.to_owned()).or_default().push(Offered { version: version.to_owned(), source });
    }
    found
}

/// `apt-get -s install`: `Inst NAME [OLD] (NEW SOURCE [ARCH])`, `Remv NAME [OLD]`.
pub fn simulated(text: &str) -> Simulated {
    let mut found = Simulated::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Inst"), Some(name)) => {
                let from = line.split_once('[').filter(|(before, _)| !before.contains('('));
                let from = from.and_then(|(_, rest)| Some(rest.split_once(']')?.0.to_owned()));
                let to = line.split_once('(').and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default();
                found.coming.push(Coming { name: name.to_owned(), from, to: to.to_owned() });
            }
            (Some("Remv"), Some(name)) => found.going.push(name.to_owned()),
            _ => {}
        }
    }
    found
}

/// `After this operation, 1,234 kB of additional disk space will be used.`, in bytes.
pub fn needed(text: &str) -> u64 {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("After this operation, ")).unwrap_or_default();
    let mut words = line.split_whitespace();
    let number: f64 = words.next().and_then(|word| word.replace(',', "").parse().ok()).unwrap_or(0.0);
    let unit = match words.next() {
        Some("B") => 1.0,
        Some("kB") => 1e3,
        Some("MB") => 1e6,
        Some("GB") => 1e9,
        _ => 0.0,
    };
    if line.contains("freed") { 0 } else { (number * unit) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_prints_is_read() {
        let all = offered(
            "   kubeadm | 1.36.2-1.1 | http://h/core:/stable:/v1.36/deb  Packages\ncontainerd | 1.6.20~ds1-1 | http://d/debian bookworm/main amd64 Packages\n x | 1 | http://d Sources\n",
        );
        assert_eq!(
            all["kubeadm"][0],
            Offered { version: "1.36.2-1.1".into(), source: "http://h/core:/stable:/v1.36/deb".into() }
        );
        assert_eq!((all["containerd"][0].source.as_str(), all.len()), ("http://d/debian bookworm/main amd64", 2));
        let would = simulated(
            "Inst kubeadm [1.35.1-1.1] (1.36.2-1.1 127.0.0.1 [amd64])\nInst ethtool (1:6.1-1 Debian:12.15/oldstable [amd64])\nRemv docker.io [20.10]\nConf kubeadm (1.36.2-1.1 127.0.0.1 [amd64])\n",
        );
        assert_eq!(
            would.coming.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["kubeadm 1.36.2-1.1 (was 1.35.1-1.1)", "ethtool 1:6.1-1"]
        );
        assert_eq!(would.going, ["docker.io"]);
    }

    #[test]
    fn the_space_that_is_needed_is_read() {
        assert_eq!(needed("x\nAfter this operation, 1,234 kB of additional disk space will be used.\n"), 1_234_000);
        assert_eq!(needed("After this operation, 12.5 MB of additional disk space will be used."), 12_500_000);
        assert_eq!((needed("After this operation, 3 MB disk space will be freed."), needed("")), (0, 0));
    }
}
