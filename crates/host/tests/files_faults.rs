//! A file system that is full, out of inodes or read-only, at every moment of a write: the old file is whole, the error
//! names the file, and nothing else is left.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code; an oracle does not share the code it judges"
)]

use host::files::{make_dir, names, write_atomic};
use std::fs;
use std::path::Path;
use std::process::Command;
use testkit::{Sandbox, require};

const FILE: &str = "/mnt/etc/config.toml";

fn sh(script: &str) {
    assert!(Command::new("sh").args(["-ec", script]).status().unwrap().success(), "{script}");
}

/// The write fails, says where and why, and has changed nothing.
fn fails(why: &str) {
    let before = fs::read(FILE).unwrap();
    let said = format!("{:#}", write_atomic(FILE, &vec![b'n'; 20_000], 0o600).unwrap_err());
    assert!(said.starts_with(&format!("writing {FILE}: ")) && said.contains(why) && !said.contains('\n'), "{said}");
    assert_eq!(fs::read(FILE).unwrap(), before);
    assert!(
        names("/mnt/etc").unwrap().iter().all(|name| !name.to_string_lossy().contains("kubejoin")),
        "a rest is left"
    );
}

#[test]
fn a_disk_that_fills_up_at_any_byte_leaves_the_old_file() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir /mnt/etc; mount -t tmpfs -o size=64k none /mnt/etc");
        write_atomic(FILE, b"old", 0o644).unwrap();
        // 16 pages, of which the file has one: from none free to one less than the new file needs.
        for free in 0..5 {
            sh(&format!("head -c {} /dev/zero >/mnt/etc/filler", (15 - free) * 4096));
            fails("No space left on device");
        }
        sh("rm /mnt/etc/filler");
        write_atomic(FILE, b"new", 0o644).unwrap();
        assert_eq!(fs::read(FILE).unwrap(), b"new");
    });
}

#[test]
fn a_disk_without_inodes_leaves_the_old_file() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir /mnt/etc; mount -t tmpfs -o size=1m,nr_inodes=4 none /mnt/etc");
        write_atomic(FILE, b"old", 0o644).unwrap();
        sh("touch /mnt/etc/a /mnt/etc/b");
        fails("No space left on device");
        let said = format!("{:#}", make_dir("/mnt/etc/new", 0o755).unwrap_err());
        assert!(said.starts_with("making directory /mnt/etc/new: "), "{said}");
        assert!(!Path::new("/mnt/etc/new").exists());
    });
}

#[test]
fn a_disk_that_turned_read_only_leaves_the_old_file() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir /mnt/etc; mount -t tmpfs none /mnt/etc");
        write_atomic(FILE, b"old", 0o644).unwrap();
        sh("mount -o remount,ro /mnt/etc");
        fails("Read-only file system");
        sh("mount -o remount,rw /mnt/etc");
        write_atomic(FILE, b"new", 0o644).unwrap();
    });
}
