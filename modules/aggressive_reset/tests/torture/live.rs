//! What happens while the subject runs, and what never answers.

use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::mount::{MsFlags, mount};

use super::layout::{Expect, Layout, layouts};

const FUSE: &[&str] = &["root", "fs:fuse", "file:/dev/fuse"];

layouts! {
    mount_that_appears_during_the_walk => Layout {
        during: Some(mount_while_running), expect: Expect::Either, races: true,
        ..Layout::clean("cd /var/lib/kubelet; mkdir -p t/{1..40}/{1..40}")
    };
    link_swapped_in_during_the_walk => Layout {
        during: Some(swap_while_running), expect: Expect::Either, races: true,
        ..Layout::clean("cd /var/lib/kubelet; mkdir -p t/{1..40}/films; for i in t/*/films; do touch $i/{1..40}; done")
    };
    files_that_come_back => Layout {
        during: Some(write_while_running), expect: Expect::Either, races: true,
        ..Layout::clean("mkdir -p /var/lib/kubelet/t")
    };
    mount_namespace_of_a_living_pod => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir v; mount --bind /srv/media v
        unshare --mount --propagation private sh -c 'echo x > /run/kubejoin/ready; sleep 600' >/dev/null 2>&1 & until [ -e /run/kubejoin/ready ]; do :; done")
        .verify("p=$(pgrep -x sleep | head -1); test \"$(nsenter -t $p -m cat /srv/media/films/1)\" = 'film 1'");
    somebody_elses_mount_namespace => Layout::clean("mkdir /var/lib/kubelet/theirs; unshare --mount --propagation private sh -c 'mount --bind /home/user /var/lib/kubelet/theirs; cd /var/lib/kubelet/theirs; echo x > /run/kubejoin/ready; sleep 600' >/dev/null 2>&1 &
        until [ -e /run/kubejoin/ready ]; do :; done").verify("p=$(pgrep -x sleep | head -1); test \"$(nsenter -t $p -m cat /home/user/note1)\" = 'note 1'");
    fuse_mount_that_hangs => Layout { held: Some(|| silent("/var/lib/kubelet/pods/p1/volumes/dead", true)), ..Layout::clean("mkdir /var/lib/kubelet/pods/p1/volumes/dead").needs(FUSE) };
    fuse_mount_that_hangs_with_a_process_in_it => Layout { held: Some(silent_and_waited_for), ..Layout::clean("mkdir /var/lib/kubelet/pods/p1/volumes/dead").needs(FUSE) };
    file_of_a_file_system_that_hangs => Layout { held: Some(|| silent("/var/lib/kubelet/pods/p1/volumes/dead", false)), ..Layout::clean("touch /var/lib/kubelet/pods/p1/volumes/dead").needs(FUSE) };
    preserved_path_that_hangs => Layout { held: Some(|| silent("/srv/silent", true)), ..Layout::clean("mkdir /srv/silent").needs(FUSE) }
        .options(serde_json::json!({"preserve": ["/srv/silent", "/srv/media"]}));
    target_that_hangs => Layout { held: Some(|| silent("/var/lib/calico", true)), ..Layout::refused("mkdir /var/lib/calico", "/var/lib/calico is on fuse.silent at /var/lib/calico, which does not answer").needs(FUSE) };
}

/// A FUSE mount that nobody serves: every request waits for ever, as with a dead server.
fn silent(point: &str, directory: bool) -> Box<dyn std::any::Any> {
    let device = std::fs::File::options().read(true).write(true).open("/dev/fuse").unwrap();
    let mode = if directory { "40000" } else { "100000" };
    let options = format!("fd={},rootmode={mode},user_id=0,group_id=0", device.as_raw_fd());
    mount(Some("silent"), point, Some("fuse.silent"), MsFlags::empty(), Some(options.as_str())).unwrap();
    Box::new(device)
}

fn silent_and_waited_for() -> Box<dyn std::any::Any> {
    let device = silent("/var/lib/kubelet/pods/p1/volumes/dead", true);
    std::process::Command::new("ls")
        .arg("/var/lib/kubelet/pods/p1/volumes/dead")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    device
}

fn mount_while_running(stop: &AtomicBool) {
    for i in (1..=40).rev() {
        for j in [40, 20, 1] {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let point = format!("/var/lib/kubelet/t/{i}/{j}");
            let _ = mount(Some("/srv/media"), point.as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>);
        }
    }
}

fn swap_while_running(stop: &AtomicBool) {
    let mut i = 0;
    while !stop.load(Ordering::Relaxed) {
        i = i % 40 + 1;
        let (path, away) = (format!("/var/lib/kubelet/t/{i}"), format!("/var/lib/kubelet/away{i}"));
        if std::fs::rename(&path, &away).is_ok() {
            let _ = symlink("/srv/media", &path);
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::rename(&away, &path);
        }
    }
}

fn write_while_running(stop: &AtomicBool) {
    let mut i = 0;
    while !stop.load(Ordering::Relaxed) {
        i += 1;
        let _ = std::fs::create_dir_all(format!("/var/lib/kubelet/t/{}", i % 100));
        let _ = std::fs::write(format!("/var/lib/kubelet/t/{}/f", i % 100), "x");
    }
}
