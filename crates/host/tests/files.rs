//! What an unprivileged user of the machine can do to files that root writes in places where both may write: nothing.
//!
//! The attacker is a real process of another user, in a directory with the sticky bit, as /tmp is; so is the race.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code; an oracle does not share the code it judges"
)]

use host::files::{self, make_dir, read_optional, write_atomic};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use testkit::{Sandbox, require};

const NOBODY: u32 = 65534;
const VICTIM: &str = "/mnt/victim";
/// Whoever loses to this would write the secret into a file that the attacker can read, or into the victim.
const RACE: &str = "while :; do ln -sf /mnt/victim x; ln -s /mnt/victim .x.kubejoin-a; rm -f x .x*; echo mine >x; \
                    chmod 666 x; rm -f x; done 2>/dev/null";

/// A shell of the attacker's, in the directory everybody may write to.
fn attacker(script: &str) -> Child {
    Command::new("sh").args(["-c", script]).current_dir("/mnt/shared").uid(NOBODY).gid(NOBODY).spawn().unwrap()
}

fn attack(script: &str) {
    assert!(attacker(script).wait().unwrap().success(), "{script}");
}

/// A file of root's and a directory like /tmp, in the sandbox's /mnt.
fn shared(body: impl FnOnce(&Path)) {
    fs::write(VICTIM, "root's own").unwrap();
    fs::set_permissions(VICTIM, Permissions::from_mode(0o600)).unwrap();
    fs::create_dir("/mnt/shared").unwrap();
    fs::set_permissions("/mnt/shared", Permissions::from_mode(0o1777)).unwrap();
    body(Path::new("/mnt/shared"));
    assert_eq!(fs::read_to_string(VICTIM).unwrap(), "root's own");
    assert_eq!(fs::metadata(VICTIM).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_planted_link_file_or_fifo_is_replaced_and_never_written_through() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        shared(|dir| {
            for plant in ["ln -s /mnt/victim x", "ln -s /mnt/nowhere x", "mkfifo x", "echo mine > x; chmod 666 x"] {
                attack(plant);
                write_atomic(dir.join("x"), b"secret", 0o600).unwrap();
                let meta = fs::symlink_metadata(dir.join("x")).unwrap();
                assert!(meta.is_file() && meta.uid() == 0 && meta.mode() & 0o7777 == 0o600, "{plant}: {meta:?}");
                assert_eq!(fs::read(dir.join("x")).unwrap(), b"secret");
                assert!(!Path::new("/mnt/nowhere").exists(), "{plant}: written through");
                fs::remove_file(dir.join("x")).unwrap();
            }
            attack("mkdir x");
            write_atomic(dir.join("x"), b"secret", 0o600).unwrap_err();
            assert_eq!(files::names(dir).unwrap(), ["x"], "a temporary file is left");
        });
    });
}

#[test]
fn a_race_for_the_name_is_never_won() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        shared(|dir| {
            let mut race = attacker(RACE);
            let (started, mut met) = (Instant::now(), 0);
            while met < 50 && started.elapsed() < Duration::from_secs(20) {
                if !fs::symlink_metadata(dir.join("x")).is_ok_and(|meta| meta.uid() == NOBODY) {
                    std::thread::yield_now();
                    continue;
                }
                met += 1;
                let written = write_atomic(dir.join("x"), b"secret", 0o600);
                assert!(written.is_ok(), "{written:?}");
                for entry in fs::read_dir(dir).unwrap().flatten() {
                    let Ok(meta) = fs::symlink_metadata(entry.path()) else { continue };
                    let readable = meta.is_file() && (meta.uid() == NOBODY || meta.mode() & 0o077 != 0);
                    let held = readable && fs::read(entry.path()).is_ok_and(|bytes| bytes == b"secret");
                    assert!(!held, "the attacker can read {entry:?}");
                }
                // The sticky bit would keep root's file there: the attacker gets another chance.
                let _ = fs::remove_file(dir.join("x"));
            }
            race.kill().unwrap();
            race.wait().unwrap();
            assert!(met >= 50, "there was no race: they met {met} times");
        });
    });
}

#[test]
fn a_fifo_device_or_socket_is_refused_at_once() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        shared(|dir| {
            attack("mkfifo x; ln -s /dev/zero zero");
            let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
            for name in ["x", "zero", "socket", "."] {
                let why = format!("{:#}", read_optional(dir.join(name)).unwrap_err());
                assert!(why.starts_with("reading /mnt/shared/"), "{why}");
            }
            assert!(read_optional("/proc/self/mountinfo").unwrap().is_some_and(|bytes| !bytes.is_empty()));
        });
    });
}

#[test]
fn a_directory_for_secrets_is_ours_or_is_refused() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        shared(|dir| {
            let refused = |path: &Path, why: &str| {
                let said = format!("{:#}", make_dir(path, 0o700).unwrap_err());
                assert!(said.contains(why) && said.contains(&path.display().to_string()), "{said}");
            };
            attack("mkdir theirs; chmod 777 theirs; mkdir -p a/b; ln -s /mnt/etc link");
            fs::create_dir("/mnt/etc").unwrap();
            refused(&dir.join("theirs"), "belongs to user 65534");
            refused(&dir.join("a/b"), "belongs to user 65534");
            refused(&dir.join("link"), "is a link of user 65534");
            refused(dir, "others may write to");
            let open = PathBuf::from("/mnt/open");
            fs::create_dir(&open).unwrap();
            fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
            refused(&open, "others may write to");
            refused(&open.join("inside"), "others may write to");
            // Ubuntu's /var/log is a group's; a link of root's own is an administrator's choice.
            let log = PathBuf::from("/mnt/log");
            fs::create_dir(&log).unwrap();
            chown(&log, None, Some(4)).unwrap();
            fs::set_permissions(&log, Permissions::from_mode(0o2775)).unwrap();
            assert!(make_dir(log.join("kubejoin"), 0o700).unwrap());
            std::os::unix::fs::symlink("/mnt/log/kubejoin", "/mnt/link").unwrap();
            assert!(!make_dir("/mnt/link", 0o700).unwrap());
            assert!(make_dir(dir.join("ours"), 0o700).unwrap());
        });
    });
}

#[test]
fn deleting_a_planted_link_leaves_what_it_points_to() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        shared(|dir| {
            attack("ln -s /mnt/victim x");
            assert!(files::delete_file(dir.join("x")).unwrap());
            attack("ln -s /mnt x");
            files::delete_empty_dir(dir.join("x")).unwrap_err();
        });
    });
}

#[test]
fn a_link_to_nowhere_is_replaced_and_what_leads_somewhere_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (target, path) = (dir.path().join("plugin"), dir.path().join("link"));
    fs::write(&target, "x").unwrap();
    std::os::unix::fs::symlink("/no/such/file", &path).unwrap();
    assert!(files::link(&target, &path).unwrap());
    assert_eq!(fs::read_link(&path).unwrap(), target);
    assert!(!files::link(&target, &path).unwrap());
    assert!(files::link("/etc/hostname", &path).is_err());
    assert_eq!(fs::read_link(&path).unwrap(), target);
}
