//! Whether the kernel will be set up at the next boot, too: what lies in the directories that systemd reads then.

use host::files;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const MODULES: [&str; 3] = ["/etc/modules-load.d", "/run/modules-load.d", "/usr/lib/modules-load.d"];
const SYSCTLS: [&str; 3] = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"];

/// Of these modules and settings, those that no file names.
pub fn missing<'a>(modules: &[&'a str], settings: &[&'a str]) -> anyhow::Result<Vec<&'a str>> {
    let named = lines(&MODULES, "/etc/modules")?;
    let set = lines(&SYSCTLS, "/etc/sysctl.conf")?;
    let on = |name: &&&str| {
        let plain = |line: &str| line.trim_start_matches('-').replace(char::is_whitespace, "").replace('/', ".");
        // The last one counts, and all of ours are 1.
        set.iter()
            .rev()
            .map(|line| plain(line))
            .find_map(|line| Some(line.strip_prefix(**name)?.strip_prefix('=')? == "1"))
            != Some(true)
    };
    let modules = modules.iter().filter(|module| !named.iter().any(|line| line == **module));
    Ok(modules.chain(settings.iter().filter(on)).copied().collect())
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
