//! Whether the kernel will be set up at the next boot, too: what lies in the directories that systemd reads then.

use host::files;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const MODULES: [&str; 3] = ["/etc/modules-load.d", "/run/modules-load.d", "/usr/lib/modules-load.d"];
const SYSCTLS: [&str; 3] = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"];

/// What the next boot brings.
pub struct Boot {
    modules: Vec<String>,
    settings: Vec<String>,
}

impl Boot {
    /// Reads the directories.
    pub fn observe() -> anyhow::Result<Self> {
        Ok(Boot { modules: lines(&MODULES, "/etc/modules")?, settings: lines(&SYSCTLS, "/etc/sysctl.conf")? })
    }

    /// The value of a setting; the last that is written counts.
    pub fn setting(&self, name: &str) -> Option<String> {
        let plain = |line: &String| line.trim_start_matches('-').replace(char::is_whitespace, "").replace('/', ".");
        let mut values = self.settings.iter().rev().map(plain);
        values.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
    }

    /// Of these modules, and of these settings that are to be 1, those that no file names.
    pub fn missing<'a>(&self, modules: &[&'a str], settings: &[&'a str]) -> Vec<&'a str> {
        let modules = modules.iter().filter(|module| !self.modules.iter().any(|line| line == **module));
        modules.chain(settings.iter().filter(|name| self.setting(name).as_deref() != Some("1"))).copied().collect()
    }
}

/// Lines that are not comments, of all files of the directories in the order in which they count, and of one more. A file
/// hides those of its name in later directories: a link to /dev/null is how one is switched off.
fn lines(directories: &[&str], last: &str) -> anyhow::Result<Vec<String>> {
    let mut paths: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for directory in directories {
        for name in files::names(directory)? {
            if Path::new(&name).extension().is_some_and(|kind| kind == "conf") {
                let path = Path::new(directory).join(&name);
                paths.entry(name).or_insert(path);
            }
        }
    }
    let mut found = Vec::new();
    for path in paths.into_values().chain([last.into()]) {
        // What is not a file, or cannot be read, sets nothing.
        let text = files::read_optional(&path).ok().flatten().unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        found.extend(text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])).map(str::to_owned));
    }
    Ok(found)
}
