//! Unmounting, on real mounts in a sandbox.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "test code")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use host::deadline::Deadline;
use host::mounts::{below, table, unmount_below};
use testkit::{Sandbox, require};

fn sh(script: &str) {
    let status = Command::new("sh").args(["-ec", script]).status().unwrap();
    assert!(status.success(), "{script}");
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// What findmnt(8) knows below a directory: the oracle.
fn findmnt(path: &str) -> Vec<String> {
    let out = Command::new("findmnt").args(["-rn", "-o", "TARGET"]).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().filter(|line| line.starts_with(path) && *line != path).map(str::to_owned).collect()
}

#[test]
fn nested_stacked_and_strangely_named_mounts_all_go() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh(r#"mkdir -p /mnt/t; cd /mnt/t; mkdir -p a 'with space' "$(printf 'tab\tnew\nline')" 'back\040slash' ünïcode
              mount -t tmpfs x a; mkdir a/b; mount -t tmpfs x a/b; mkdir a/b/c; mount --bind /etc a/b/c
              mount -t tmpfs x a; mkdir a/z; mount -t tmpfs x a/z
              for d in 'with space' "$(printf 'tab\tnew\nline')" 'back\040slash' ünïcode; do mount -t tmpfs x "$d"; done
              touch file; mount --bind /etc/passwd file"#);
        assert!(findmnt("/mnt/t").len() >= 9);
        let done = unmount_below(Path::new("/mnt/t"), &soon()).unwrap();
        assert!(done.left.is_empty(), "{:?}", done.left);
        assert_eq!(findmnt("/mnt/t"), Vec::<String>::new());
        assert_eq!(done.gone.len(), 10);
    });
}

#[test]
fn a_recursive_bind_of_a_shared_root_goes_without_taking_the_machines_mounts_along() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/media /mnt/t/x; mount -t tmpfs x /mnt/media; echo data > /mnt/media/film; mount --make-rshared /; mount --rbind / /mnt/t/x");
        let before: Vec<String> = table().unwrap().iter().map(|m| format!("{:?}", m.point)).filter(|p| !p.contains("/mnt/t/")).collect();
        let done = unmount_below(Path::new("/mnt/t"), &soon()).unwrap();
        assert!(done.left.is_empty(), "{:?}", done.left);
        assert!(below(&table().unwrap(), Path::new("/mnt/t")).is_empty());
        let after: Vec<String> = table().unwrap().iter().map(|m| format!("{:?}", m.point)).collect();
        assert_eq!(before, after);
        assert_eq!(std::fs::read("/mnt/media/film").unwrap(), b"data\n");
    });
}

#[test]
fn a_busy_mount_stays_and_its_holder_is_named_and_the_rest_goes() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/t/busy /mnt/t/free; mount -t tmpfs x /mnt/t/busy; mkdir /mnt/t/busy/in; mount -t tmpfs x /mnt/t/busy/in; mount -t tmpfs x /mnt/t/free");
        let mut holder = Command::new("sleep").arg("600").current_dir("/mnt/t/busy/in").spawn().unwrap();
        let started = Instant::now();
        let done = unmount_below(Path::new("/mnt/t"), &soon()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
        let left: Vec<String> = done.left.iter().map(ToString::to_string).collect();
        assert_eq!(done.left_points(), [PathBuf::from("/mnt/t/busy/in"), PathBuf::from("/mnt/t/busy")], "{left:?}");
        assert!(left[0].contains(&format!("busy, held by process {} (sleep, working directory)", holder.id())), "{left:?}");
        assert_eq!(done.gone.len(), 1);
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(unmount_below(Path::new("/mnt/t"), &soon()).unwrap().left.is_empty());
    });
}

#[test]
fn loop_devices_on_a_mount_are_named() {
    if !require("root") || !require("program:losetup") || !require("file:/dev/loop-control") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/t; mkdir /mnt/t/m; mount -t tmpfs x /mnt/t/m; truncate -s 1M /mnt/t/m/disk.img; losetup -f --show /mnt/t/m/disk.img > /mnt/loop");
        let done = unmount_below(Path::new("/mnt/t"), &soon()).unwrap();
        sh("losetup -d $(cat /mnt/loop)");
        let left = done.left[0].to_string();
        assert!(left.contains("loop device /dev/loop") && left.contains("/mnt/t/m/disk.img"), "{left}");
    });
}

#[test]
fn a_fuse_mount_whose_daemon_hangs_is_forced_within_the_deadline() {
    if !require("root") || !require("fs:fuse") || !require("file:/dev/fuse") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        // A mount nobody serves: every request waits for ever, as with a daemon that is stopped.
        sh("mkdir -p /mnt/t/dead");
        let fuse = std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse").unwrap();
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", std::os::fd::AsRawFd::as_raw_fd(&fuse));
        nix::mount::mount(
            Some("dead"),
            "/mnt/t/dead",
            Some("fuse.dead"),
            nix::mount::MsFlags::empty(),
            Some(options.as_str()),
        )
        .unwrap();
        let mut stuck = Command::new("stat").arg("/mnt/t/dead/file").stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let started = Instant::now();
        let done = unmount_below(Path::new("/mnt/t"), &soon()).unwrap();
        let (left, took) = (format!("{:?}", done.left), started.elapsed());
        drop(fuse);
        let _ = (stuck.kill(), stuck.wait());
        assert!(done.left.is_empty(), "{left}");
        assert!(took < Duration::from_secs(20), "{took:?}");
        assert_eq!(findmnt("/mnt/t"), Vec::<String>::new());
    });
}

#[test]
fn a_link_in_place_of_a_directory_on_the_way_is_not_followed() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/t/a/m /mnt/other/m; mount -t tmpfs x /mnt/t/a/m; mount -t tmpfs x /mnt/other/m; mv /mnt/t/a /mnt/t/b; ln -s /mnt/other /mnt/t/a");
        let done = unmount_below(Path::new("/mnt/t"), &soon()).unwrap();
        assert!(done.left.is_empty());
        assert_eq!(findmnt("/mnt/other"), ["/mnt/other/m"]);
    });
}
