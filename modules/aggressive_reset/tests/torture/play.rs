//! One layout, played.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::layout::{Expect, Layout};
use super::oracle::{World, differences, look};
use super::subject::{self, Subject, TARGETS};

/// A joined node with somebody's data on it. Everything is one file system, as on most small machines, so that a device
/// number tells nothing about mounts.
pub const WORLD: &str = r#"
w=/srv/.w; mkdir -p $w/{var/lib,srv,home,root,run,mnt}
for d in var home root run mnt; do mount --bind $w/$d /$d; done; mount --bind $w/srv /srv
mkdir -p /run/kubejoin /var/lib/kubejoin /var/backups /var/lib/etcd /srv/media/films /mnt/media /home/user/.kube /var/log
for i in 1 2 3; do echo "film $i" > /srv/media/films/$i; echo "note $i" > /home/user/note$i; done
head -c 300000 /dev/urandom > /srv/media/films/long; echo x > /mnt/media/x; echo x > /var/log/syslog; echo x > /home/user/.kube/config
mkdir -p /var/lib/kubelet/{pki,pods/p1/volumes,plugins,device-plugins} /var/lib/containerd/io.containerd.content.v1.content/blobs /run/containerd
rm -rf /etc/cni /etc/kubernetes
mkdir -p /var/lib/cni/networks/cni0 /run/flannel /root/.kube/cache /etc/kubernetes/{manifests,pki} /etc/cni/net.d
echo x | tee /var/lib/kubelet/{config.yaml,kubeadm-flags.env,pki/kubelet.key} /var/lib/containerd/io.containerd.content.v1.content/blobs/1 \
  /run/containerd/containerd.sock /var/lib/cni/networks/cni0/10.244.1.2 /root/.kube/{config,cache/x} /etc/kubernetes/{kubelet.conf,pki/ca.crt} >/dev/null
echo FLANNEL_NETWORK=10.244.0.0/16 > /run/flannel/subnet.env; echo '{"name":"cbr0","type":"flannel"}' > /etc/cni/net.d/10-flannel.conf
"#;

/// Plays a layout with the chosen subject. Ours must do as expected; of the others only the verdict is recorded.
pub fn play(name: &str, layout: &Layout) {
    let verdicts = std::env::var("TORTURE_VERDICTS").ok().filter(|path| !path.is_empty());
    let verdicts = verdicts.map(|path| File::options().create(true).append(true).open(path).unwrap());
    super::root::enter();
    bash(WORLD);
    bash(layout.setup);
    let held = layout.held.map(|make| make());
    let before = look(&without(layout));
    let verdict = match Subject::chosen() {
        Subject::Ours => ours(layout, &before),
        other => judge(layout, &other, &before),
    };
    drop(held);
    if let Some(mut file) = verdicts {
        writeln!(file, "{name}\t{verdict}").unwrap();
    }
}

/// Where changes are no loss.
fn without(layout: &Layout) -> Vec<&'static str> {
    TARGETS.iter().chain(layout.moved).copied().collect()
}

fn ours(layout: &Layout, before: &World) -> String {
    let inside = look(&[]);
    let checked = subject::module(layout, true);
    assert_eq!(differences(&inside, &look(&[])), Vec::<String>::new(), "check mode touches nothing: {checked}");
    let started = Instant::now();
    let done = with(layout, || subject::module(layout, false));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(
        differences(before, &look(&without(layout))),
        Vec::<String>::new(),
        "outside the targets all is as it was: {done}"
    );
    outcome(layout, &done, &inside);
    let said = done.to_string();
    // What Ansible prints as it is; in lists it escapes names itself.
    let printed = [&done["msg"], &done["warnings"], &done["diff"]].map(Value::to_string).concat();
    let raw = ["\\u00", "\\r", "\u{202e}", "\u{2028}"].into_iter();
    let raw = raw.flat_map(|raw| printed.match_indices(raw)).find(|(at, _)| !printed[..*at].ends_with('\\'));
    assert_eq!(raw, None, "a name writes on the terminal: {printed}");
    for text in layout.says {
        assert!(said.contains(text), "{text:?} is not said: {said}");
    }
    bash(layout.verify);
    if !layout.races && !matches!(layout.expect, Expect::Refused(_)) {
        assert_eq!(done["steps"], checked["steps"], "check mode says what is done: {done}");
        assert_eq!(done["diff"], checked["diff"], "and shows it");
    }
    if matches!(layout.expect, Expect::Clean | Expect::Partly(_)) {
        let again = subject::module(layout, false);
        assert_eq!(again["changed"], false, "the second run has nothing to do: {again}");
    }
    match layout.expect {
        Expect::Refused(_) => "refused".to_owned(),
        Expect::Failed(..) => "no loss, fails and says why".to_owned(),
        _ => "no loss".to_owned(),
    }
}

fn outcome(layout: &Layout, done: &Value, inside: &World) {
    let msg = done["msg"].as_str().unwrap_or_default();
    let left = |except: &str| -> Vec<String> {
        let targets = TARGETS.iter().filter(|target| **target != except && **target != "/root/.kube");
        let full = targets.filter(|target| std::fs::read_dir(target).is_ok_and(|mut list| list.next().is_some()));
        full.map(|target| (*target).to_owned()).collect()
    };
    match layout.expect {
        Expect::Clean => {
            assert_eq!(done["failed"], Value::Null, "{msg}");
            assert_eq!((left(""), done["changed"].as_bool()), (Vec::new(), Some(true)), "{msg}");
        }
        Expect::Refused(why) => {
            assert!(
                done["failed"] == true && msg.starts_with("refused, and nothing was touched: ") && msg.contains(why),
                "{msg}"
            );
            assert_eq!(differences(inside, &look(&[])), Vec::<String>::new(), "nothing is touched");
        }
        Expect::Failed(why, kept) => {
            assert!(done["failed"] == true && msg.contains(why), "{msg}");
            assert_eq!(left(kept), Vec::<String>::new(), "{msg}");
            assert!(
                kept.is_empty() || Path::new(kept).read_dir().unwrap().next().is_some(),
                "{kept} was to be left: {msg}"
            );
        }
        Expect::Partly(kept) => {
            assert_eq!(
                (done["failed"].clone(), left("")),
                (Value::Null, kept.iter().map(|path| (*path).to_owned()).collect()),
                "{msg}"
            );
        }
        Expect::Either => {}
    }
}

/// `work`, with what happens meanwhile.
fn with<T>(layout: &Layout, work: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if let Some(during) = layout.during {
            let stop = &stop;
            scope.spawn(move || during(stop));
        }
        let result = work();
        stop.store(true, Ordering::Relaxed);
        result
    })
}

/// What another subject did to the layout, in words.
fn judge(layout: &Layout, subject: &Subject, before: &World) -> String {
    let started = Instant::now();
    let said = with(layout, || subject::other(subject));
    let hung = started.elapsed() > Duration::from_secs(18);
    let lost = differences(before, &look(&without(layout))).len();
    match (hung, lost, said) {
        (true, 0, _) => "hangs".to_owned(),
        (_, 0, Some(true)) => "no loss".to_owned(),
        (_, 0, _) => "no loss, fails".to_owned(),
        (_, lost, Some(true)) => format!("**{lost} changes outside**, says success"),
        (_, lost, _) => format!("**{lost} changes outside**, fails"),
    }
}

/// A script that must succeed.
pub fn bash(script: &str) {
    let output = Command::new("bash").args(["-ec", script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {said}");
}
