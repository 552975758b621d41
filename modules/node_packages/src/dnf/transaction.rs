//! What dnf says that it has and would do. dnf 4 prints a table whose rows begin with one blank, and goes on with a long row
//! on the next line, further in; dnf 5 prints the same table.

use crate::packages::Packages;
use crate::transaction::{Coming, Offered, Simulated};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// `NAME|VERSION-RELEASE|SOURCE`, newest first for each name. `address` is a source's.
pub fn offered(text: &str, address: impl Fn(&str) -> String) -> BTreeMap<String, Vec<Offered>> {
    let mut found: BTreeMap<String, Vec<Offered>> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.trim().split('|');
        let (Some(name), Some(version), Some(source)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let offered = Offered { version: version.to_owned(), source: address(source) };
        let all = found.entry(name.to_owned()).or_default();
        if !all.contains(&offered) {
            all.push(offered);
        }
    }
    found.values_mut().for_each(|all| all.sort_by(|one, other| compare(&other.version, &one.version)));
    found
}

/// As rpm compares (`rpmvercmp`): numbers as numbers, a number is newer than letters, `~` is older than nothing.
fn compare(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        let kind = |c: char| {
            if c.is_ascii_digit() {
                0
            } else if c == '~' {
                2
            } else {
                1
            }
        };
        let mut last = None;
        for c in text.chars() {
            if !c.is_ascii_alphanumeric() && c != '~' {
                last = None;
                continue;
            }
            match parts.last_mut().filter(|_| last == Some(kind(c))) {
                Some(part) => part.push(c),
                None => parts.push(c.to_string()),
            }
            last = Some(kind(c));
        }
        parts
    };
    let (one, other) = (parts(one), parts(other));
    let rank = |part: Option<&String>| match part.map(String::as_str) {
        Some(part) if part.starts_with('~') => 0,
        None => 1,
        Some(part) if part.starts_with(|c: char| c.is_ascii_digit()) => 3,
        Some(_) => 2,
    };
    let number = |part: &str| part.parse::<u64>().unwrap_or(u64::MAX);
    for at in 0..one.len().max(other.len()) {
        let (a, b) = (one.get(at), other.get(at));
        let order = rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
            (Some(a), Some(b)) if rank(Some(a)) == 3 => number(a).cmp(&number(b)),
            (a, b) => a.cmp(&b),
        });
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// The table of a transaction: sections whose heads end with a colon, rows `NAME ARCH VERSION SOURCE SIZE`.
pub fn simulated(text: &str, there: &Packages) -> Simulated {
    let mut found = Simulated::default();
    let mut rows: Vec<(bool, Vec<&str>)> = Vec::new();
    let mut removes = None;
    for line in text.lines() {
        if line.starts_with("Transaction Summary") {
            break;
        }
        if !line.starts_with(' ') {
            let head = line.trim_end().strip_suffix(':');
            let comes =
                |head: &str| ["Install", "Upgrad", "Downgrad", "Reinstall"].iter().any(|word| head.starts_with(word));
            removes =
                head.and_then(|head| if comes(head) { Some(false) } else { head.starts_with("Remov").then_some(true) });
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(removes), Some(first)) = (removes, words.first()) else { continue };
        if *first == "replacing" {
            // `replacing containerd.x86_64 1.7-1`: it goes for another, unless that is a newer one of the same name.
            let name = words.get(1).map(|word| word.rsplit_once('.').map_or(*word, |(name, _)| name));
            let own = rows.last().and_then(|(_, row)| row.first().copied());
            found.going.extend(name.filter(|name| own != Some(*name)).map(str::to_owned));
        } else if line.starts_with("  ") {
            if let Some((_, row)) = rows.last_mut() {
                row.extend(words);
            }
        } else {
            rows.push((removes, words));
        }
    }
    for (removes, row) in rows {
        let [name, _, version, ..] = row.as_slice() else { continue };
        if removes {
            found.going.push((*name).to_owned());
            continue;
        }
        let to = version.rsplit(':').next().unwrap_or_default().to_owned();
        let from = there.version(name).map(str::to_owned);
        found.coming.push(Coming { name: (*name).to_owned(), from, to });
    }
    found
}

/// `Installed size: 12 M`, in bytes.
pub fn needed(text: &str) -> u64 {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Installed size: ")).unwrap_or_default();
    let mut words = line.split_whitespace();
    let number: f64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    let unit = match words.next().and_then(|unit| unit.chars().next()) {
        Some('k' | 'K') => 1024.0,
        Some('M') => 1024.0 * 1024.0,
        Some('G') => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    (number * unit) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_transaction_is_read_also_where_a_row_is_broken() {
        let text = "Dependencies resolved.\n====\n Package  Arch  Version  Repository  Size\n====\nInstalling:\n kubeadm  x86_64  1.36.2-1.1  kubejoin-kubernetes  12 M\n\
            a-package-with-quite-a-long-name\n".to_owned()
            + " containernetworking-plugins\n          x86_64  1:1.4.0-2  kubejoin-kubernetes  40 M\n     replacing  podman-cni.x86_64 1.0-1\nUpgrading:\n kubelet  x86_64  1.36.2-1.1  kubejoin-kubernetes  20 M\n\
            Removing dependent packages:\n docker-ce  x86_64  3:20-1  @docker  0  \n\nTransaction Summary\n====\nInstall  2 Packages\n";
        let found = simulated(&text, &Packages::default());
        let coming: Vec<String> = found.coming.iter().map(ToString::to_string).collect();
        assert_eq!(coming[0], "kubeadm 1.36.2-1.1");
        assert!(coming.contains(&"kubelet 1.36.2-1.1".to_owned()), "{coming:?}");
        assert_eq!(found.going, ["docker-ce"]);
    }

    #[test]
    fn the_newest_comes_first_as_rpm_counts() {
        let text = "kubeadm|1.36.9-1|k\nkubeadm|1.36.10-1|k\nkubeadm|1.36.10~rc.1-1|k\n\nkubeadm|1.36.10-1|k\n";
        let all = offered(text, |source| format!("address of {source}"));
        let versions: Vec<&str> = all["kubeadm"].iter().map(|offered| offered.version.as_str()).collect();
        assert_eq!(versions, ["1.36.10-1", "1.36.10~rc.1-1", "1.36.9-1"]);
        assert_eq!(all["kubeadm"][0].source, "address of k");
    }

    #[test]
    fn the_space_that_is_needed_is_read() {
        assert_eq!((needed("Installed size: 1.5 k\n"), needed("x")), (1536, 0));
    }
}
