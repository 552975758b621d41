//! dnf's sources: sections of files, of which one is switched off by `enabled`.

use crate::sources::{File, NOTE, Off, unwanted};
use host::files;
use std::path::Path;

/// The directory of all.
pub const DIRECTORY: &str = "/etc/yum.repos.d";

/// The files that dnf reads.
pub fn observe() -> anyhow::Result<Vec<File>> {
    let mut found = Vec::new();
    for name in files::names(DIRECTORY)? {
        let path = Path::new(DIRECTORY).join(name);
        if path.extension().is_some_and(|kind| kind == "repo")
            && let Some(text) = files::read_optional(&path)?
        {
            found.push(File { path, text: String::from_utf8_lossy(&text).into_owned() });
        }
    }
    Ok(found)
}

/// What of a file cannot stay beside a repository of Kubernetes in `folder`, and the file without that.
pub fn without_kubernetes(file: &File, folder: &str) -> Option<(String, Vec<Off>)> {
    let mut off = Vec::new();
    let mut kept = String::new();
    for section in sections(&file.text) {
        let value = |key: &str| {
            let set = section.lines().filter_map(|line| line.split_once('='));
            set.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim()).next_back().unwrap_or_default()
        };
        let enabled = !["0", "no", "false", "off"].contains(&value("enabled").to_lowercase().as_str());
        let found = value("baseurl").split([',', ' ']).find_map(|address| unwanted(address, "", folder));
        let Some(found) = found.filter(|_| enabled) else {
            kept.push_str(section);
            continue;
        };
        off.push(found);
        let is_enabled = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == "enabled");
        let mut lines = section.split_inclusive('\n');
        kept.extend(lines.next());
        kept.push_str(&format!("{NOTE}\nenabled=0\n"));
        kept.extend(lines.filter(|line| !is_enabled(line)));
    }
    (!off.is_empty()).then_some((kept, off))
}

/// `[name]` and what follows it; what stands before the first is one, too.
fn sections(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') && at > 0 {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_section_is_switched_off_and_others_stay() {
        let text = "[base]\nbaseurl=http://h/base\nenabled=1\n\n[kubernetes]\nname=K\nenabled = 1\nbaseurl=https://packages.cloud.google.com/yum/repos/kubernetes-el7-x86_64\n\
            [new]\nbaseurl=https://pkgs.k8s.io/core:/stable:/v1.30/rpm/\n";
        let file = File { path: "/x.repo".into(), text: text.into() };
        let (text, off) = without_kubernetes(&file, "https://pkgs.k8s.io/core:/stable:/v1.36/rpm/").unwrap();
        assert_eq!(off.len(), 2);
        assert!(
            text.starts_with("[base]\nbaseurl=http://h/base\nenabled=1\n\n[kubernetes]\n# Switched off by"),
            "{text}"
        );
        assert_eq!(text.matches("enabled=0").count(), 2, "{text}");
        assert!(!text.contains("enabled = 1"));
        assert!(without_kubernetes(&File { path: "/x.repo".into(), text }, "https://x/").is_none());
    }
}
