//! apt's sources: which of them are for Kubernetes, and how one is switched off so that it can be switched on again.

use crate::sources::{File, NOTE, Off, unwanted};
use host::files;
use std::path::{Path, PathBuf};

/// The one file that stands beside the directory.
pub const MAIN: &str = "/etc/apt/sources.list";
/// The directory of all others.
pub const DIRECTORY: &str = "/etc/apt/sources.list.d";
/// The files that apt reads, in its order.
pub fn observe() -> anyhow::Result<Vec<File>> {
    let mut paths = vec![PathBuf::from(MAIN)];
    let kind = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "list" || kind == "sources");
    paths.extend(files::names(DIRECTORY)?.into_iter().map(|name| Path::new(DIRECTORY).join(name)).filter(kind));
    let mut found = Vec::new();
    for path in paths {
        if let Some(text) = files::read_optional(&path)? {
            found.push(File { path, text: String::from_utf8_lossy(&text).into_owned() });
        }
    }
    Ok(found)
}

/// What of a file cannot stay beside a repository of Kubernetes in `folder`, and the file without that.
pub fn without_kubernetes(file: &File, folder: &str) -> Option<(String, Vec<Off>)> {
    let deb822 = file.path.extension().is_some_and(|kind| kind == "sources");
    let (text, off) = if deb822 { stanzas(&file.text, folder) } else { lines(&file.text, folder) };
    (!off.is_empty()).then_some((text, off))
}

/// `deb [signed-by=…] ADDRESS SUITE COMPONENT…`
fn lines(text: &str, folder: &str) -> (String, Vec<Off>) {
    let mut off = Vec::new();
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        let words = match line.split_once('[').and_then(|(kind, rest)| Some((kind, rest.split_once(']')?.1))) {
            Some((kind, rest)) if kind.trim_start().starts_with("deb") => format!("{kind} {rest}"),
            _ => line.to_owned(),
        };
        let mut words = words.split_whitespace();
        let found = match (words.next(), words.next(), words.next()) {
            (Some("deb" | "deb-src"), Some(address), suite) => unwanted(address, suite.unwrap_or_default(), folder),
            _ => None,
        };
        if let Some(found) = found {
            kept.push_str(&format!("{NOTE}\n# "));
            off.push(found);
        }
        kept.push_str(line);
    }
    (kept, off)
}

/// Paragraphs of `Key: value`, more values on lines that begin with white space.
fn stanzas(text: &str, folder: &str) -> (String, Vec<Off>) {
    let mut off = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    for stanza in text.split("\n\n") {
        let values = |key: &str| -> Vec<&str> {
            let mut inside = false;
            let mut found = Vec::new();
            for line in stanza.lines().filter(|line| !line.starts_with('#')) {
                match line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) {
                    Some((name, value)) => {
                        inside = name.trim().eq_ignore_ascii_case(key);
                        if inside {
                            found.extend(value.split_whitespace());
                        }
                    }
                    None if inside => found.extend(line.split_whitespace()),
                    None => {}
                }
            }
            found
        };
        let disabled = values("Enabled").first().is_some_and(|value| {
            ["no", "false", "without", "off", "disable", "0"].contains(&value.to_lowercase().as_str())
        });
        let suite = values("Suites").first().copied().unwrap_or_default();
        let found: Vec<Off> = match disabled {
            true => Vec::new(),
            false => values("URIs").into_iter().filter_map(|address| unwanted(address, suite, folder)).collect(),
        };
        if found.is_empty() {
            kept.push(stanza.to_owned());
            continue;
        }
        off.extend(found);
        let without: String =
            stanza.split_inclusive('\n').filter(|line| !line.to_lowercase().starts_with("enabled:")).collect();
        // Text before the first field would end the stanza in old versions of apt: the note is a comment in it.
        let (blank, fields) = without.split_at(without.len() - without.trim_start_matches('\n').len());
        kept.push(format!("{blank}{NOTE}\nEnabled: no\n{fields}"));
    }
    (kept.join("\n\n"), off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Why;

    const FOLDER: &str = "https://pkgs.k8s.io/core:/stable:/v1.36/deb/";

    fn off(name: &str, text: &str) -> Option<(String, Vec<Off>)> {
        without_kubernetes(&File { path: name.into(), text: text.into() }, FOLDER)
    }

    #[test]
    fn dead_sources_and_those_of_another_release_are_switched_off_and_others_stay() {
        let text = "deb http://deb.debian.org/debian bookworm main\ndeb [arch=amd64 signed-by=/k.gpg] https://apt.kubernetes.io/ kubernetes-xenial main\n\
            deb https://pkgs.k8s.io/core:/stable:/v1.30/deb/ /\n#deb http://apt.kubernetes.io x main\n";
        let (text, off) = off("/a.list", text).unwrap();
        assert_eq!(off.iter().map(|off| off.why.clone()).collect::<Vec<_>>(), [Why::Gone, Why::Release("1.30".into())]);
        assert!(text.starts_with("deb http://deb.debian.org/debian bookworm main\n"));
        assert!(text.contains(
            "node_packages):\n# deb [arch=amd64 signed-by=/k.gpg] https://apt.kubernetes.io/ kubernetes-xenial main\n"
        ));
        assert!(without_kubernetes(&File { path: "/a.list".into(), text }, FOLDER).is_none());
    }

    #[test]
    fn a_stanza_gets_a_field_and_keeps_the_rest() {
        let text = "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: trixie\nComponents: main\n\n\
            Types: deb\nEnabled: yes\nURIs:\n http://packages.cloud.google.com/apt\nSuites: kubernetes-xenial\nComponents: main\n";
        let (text, off) = off("/a.sources", text).unwrap();
        assert_eq!(off.len(), 1);
        assert!(
            text.contains("\n\n# Switched off by kubejoin (node_packages):\nEnabled: no\nTypes: deb\nURIs:\n"),
            "{text}"
        );
        assert!(!text.contains("Enabled: yes"));
        assert!(without_kubernetes(&File { path: "/a.sources".into(), text }, FOLDER).is_none());
    }

    #[test]
    fn googles_other_repositories_are_nobodys_business() {
        assert!(off("/a.list", "deb https://packages.cloud.google.com/apt cloud-sdk main\n").is_none());
        assert!(off("/a.list", "deb https://example.org/v1.2/deb-x/ /\n").is_none());
        assert_eq!(off("/a.list", "deb https://pkgs.k8s.io/core:/stable:/v1.36/deb /").unwrap().1[0].why, Why::Same);
    }
}
