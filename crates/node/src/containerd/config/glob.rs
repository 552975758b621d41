//! Go's `filepath.Glob` as far as containerd's `imports` go: `*` inside one path component.
//!
//! `?` and `[...]` are only meant as patterns by containerd when a `*` is there too; nobody writes that, and here they are
//! refused rather than misread.

use anyhow::ensure;
use host::files;
use std::path::{Path, PathBuf};

/// The files an import names, sorted as Go sorts them. A relative path starts at `base`, the importing file's directory.
pub fn resolve(base: &Path, pattern: &str) -> anyhow::Result<Vec<PathBuf>> {
    let path = base.join(pattern);
    if !pattern.contains('*') {
        return Ok(vec![path]);
    }
    ensure!(
        !pattern.contains(['?', '[', '\\']),
        "the import {pattern:?} uses more than *: write the files out, one path each"
    );
    let mut found = vec![PathBuf::from("/")];
    for part in path.components() {
        let part = part.as_os_str().to_string_lossy();
        if part.contains('*') {
            let mut next = Vec::new();
            for dir in found.iter().filter(|d| d.is_dir()) {
                let names = files::names(dir)?;
                let names = names.iter().filter(|n| matches(&part, &n.to_string_lossy()));
                next.extend(names.map(|n| dir.join(n)));
            }
            found = next;
        } else {
            found = found.into_iter().map(|dir| dir.join(part.as_ref())).filter(|p| p.exists()).collect();
        }
    }
    Ok(found)
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    // The last piece must end the name; each one before it takes its first place.
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match name.find(piece) {
            Some(at) => name = &name[at + piece.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_within_one_component() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", ".toml", true),
            ("*.toml", "a.toml.rejected", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxc", false),
            ("a*a", "a", false),
            ("*", "anything", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn relative_and_absolute_patterns_are_followed_and_missing_ones_are_empty() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.toml", "a.toml", "c.txt"] {
            host::files::write_atomic(dir.path().join(name), b"", 0o644).unwrap();
        }
        let expected = [dir.path().join("a.toml"), dir.path().join("b.toml")];
        assert_eq!(resolve(dir.path(), "*.toml").unwrap(), expected);
        assert_eq!(resolve(Path::new("/x"), &format!("{}/*.toml", dir.path().display())).unwrap(), expected);
        assert!(resolve(dir.path(), "none/*.toml").unwrap().is_empty());
        assert_eq!(resolve(dir.path(), "one.toml").unwrap(), [dir.path().join("one.toml")]);
        assert!(resolve(dir.path(), "[ab]*.toml").is_err());
    }
}
