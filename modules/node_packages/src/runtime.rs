//! Which containerd a release of Kubernetes needs, and which it recommends.
//!
//! Sources: containerd's RELEASES.md (Kubernetes 1.36 recommends 2.2 and 2.3), KEP-4033 (from 1.38 on the kubelet asks what
//! containerd 1 does not know), kubernetes#110618 (1.26 speaks CRI v1 alone, which containerd has since 1.6).

use node::containerd::release::Release;

/// From this minor release on, the oldest containerd.
const NEEDS: [(u32, Release); 2] = [(38, Release { major: 2, minor: 0 }), (26, Release { major: 1, minor: 6 })];
/// The same for what is recommended.
const RECOMMENDS: [(u32, Release); 1] = [(36, Release { major: 2, minor: 2 })];

/// Refuses one that a kubelet of this release does not start with.
pub fn fits(kubernetes: u32, there: Release) -> Result<(), String> {
    match row(&NEEDS, kubernetes) {
        Some(least) if there < least => Err(format!("it needs {}.{} or later", least.major, least.minor)),
        _ => Ok(()),
    }
}

/// What to tell of one that works and is not what is recommended.
pub fn advice(kubernetes: u32, there: Release) -> Option<String> {
    let least = row(&RECOMMENDS, kubernetes).filter(|least| there < *least)?;
    Some(format!(
        "containerd {}.{} works with Kubernetes 1.{kubernetes}, for which {}.{} or later is recommended",
        there.major, there.minor, least.major, least.minor
    ))
}

/// The least version that is recommended, or needed.
pub fn wanted(kubernetes: u32) -> Option<Release> {
    row(&RECOMMENDS, kubernetes).or(row(&NEEDS, kubernetes))
}

fn row(table: &[(u32, Release)], kubernetes: u32) -> Option<Release> {
    table.iter().find(|(from, _)| kubernetes >= *from).map(|(_, least)| *least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        Release::parse(text).unwrap()
    }

    #[test]
    fn containerd_1_ends_with_kubernetes_1_37() {
        assert!(fits(37, release("1.7.24")).is_ok() && fits(38, release("2.0.0")).is_ok());
        assert_eq!(fits(38, release("1.7.24")).unwrap_err(), "it needs 2.0 or later");
        assert!(fits(26, release("1.5.9")).is_err() && fits(25, release("1.4.1")).is_ok());
    }

    #[test]
    fn what_works_and_is_not_recommended_is_told() {
        assert!(advice(36, release("1.7.24")).unwrap().contains("2.2 or later is recommended"));
        assert!(advice(36, release("2.3.1")).is_none() && advice(35, release("1.6.20")).is_none());
    }
}
