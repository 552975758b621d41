//! A root directory of one's own: the machine's, seen through an overlay whose upper side is in memory.
//!
//! Some layouts mount the root somewhere below a target, and some subjects delete through it. Nothing they do may reach
//! the machine, so its file systems are not there at all: no old root, no /dev of its own, no mounts but those made here.
//! The program under test and what layouts are made of come along as copies, because the checkout may lie below any of the
//! directories that are empty here.

use std::path::Path;
use std::process::Command;

use super::subject::{PROGRAMS, Subject};

/// Device nodes that layouts need, bound one by one: a directory of nodes could be emptied.
const SCRIPT: &str = r#"
cd /srv; mkdir upper work root
mount -t overlay own-root -o lowerdir=/,upperdir=/srv/upper,workdir=/srv/work /srv/root
mount -t tmpfs dev /srv/root/dev
for n in null zero full random urandom tty fuse loop-control $(cd /dev; ls -d loop* 2>/dev/null); do
  [ -c /dev/$n ] || [ -b /dev/$n ] || continue
  : > /srv/root/dev/$n; mount --bind /dev/$n /srv/root/dev/$n
done
# The kernel makes a loop device when one is asked for, whichever sandbox asks; its node comes up in the machine's /dev only.
for n in {0..63}; do [ -e /srv/root/dev/loop$n ] || mknod /srv/root/dev/loop$n b 7 $n; done
ln -s /proc/self/fd /srv/root/dev/fd
mount -t proc proc /srv/root/proc
mount -t sysfs sysfs /srv/root/sys
for d in srv mnt var home root run tmp; do mkdir -p /srv/root/$d; mount -t tmpfs empty /srv/root/$d; done
"#;

/// Enters it. What was open stays open.
pub fn enter() {
    let output = Command::new("bash").args(["-ec", SCRIPT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let inside = Path::new("/srv/root").join(PROGRAMS.trim_start_matches('/'));
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_aggressive_reset"), inside.join("aggressive_reset")).unwrap();
    for name in ["ca.crt", "ca-ec.crt"] {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/kubeadm/tests/data");
        std::fs::copy(data.join(name), inside.join(name)).unwrap();
    }
    if let Subject::Kubeadm(path) = Subject::chosen() {
        std::fs::copy(path, inside.join("kubeadm")).unwrap();
    }
    nix::unistd::pivot_root("/srv/root", "/srv/root/mnt").unwrap();
    std::env::set_current_dir("/").unwrap();
    let flags = nix::mount::MntFlags::MNT_DETACH;
    nix::mount::umount2("/mnt", flags).unwrap();
    // The empty /mnt, beneath which the old root was put.
    assert!(Path::new("/mnt").read_dir().unwrap().next().is_none());
}
