//! What a package manager says that it has, and that it would do.

/// A version of a package that a source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// `1.36.2-1.1`.
    pub version: String,
    /// The source: address, suite and component.
    pub source: String,
}

/// A package that would come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// Its name.
    pub name: String,
    /// What is there now.
    pub from: Option<String>,
    /// What would be there.
    pub to: String,
}

impl std::fmt::Display for Coming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.from {
            None => write!(f, "{} {}", self.name, self.to),
            Some(from) => write!(f, "{} {} (was {from})", self.name, self.to),
        }
    }
}

/// What an installation would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulated {
    /// Installed or upgraded.
    pub coming: Vec<Coming>,
    /// Names of those that would go.
    pub going: Vec<String>,
}

/// A package that is to be installed, with the version that it must be when that was chosen.
pub type Wanted = (String, Option<String>);
