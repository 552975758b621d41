//! Which containerd this is.

use host::deadline::Deadline;
use host::process::Program;

/// A containerd release, as far as the configuration depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// 1 or 2.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl Release {
    /// Reads `1.6.20~ds1`, `v2.1.4` or `2.4.0-beta.0`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
        Some(Release { major: numbers.next()?.parse().ok()?, minor: numbers.next()?.parse().ok()? })
    }

    /// The version a new configuration file is best written in: every 2.x reads 3.
    pub fn config_version(self) -> i64 {
        if self.major >= 2 { 3 } else { 2 }
    }

    /// `bin_dirs` came with 2.1 (containerd `internal/cri/config/config.go`).
    pub fn has_bin_dirs(self) -> bool {
        self >= Release { major: 2, minor: 1 }
    }

    /// `bin_dir` went with 2.4 (containerd#14166), where a file of version 3 or 4 has it.
    pub fn wants_bin_dirs(self) -> bool {
        self >= Release { major: 2, minor: 4 }
    }

    /// The highest version of a configuration file that it starts with (`version/version.go`). 1.6 takes any for version 2
    /// (1.6.20, by config dump), 1.7 refuses since 1.7.18.
    pub fn reads_version(self) -> i64 {
        match (self.major, self.minor) {
            (..=1, ..=6) => i64::MAX,
            (..=1, _) => 2,
            (2, ..=2) => 3,
            _ => 4,
        }
    }

    /// Since 2.3 every file is brought to the newest version by itself, before they are merged; 2.0 to 2.2 merge first and
    /// then go by the version of the last file that has one (`LoadConfig` in `cmd/containerd/server/config`).
    pub fn migrates_each_file(self) -> bool {
        self >= Release { major: 2, minor: 3 }
    }

    /// 2.3 does not start with an imported file of a higher version than the main one; 2.4 took that back (containerd#12891).
    pub fn refuses_newer_imports(self) -> bool {
        self == Release { major: 2, minor: 3 }
    }
}

/// The program, where packages and the upstream archive put it.
pub fn program() -> Option<&'static str> {
    ["/usr/bin/containerd", "/usr/local/bin/containerd", "/usr/sbin/containerd", "/opt/bin/containerd"]
        .into_iter()
        .find(|path| std::path::Path::new(path).is_file())
}

/// Asks the program: `containerd github.com/containerd/containerd 1.6.20~ds1 …`.
pub fn installed(deadline: &Deadline) -> Option<Release> {
    let output = Program::new(program()?).args(["--version"]).run(deadline).ok()?;
    Release::parse(output.stdout_text().split_whitespace().nth(2)?)
}

#[cfg(test)]
mod tests {
    use super::Release;

    #[test]
    fn every_spelling_is_read() {
        for (text, major, minor) in [
            ("1.6.20~ds1", 1, 6),
            ("v2.1.4", 2, 1),
            ("2.4.0-beta.0", 2, 4),
            ("1.7.24+ds1", 1, 7),
            ("2.1.9+unknown", 2, 1),
        ] {
            assert_eq!(Release::parse(text), Some(Release { major, minor }), "{text}");
        }
        assert_eq!(Release::parse("unknown"), None);
        assert!(Release::parse("2.1.0").unwrap().has_bin_dirs() && !Release::parse("2.0.9").unwrap().has_bin_dirs());
    }
}
