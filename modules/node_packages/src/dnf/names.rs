//! What Debian's packages of a program are called here.

/// Those that differ.
const OTHERS: [(&str, &str); 3] = [("conntrack", "conntrack-tools"), ("iproute2", "iproute"), ("mount", "util-linux")];

/// The package that has what Debian's has.
pub fn package(debian: &str) -> &str {
    OTHERS.iter().find(|(theirs, _)| *theirs == debian).map_or(debian, |(_, ours)| ours)
}
