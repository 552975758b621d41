//! Which programs a join needs on the search path, by release.
//!
//! Source: `addExecChecks` of kubeadm's `preflight/checks_linux.go`, and the pull requests that changed it: #127151 (socat,
//! 1.28 to 1.31 by patch release), #126953 (conntrack, 1.32), #129131 (ip, iptables, ethtool, 1.33), #129450 (nsenter and
//! losetup, 1.33). A node that kubeadm is content with must not be refused here for a program nobody calls any more.

use std::ops::Range;

use crate::version::Version;

/// Every release.
const ALWAYS: Range<u32> = 0..u32::MAX;

/// A program some releases call.
#[derive(Debug)]
pub struct Program {
    /// As it is called.
    pub name: &'static str,
    /// Debian's package that has it.
    pub package: &'static str,
    /// The minor releases that do not join without it.
    needed: Range<u32>,
    /// The minor releases with which something works worse without it.
    useful: Range<u32>,
}

const fn program(name: &'static str, package: &'static str, needed: Range<u32>, useful: Range<u32>) -> Program {
    Program { name, package, needed, useful }
}

/// All of them.
pub static PROGRAMS: [Program; 8] = [
    program("conntrack", "conntrack", 0..32, 0..0),
    program("ip", "iproute2", 0..33, 0..0),
    // kube-proxy brings its own; the CNI plugins bridge (masquerading) and portmap call the node's.
    program("iptables", "iptables", 0..33, 33..u32::MAX),
    program("nsenter", "util-linux", 0..33, 0..0),
    program("losetup", "mount", 33..u32::MAX, 0..0),
    program("mount", "mount", ALWAYS, 0..0),
    program("ethtool", "ethtool", 0..0, 0..33),
    program("socat", "socat", 0..0, 0..28),
];

impl Program {
    /// Whether this kubeadm refuses to join without it.
    pub fn needed_by(&self, kubeadm: Option<Version>) -> bool {
        self.needed.contains(&minor(kubeadm))
    }

    /// Whether something works worse without it.
    pub fn useful_to(&self, kubeadm: Option<Version>) -> bool {
        self.useful.contains(&minor(kubeadm))
    }
}

/// A kubeadm that does not tell its version is taken for a new one, which needs the least.
fn minor(kubeadm: Option<Version>) -> u32 {
    kubeadm.map_or(u32::MAX - 1, |version| version.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(version: &str) -> Vec<&'static str> {
        let version = Version::parse(version).ok();
        PROGRAMS.iter().filter(|program| program.needed_by(version)).map(|program| program.name).collect()
    }

    #[test]
    fn what_is_needed_follows_the_release() {
        assert_eq!(needed("v1.22.6"), ["conntrack", "ip", "iptables", "nsenter", "mount"]);
        assert_eq!(needed("v1.32.0"), ["ip", "iptables", "nsenter", "mount"]);
        assert_eq!(needed("v1.36.1"), ["losetup", "mount"]);
    }
}
