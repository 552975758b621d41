//! What the package manager has installed, whichever it is.

use std::collections::BTreeMap;

/// A package that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `1.36.2-1.1`.
    pub version: String,
    /// Held back from upgrades.
    pub held: bool,
    /// Installed, as opposed to broken off half way.
    pub whole: bool,
    /// What the package manager calls its state.
    pub state: String,
}

/// Everything that it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages {
    /// By name. What was removed and has left its configuration is not among them.
    pub all: BTreeMap<String, Package>,
    /// It was ended before it was done.
    pub interrupted: bool,
}

impl Packages {
    /// The version of a package that is installed, whole.
    pub fn version(&self, name: &str) -> Option<&str> {
        self.all.get(name).filter(|package| package.whole).map(|package| package.version.as_str())
    }

    /// Whether it is held back.
    pub fn held(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|package| package.held)
    }
}
