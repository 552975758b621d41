//! Plugins that run, and in every way that they do not.

use super::*;

/// A directory with plugins; `text` is a script's.
fn dir(plugins: &[(&str, &[u8], u32)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, mode) in plugins {
        crate::files::write_atomic(dir.path().join(name), bytes, *mode).unwrap();
    }
    dir
}

fn cause(bytes: &[u8], mode: u32, versions: &[&str]) -> Option<Cause> {
    let dir = dir(&[("plugin", bytes, mode)]);
    let versions: Vec<String> = versions.iter().map(|version| (*version).to_owned()).collect();
    check(&dir.path().join("plugin"), &versions, &Deadline::after(Duration::from_secs(60))).err()
}

const GOOD: &[u8] = b"#!/bin/sh\ncat >/dev/null\n[ \"$CNI_COMMAND\" = VERSION ] || exit 9\n\
    echo '{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"0.3.1\",\"0.4.0\",\"1.0.0\"]}'\n";

#[test]
fn a_plugin_that_speaks_the_configurations_version_is_well() {
    assert_eq!(cause(GOOD, 0o755, &["0.3.1"]), None);
    assert_eq!(cause(GOOD, 0o755, &["1.1.0", "1.0.0"]), None, "one of several is enough");
}

#[test]
fn a_plugin_that_is_there_and_cannot_run_says_why() {
    let elf = |machine: u8| {
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        head.extend([machine, 0]);
        head
    };
    assert_eq!(cause(b"", 0o755, &["0.3.1"]), Some(Cause::Empty));
    assert_eq!(cause(GOOD, 0o644, &["0.3.1"]), Some(Cause::Mode(0o644)));
    assert_eq!(cause(b"#!/no/such/interpreter\n", 0o755, &["0.3.1"]), Some(Cause::Loader));
    let other = if std::env::consts::ARCH == "x86_64" { 183 } else { 62 };
    let text = cause(&elf(other), 0o755, &["0.3.1"]).unwrap().to_string();
    assert!(text.starts_with("exec format error: it is built for "), "{text}");
    let text = cause(b"\x01\x02<html>404 Not Found</html>", 0o755, &["0.3.1"]).unwrap().to_string();
    assert_eq!(text, "exec format error: it is neither a program nor a script");
}

#[test]
fn a_plugin_that_answers_something_else_is_quoted() {
    let Some(Cause::Answer(words)) = cause(b"#!/bin/sh\necho oops >&2\nexit 3\n", 0o755, &["0.3.1"]) else {
        panic!("taken to be well");
    };
    assert_eq!(words, "ended with exit status 3: oops");
    let Some(Cause::Answer(words)) = cause(b"#!/bin/sh\nkill -SEGV $$\n", 0o755, &["0.3.1"]) else {
        panic!("taken to be well");
    };
    assert_eq!(words, "was killed by signal 11");
}

#[test]
fn a_version_that_a_plugin_does_not_speak_is_told_with_those_it_does() {
    let old = b"#!/bin/sh\necho '{\"code\":4,\"msg\":\"unknown CNI_COMMAND: VERSION\"}'\nexit 1\n";
    for (plugin, speaks) in [(GOOD, "0.3.1, 0.4.0, 1.0.0"), (&old[..], "0.1.0")] {
        let text = cause(plugin, 0o755, &["1.1.0"]).unwrap().to_string();
        assert_eq!(text, format!("it speaks CNI {speaks}, and the configuration asks for cniVersion 1.1.0"));
    }
    assert_eq!(cause(old, 0o755, &[]), None, "without cniVersion it is 0.1.0 that is asked for");
}

#[test]
fn the_first_file_of_that_name_is_the_one_that_is_run() {
    let (bad, good) = (dir(&[("bridge", b"", 0o755)]), dir(&[("bridge", GOOD, 0o755), ("portmap", GOOD, 0o755)]));
    let text = br#"{"cniVersion":"0.3.1","name":"n","plugins":[{"type":"bridge"},{"type":"portmap"},{"type":"gone"}]}"#;
    let network = super::super::parse(text, true).unwrap();
    let dirs = [bad.path().to_owned(), good.path().to_owned()];
    let found = broken(&network, &dirs, &Deadline::after(Duration::from_secs(60)));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].plugin.as_str(), &found[0].cause), ("bridge", &Cause::Empty));
    assert_eq!(found[0].to_string(), format!("{}: the file is empty", bad.path().join("bridge").display()));
}
