//! The walker, on real trees and real mounts in a sandbox, by every method of telling a mount.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "test code")]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use host::deadline::Deadline;
use host::remove::{self, Fate, Identity, Keep, Known, Method, Removed, Target, What, Why};
use testkit::{Sandbox, require};

const METHODS: [Method; 3] = [Method::Openat2, Method::Statx, Method::Fdinfo];

fn sh(script: &str) {
    let status = Command::new("bash").args(["-ec", script]).status().unwrap();
    assert!(status.success(), "{script}");
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

fn empty(path: &str, method: Method) -> Removed {
    remove_by(Some(method), Path::new(path), What::Contents, &[], &soon()).unwrap()
}

/// What is there now, deleted.
fn remove(path: &Path, what: What, spare: &[Identity], deadline: &Deadline) -> anyhow::Result<Removed> {
    remove_by(None, path, what, spare, deadline)
}

fn remove_by(
    method: Option<Method>,
    path: &Path,
    what: What,
    spare: &[Identity],
    deadline: &Deadline,
) -> anyhow::Result<Removed> {
    let Some(target) = Target::open(path)? else { return Ok(Removed { complete: true, ..Removed::default() }) };
    remove::remove_by(method, target.last_look()?, what, Keep::spare(spare), deadline)
}

fn survey(path: &Path, spare: &[Identity], limit: u64, deadline: &Deadline) -> anyhow::Result<Removed> {
    remove::survey(&Target::open(path)?.unwrap(), Keep::spare(spare), limit, deadline)
}

fn names(path: &str) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_ordinary_tree_goes_and_is_counted() {
    Sandbox::new().empty("/mnt").run(|| {
        for method in METHODS {
            sh("mkdir -p /mnt/t/a/b/c /mnt/t/d; echo x > /mnt/t/a/b/file; ln -s /etc /mnt/t/link; mkfifo /mnt/t/d/fifo; touch /mnt/t/.hidden");
            let there = survey(Path::new("/mnt/t"), &[], 1000, &soon()).unwrap();
            let gone = empty("/mnt/t", method);
            assert_eq!((gone.entries, gone.bytes, gone.kept_count, gone.complete), (8, 4096, 0, true), "{method:?}");
            assert_eq!((there.entries, there.bytes), (gone.entries, gone.bytes));
            assert_eq!(names("/mnt/t"), Vec::<String>::new());
        }
        let gone = remove(Path::new("/mnt/t"), What::Tree, &[], &soon()).unwrap();
        assert_eq!((gone.entries, Path::new("/mnt/t").exists()), (1, false));
        assert!(remove(Path::new("/mnt/t"), What::Tree, &[], &soon()).unwrap().complete, "nothing there is no error");
    });
}

#[test]
fn it_stops_at_bind_mounts_of_the_same_file_system_and_at_any_other_mount() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        for method in METHODS {
            sh("mkdir -p /mnt/precious /mnt/t/a/bind /mnt/t/a/x /mnt/t/tmp; echo keep > /mnt/precious/film; touch /mnt/t/f /mnt/t/a/x/y
                mount --bind /mnt/precious /mnt/t/a/bind; mount -t tmpfs x /mnt/t/tmp; touch /mnt/t/tmp/in; mount --bind /mnt/precious/film /mnt/t/f");
            let gone = empty("/mnt/t", method);
            let mut kept: Vec<_> = gone.kept.iter().map(|kept| (kept.path.to_str().unwrap(), kept.why)).collect();
            kept.sort_by_key(|kept| kept.0);
            assert_eq!(kept, [("/mnt/t/a/bind", Why::Mount), ("/mnt/t/f", Why::Mount), ("/mnt/t/tmp", Why::Mount)], "{method:?}");
            assert_eq!(gone.entries, 2, "{method:?}");
            assert_eq!((names("/mnt/precious"), names("/mnt/t/tmp")), (vec!["film".to_owned()], vec!["in".to_owned()]));
            sh("umount /mnt/t/a/bind /mnt/t/f /mnt/t/tmp");
            assert_eq!(empty("/mnt/t", method).kept_count, 0);
            assert_eq!(std::fs::read("/mnt/precious/film").unwrap(), b"keep\n");
        }
    });
}

#[test]
fn a_target_that_is_a_mount_is_emptied_and_stays_mounted() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir /mnt/t; touch /mnt/t/beneath; mount -t tmpfs x /mnt/t; mkdir -p /mnt/t/a/b");
        let gone = remove(Path::new("/mnt/t"), What::Tree, &[], &soon()).unwrap();
        assert_eq!((gone.entries, gone.kept_count), (2, 0));
        sh("mountpoint -q /mnt/t; umount /mnt/t; test -e /mnt/t/beneath");
    });
}

#[test]
fn links_are_deleted_and_never_followed() {
    Sandbox::new().empty("/mnt").run(|| {
        for method in METHODS {
            sh("mkdir -p /mnt/t/a /mnt/precious; touch /mnt/precious/film; ln -s /mnt/precious /mnt/t/abs; ln -s ../precious /mnt/t/rel; ln -s . /mnt/t/self; ln -s /mnt/t /mnt/t/a/up; ln -s nowhere /mnt/t/dangling");
            assert_eq!(empty("/mnt/t", method).kept_count, 0);
            assert_eq!((names("/mnt/t").len(), names("/mnt/precious")), (0, vec!["film".to_owned()]));
        }
        symlink("/mnt", "/mnt/alias").unwrap();
        sh("mkdir -p /mnt/t; touch /mnt/t/x");
        let error = format!("{:#}", remove(Path::new("/mnt/alias/t"), What::Contents, &[], &soon()).unwrap_err());
        assert_eq!(error, "looking at /mnt/alias/t: refused: the path leads through a symbolic link");
        assert!(remove(Path::new("/mnt/alias"), What::Contents, &[], &soon()).is_err());
        assert_eq!(names("/mnt/t"), ["x"]);
        remove(Path::new("/mnt/alias"), What::Tree, &[], &soon()).unwrap();
        assert_eq!((Path::new("/mnt/alias").exists(), names("/mnt/t")), (false, vec!["x".to_owned()]));
    });
}

#[test]
fn the_root_and_what_is_next_to_it_is_refused() {
    for path in ["/", "/etc", "/var", "/home", "etc/x/y"] {
        let error = format!("{:#}", remove(Path::new(path), What::Contents, &[], &soon()).unwrap_err());
        assert_eq!(error, format!("looking at {path}: refused: too near to the root"));
    }
}

#[test]
fn ten_thousand_directories_deep_with_few_open_files() {
    if !require("program:python3") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        for method in METHODS {
            let deep = "import os,sys\nos.mkdir('/mnt/t') if not os.path.exists('/mnt/t') else 0\nos.chdir('/mnt/t')\nfor i in range(10000):\n os.mkdir('directory-%05d'%i); open('f','w').close(); os.chdir('directory-%05d'%i)\n";
            assert!(Command::new("python3").args(["-c", deep]).status().unwrap().success());
            nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, 80, 20000).unwrap();
            let started = Instant::now();
            let gone = empty("/mnt/t", method);
            assert_eq!((gone.entries, gone.kept_count, gone.complete), (20_000, 0, true), "{method:?}");
            println!("{method:?}: {:?}", started.elapsed());
            assert!(started.elapsed() < Duration::from_secs(30), "{method:?}: {:?}", started.elapsed());
            nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, 1024, 20000).unwrap();
        }
    });
}

#[test]
fn what_cannot_be_deleted_is_named_and_the_rest_goes() {
    if !require("root") || !require("program:chattr") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        // chattr needs a file system that has the flags; tmpfs has them since Linux 6.6.
        sh("mkdir -p /mnt/t/a /mnt/t/b /mnt/t/c; touch /mnt/t/a/still /mnt/t/b/log /mnt/t/c/goes /mnt/t/a/goes");
        if !Command::new("chattr").args(["+i", "/mnt/t/a/still"]).status().unwrap().success() {
            assert!(require("file:/nowhere/chattr-on-tmpfs") || std::env::var_os("STRICT").is_none());
            return;
        }
        sh("chattr +a /mnt/t/b");
        let gone = remove(Path::new("/mnt/t"), What::Tree, &[], &soon()).unwrap();
        let mut kept: Vec<String> = gone.kept.iter().map(ToString::to_string).collect();
        kept.sort();
        sh("chattr -i /mnt/t/a/still; chattr -a /mnt/t/b");
        assert_eq!(kept, ["/mnt/t/a/still: immutable (chattr +i)", "/mnt/t/b/log: append-only (chattr +a)"]);
        assert_eq!(
            (names("/mnt/t"), names("/mnt/t/a")),
            (vec!["a".to_owned(), "b".to_owned()], vec!["still".to_owned()])
        );
    });
}

#[test]
fn a_read_only_tree_is_kept_with_a_reason() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir /mnt/t; touch /mnt/t/f; mount --bind /mnt/t /mnt/t; mount -o remount,ro,bind /mnt/t");
        let gone = remove(Path::new("/mnt/t"), What::Contents, &[], &soon()).unwrap();
        assert_eq!(gone.kept[0].to_string(), "/mnt/t/f: on a read-only file system");
    });
}

#[test]
fn a_thread_that_swaps_directories_for_links_cannot_lead_it_outside() {
    Sandbox::new().empty("/mnt").run(|| {
        for method in METHODS {
            sh("mkdir -p /mnt/precious/sub; for i in $(seq 50); do touch /mnt/precious/$i /mnt/precious/sub/$i; done
                mkdir -p /mnt/t/{1..40}/{1..40}; for i in $(seq 40); do touch /mnt/t/$i/{1..40}/{sub,f}; done");
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mut i = 0u32;
                    while !stop.load(Ordering::Relaxed) {
                        i = i % 40 + 1;
                        let (path, away) = (format!("/mnt/t/{i}"), format!("/mnt/away-{i}"));
                        if std::fs::rename(&path, &away).is_ok() {
                            let _ = symlink("/mnt/precious", &path);
                            let _ = std::fs::remove_file(&path);
                            let _ = std::fs::rename(&away, &path);
                        }
                    }
                });
                for _ in 0..20 {
                    let _ = remove_by(Some(method), Path::new("/mnt/t"), What::Contents, &[], &soon()).unwrap();
                }
                stop.store(true, Ordering::Relaxed);
            });
            let gone = empty("/mnt/t", method);
            assert_eq!(gone.kept_count, 0, "{method:?}: {:?}", gone.kept);
            assert_eq!((names("/mnt/precious").len(), names("/mnt/precious/sub").len()), (51, 50), "{method:?}");
            sh("rm -rf /mnt/away-*");
        }
    });
}

#[test]
fn a_mount_that_appears_during_the_walk_is_kept() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        for method in METHODS {
            sh("mkdir -p /mnt/precious/{1..30}; for i in $(seq 30); do touch /mnt/precious/$i/{1..10}; done; mkdir -p /mnt/t/{1..30}/{1..60}");
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for i in (1..=30).rev() {
                        for j in [30, 2, 59] {
                            let point = format!("/mnt/t/{i}/{j}");
                            let flags = nix::mount::MsFlags::MS_BIND;
                            let _ = nix::mount::mount(Some("/mnt/precious"), point.as_str(), None::<&str>, flags, None::<&str>);
                        }
                    }
                });
                let gone = empty("/mnt/t", method);
                assert!(gone.kept.iter().all(|kept| kept.why == Why::Mount), "{:?}", gone.kept);
            });
            sh("test $(find /mnt/precious -type f | wc -l) = 300; umount /mnt/t/*/* 2>/dev/null || true");
            assert_eq!(empty("/mnt/t", method).kept_count, 0);
        }
    });
}

#[test]
fn what_is_spared_stays_wherever_it_was_moved() {
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/t/a /mnt/t/b /mnt/media; touch /mnt/media/film /mnt/t/x; ln -s nowhere /mnt/t/b/link");
        let spare = ["/mnt/media", "/mnt/t/b/link"].map(|path| Identity::at(Path::new(path)).unwrap());
        sh("mv /mnt/media /mnt/t/a/");
        let there = survey(Path::new("/mnt/t"), &spare, 1000, &soon()).unwrap();
        let mut gone = remove(Path::new("/mnt/t"), What::Tree, &spare, &soon()).unwrap();
        gone.spared.sort();
        assert_eq!(gone.spared, ["/mnt/t/a/media", "/mnt/t/b/link"].map(PathBuf::from));
        assert_eq!((gone.entries, gone.kept_count, there.entries), (1, 0, 1));
        assert_eq!((names("/mnt/t/a/media"), names("/mnt/t/b")), (vec!["film".to_owned()], vec!["link".to_owned()]));
    });
}

#[test]
fn time_that_runs_out_is_said() {
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/t/a/b");
        let gone = remove(Path::new("/mnt/t"), What::Tree, &[], &Deadline::after(Duration::ZERO)).unwrap();
        assert_eq!((gone.complete, gone.kept[0].why), (false, Why::OutOfTime));
        assert_eq!(names("/mnt/t"), ["a"]);
    });
}

#[test]
fn a_file_with_another_name_elsewhere_keeps_its_content() {
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir /mnt/t; dd if=/dev/zero of=/mnt/film bs=64k count=1 status=none; ln /mnt/film /mnt/t/film");
        let gone = remove(Path::new("/mnt/t"), What::Contents, &[], &soon()).unwrap();
        assert_eq!((gone.entries, gone.bytes, std::fs::metadata("/mnt/film").unwrap().len()), (1, 0, 65536));
    });
}

#[test]
fn what_is_mounted_or_put_in_a_targets_place_after_the_look_is_not_touched() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/films /mnt/t; touch /mnt/films/1 /mnt/t/ours");
        let look = |change: &str| {
            let target = Target::open(Path::new("/mnt/t")).unwrap().unwrap();
            sh(change);
            let error = target.last_look().map(drop).unwrap_err();
            format!("{error:#}")
        };
        let said = look("mount --bind /mnt/films /mnt/t");
        assert!(said.contains("is mounted, which was not there at the first look"), "{said}");
        let said = look("umount -l /mnt/t");
        assert!(said.contains("something else is there, which was not there"), "{said}");
        let said = look("mv /mnt/t /mnt/away; mkdir /mnt/t; touch /mnt/t/other");
        assert!(said.contains("something else is there"), "{said}");
        let said = look("rm -r /mnt/t; ln -s /mnt/films /mnt/t");
        assert!(said.contains("something else is there"), "{said}");
        let said = look("rm /mnt/t");
        assert!(said.ends_with("it is gone"), "{said}");
        assert_eq!((names("/mnt/films"), names("/mnt/away")), (vec!["1".to_owned()], vec!["ours".to_owned()]));
    });
}

#[test]
fn what_is_mounted_after_the_last_look_is_not_touched_either_as_the_walk_starts_from_what_was_compared() {
    if !require("root") {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/films /mnt/t; touch /mnt/films/1 /mnt/t/ours");
        let target = Target::open(Path::new("/mnt/t")).unwrap().unwrap();
        let look = target.last_look().unwrap();
        sh("mount --bind /mnt/films /mnt/t");
        let gone = remove::remove(look, What::Contents, Keep::default(), &soon()).unwrap();
        sh("umount /mnt/t");
        assert_eq!((gone.entries, names("/mnt/films"), names("/mnt/t").len()), (1, vec!["1".to_owned()], 0));
    });
}

/// Knows `a`, all of it, and of `pki` the file `key`.
struct Table(bool);

impl Known for Table {
    fn fate(&self, name: &[u8], directory: bool) -> Fate<'_> {
        match (self.0, name, directory) {
            (true, b"a", _) | (false, b"key", false) => Fate::Goes,
            (true, b"pki", true) => Fate::Partly(&Self(false)),
            _ => Fate::Stays,
        }
    }
}

#[test]
fn what_nobody_knows_stays_with_all_that_is_in_it_and_is_named() {
    Sandbox::new().empty("/mnt").run(|| {
        sh("mkdir -p /mnt/t/a/b /mnt/t/pki/key.d /mnt/t/photos/a; cd /mnt/t; ln -s /etc link; touch a/b/f pki/key pki/mine photos/a/1 notes; chmod 000 photos");
        let target = Target::open(Path::new("/mnt/t")).unwrap().unwrap();
        let keep = Keep { known: Some(&Table(true)), ..Keep::default() };
        let there = remove::survey(&target, keep, 1000, &soon()).unwrap();
        let gone = remove::remove(target.last_look().unwrap(), What::Tree, keep, &soon()).unwrap();
        let unknown = |removed: &Removed| {
            let mut list: Vec<_> = removed.unknown.iter().map(|unknown| unknown.path.clone()).collect();
            list.sort();
            list
        };
        let all = ["link", "notes", "photos", "pki/key.d", "pki/mine"].map(|name| Path::new("/mnt/t").join(name));
        assert_eq!((unknown(&there), unknown(&gone)), (all.to_vec(), all.to_vec()));
        assert_eq!((there.entries, gone.entries, gone.kept_count), (4, 4, 0));
        assert_eq!((names("/mnt/t"), names("/mnt/t/pki")), (vec!["link".into(), "notes".into(), "photos".into(), "pki".into()], vec!["key.d".into(), "mine".into()]));
        assert!(Path::new("/mnt/t/photos/a/1").exists());
        sh("rm -r /mnt/t/photos /mnt/t/pki/mine; rmdir /mnt/t/pki/key.d; rm /mnt/t/notes /mnt/t/link");
        let gone = remove::remove(target.last_look().unwrap(), What::Tree, keep, &soon()).unwrap();
        assert_eq!((gone.entries, Path::new("/mnt/t").exists()), (2, false));
    });
}
