//! Things that happen while a reset runs, at a moment chosen at random: mounts on targets, disks that come late, directories
//! exchanged, somebody's files put in. `EVENTS=200 cargo test -p aggressive_reset --test torture events` plays each that often;
//! the seed is printed, and `EVENTS_SEED` plays one again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use serde_json::{Value, json};
use testkit::require;

use super::layout::{Layout, sandbox};
use super::oracle::{World, differences, look};
use super::play::{WORLD, bash};
use super::subject::{self, TARGETS};

/// Work that takes a while.
const SETUP: &str = "mkdir -p /var/lib/kubelet/pods/p1/volumes/v{1..20}/{1..20} /var/lib/photos; for i in 1 2 3 4 5; do echo photo > /var/lib/photos/$i; done";
/// Everything away again, for the next run.
const AGAIN: &str = "for t in /var/lib/kubelet /var/lib/containerd /var/lib/cni; do while umount -q -R -l $t; do :; done; done; \
rm -rf /var/lib/kubejoin /var/backups /etc/kubernetes /etc/cni /root/.kube; umount -q -l /home/user/seen || true; for d in var home root run mnt srv; do umount -q -R -l /$d || true; done; rm -rf /srv/.w; true";

/// What happens, and what must be there afterwards.
struct Event {
    name: &'static str,
    happens: fn() -> bool,
    verify: &'static str,
}

const EVENTS: [Event; 9] = [
    Event {
        name: "films are mounted on a target",
        happens: || bind("/srv/media", "/var/lib/kubelet"),
        verify: "test $(ls /var/lib/kubelet/films | wc -l) = 4",
    },
    Event {
        name: "films are mounted on containerd's root",
        happens: || bind("/srv/media/films", "/var/lib/containerd"),
        verify: "test $(ls /var/lib/containerd | wc -l) = 4",
    },
    Event { name: "a disk comes late", happens: || disk("/var/lib/cni"), verify: "test -e /var/lib/cni/photo" },
    Event {
        name: "a disk of a target comes late",
        happens: || disk("/var/lib/kubelet"),
        verify: "test -e /var/lib/kubelet/photo",
    },
    Event {
        name: "photos take a target's name",
        happens: exchange,
        verify: "test $(ls /var/lib/kubelet | wc -l) = 5; mv /var/lib/photos /var/lib/away; mv /var/lib/kubelet /var/lib/photos; mv /var/lib/away /var/lib/kubelet",
    },
    Event {
        name: "a target becomes a link to films",
        happens: || {
            std::fs::rename("/var/lib/kubelet", "/var/lib/away")
                .and_then(|()| std::os::unix::fs::symlink("/srv/media", "/var/lib/kubelet"))
                .is_ok()
        },
        verify: "rm /var/lib/kubelet; mv /var/lib/away /var/lib/kubelet",
    },
    Event {
        name: "a volume is mounted late",
        happens: || {
            std::fs::create_dir_all("/var/lib/kubelet/pods/p1/volumes/late").is_ok()
                && bind("/home/user", "/var/lib/kubelet/pods/p1/volumes/late")
        },
        verify: "true",
    },
    Event {
        name: "photos are put beside the kubelet's files",
        happens: || {
            std::fs::create_dir("/var/lib/kubelet/photos")
                .and_then(|()| std::fs::write("/var/lib/kubelet/photos/1", "photo"))
                .is_ok()
        },
        verify: "test -e /var/lib/kubelet/photos/1",
    },
    Event {
        name: "a part of a target is mounted elsewhere",
        happens: || {
            std::fs::create_dir("/home/user/seen").is_ok()
                && (bind("/var/lib/kubelet/pods", "/home/user/seen") || std::fs::remove_dir("/home/user/seen").is_err())
        },
        verify: "umount -q -l /home/user/seen; rmdir /home/user/seen",
    },
];

/// What can happen.
pub fn names() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|event| event.name)
}

#[test]
fn events() {
    if !require("root") {
        return;
    }
    let rounds: usize = std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let seed = std::env::var("EVENTS_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("EVENTS_SEED={seed}, {rounds} rounds");
    sandbox().env("EVENTS", rounds.to_string()).env("EVENTS_SEED", seed.to_string()).run(|| {
        super::root::enter();
        let layout = Layout::clean(SETUP).only(json!({}));
        let usual = usual(&layout);
        let mut random = seed;
        let mut met = 0;
        for round in 0..rounds {
            for event in &EVENTS {
                bash(WORLD);
                bash(SETUP);
                let before = look(&TARGETS);
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let moment = usual.mul_f64((random >> 40) as f64 / f64::from(1 << 24));
                let (done, happened) = run(&layout, event, moment);
                let at = format!("{}, {moment:?} into round {round}: {done}", event.name);
                met += usize::from(happened);
                if happened {
                    bash_at(event.verify, &at);
                }
                assert_eq!(differences(&before, &quiet(look(&TARGETS), &before)), Vec::<String>::new(), "{at}");
                bash(AGAIN);
            }
        }
        println!("{met} of {} events took place", rounds * EVENTS.len());
    });
}

/// How long a run takes to which nothing happens.
fn usual(layout: &Layout) -> Duration {
    bash(WORLD);
    bash(SETUP);
    let started = Instant::now();
    let done = subject::module(layout, false);
    assert_eq!(done["failed"], Value::Null, "{done}");
    let usual = started.elapsed();
    bash(AGAIN);
    usual
}

fn run(layout: &Layout, event: &Event, moment: Duration) -> (Value, bool) {
    std::thread::scope(|scope| {
        let happens = scope.spawn(move || {
            std::thread::sleep(moment);
            (event.happens)()
        });
        let done = subject::module(layout, false);
        (done, happens.join().unwrap())
    })
}

/// Times of directories in which the event itself made or moved something are its own doing.
fn quiet(mut now: World, before: &World) -> World {
    // One on which something is mounted by now is not looked at.
    for place in TARGETS.iter().map(Path::new) {
        if let Some(was) = before.get(place).filter(|_| !now.contains_key(place)) {
            now.insert(place.to_owned(), was.clone());
        }
    }
    for place in ["/var/lib", "/home/user"] {
        if let (Some(is), Some(was)) = (now.get_mut(Path::new(place)), before.get(Path::new(place))) {
            is.clone_from(was);
        }
    }
    now
}

fn bash_at(script: &str, at: &str) {
    let output = std::process::Command::new("bash").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}; {at}", String::from_utf8_lossy(&output.stderr));
}

fn bind(from: &str, to: &str) -> bool {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>).is_ok()
}

fn exchange() -> bool {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    renameat2(AT_FDCWD, "/var/lib/kubelet", AT_FDCWD, "/var/lib/photos", RenameFlags::RENAME_EXCHANGE).is_ok()
}

fn disk(at: &str) -> bool {
    mount(Some("disk"), at, Some("tmpfs"), MsFlags::empty(), None::<&str>).is_ok()
        && std::fs::write(Path::new(at).join("photo"), "photo").is_ok()
}
