//! The machine a transcript is made on: a sandbox with a control plane on loopback, a systemctl of our own, few programs.
//!
//! The programs under test run as they are; only what a sandbox cannot have (systemd) is replaced, by a script that
//! starts and stops the kubelet as its unit would.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Everything a kubeadm on a minimal node finds in PATH; what is not named here is missing, as it was for the recordings.
const PROGRAMS: &[&str] = &[
    "ip",
    "iptables",
    "iptables-restore",
    "ip6tables",
    "ip6tables-restore",
    "mount",
    "nsenter",
    "tc",
    "touch",
    "sh",
    "setsid",
    "cat",
    "kill",
    "sleep",
    "timeout",
];

/// A sandbox's inside, set up; the API server in it ends with it.
pub struct Bed {
    bin: PathBuf,
    server: Option<Child>,
    join: Option<String>,
}

/// What a program left behind: its output, stderr merged in, and its exit status.
pub struct Transcript {
    pub text: String,
    pub code: i32,
}

impl Bed {
    /// To be called inside `testkit::Sandbox::new().scratch("/etc").scratch("/var").empty("/run")`.
    pub fn make() -> Self {
        let bin = PathBuf::from("/run/bin");
        std::fs::create_dir_all(&bin).unwrap();
        for name in PROGRAMS {
            let found = std::env::var("PATH")
                .unwrap()
                .split(':')
                .chain(["/usr/sbin", "/sbin"])
                .map(|dir| Path::new(dir).join(name))
                .find(|path| path.is_file());
            if let Some(path) = found {
                std::os::unix::fs::symlink(path, bin.join(name)).unwrap();
            }
        }
        for name in ["kubeadm", "kubelet", "kubectl", "kube-apiserver"] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rehearsal"), bin.join(name)).unwrap();
        }
        std::fs::write(bin.join("systemctl"), include_str!("systemctl.sh")).unwrap();
        std::fs::set_permissions(bin.join("systemctl"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write("/proc/sys/kernel/hostname", "w1").unwrap();
        std::fs::write("/etc/hosts", "127.0.0.1 localhost w1\n").unwrap();
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        for dir in ["/etc/kubernetes", "/var/lib/kubelet", "/var/lib/etcd", "/etc/kubernetes-rehearsal.d"] {
            assert!(
                !Path::new(dir).exists() || std::fs::read_dir(dir).unwrap().next().is_none(),
                "{dir} is in use on this machine"
            );
        }
        Self { bin, server: None, join: None }
    }

    /// Runs a shell line with only the bed's programs in PATH and waits 50 times shorter than kubeadm really does.
    pub fn run(&self, line: &str) -> Transcript {
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("{{ {line} ; }} 2>&1")])
            .env_clear()
            .env("PATH", &self.bin)
            .env("REHEARSAL_HURRY", "50")
            .env("BED_BIN", &self.bin)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Transcript { text: String::from_utf8(output.stdout).unwrap(), code: output.status.code().unwrap_or(-1) }
    }

    fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.text);
        ran.text
    }

    /// Brings a control plane up on loopback, made by the phases of `kubeadm init`; `w1` then forgets it was one.
    pub fn control_plane(mut self) -> Self {
        let flags = "--apiserver-advertise-address 127.0.0.1 --node-name cp1 --pod-network-cidr 10.244.0.0/16";
        self.ok(&format!("kubeadm init phase certs all {flags} && kubeadm init phase kubeconfig all {flags}"));
        copy_tree(Path::new("/etc/kubernetes/pki"), Path::new("/run/cp/pki"));
        self.server = Some(
            Command::new(self.bin.join("kube-apiserver"))
                .args(["--pki=/run/cp/pki", "--etcd-data-dir=/run/cp/etcd", "--bind-address=127.0.0.1"])
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        self.wait_for("kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /healthz");
        std::fs::write("/run/cp/node.json", r#"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "cp1"}}"#)
            .unwrap();
        self.ok("kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f /run/cp/node.json");
        self.ok(&format!("kubeadm init phase upload-config all {flags} && kubeadm init phase bootstrap-token {flags}"));
        std::fs::copy("/etc/kubernetes/admin.conf", "/run/cp/admin.conf").unwrap();
        let made = self.ok("kubeadm token create --print-join-command --kubeconfig /run/cp/admin.conf");
        // The signature for a new token is made a moment after it.
        let id = made.split("--token ").nth(1).unwrap()[..6].to_owned();
        let shown = "kubectl --kubeconfig /run/cp/admin.conf -n kube-public get cm cluster-info -o yaml";
        self.wait_for(&format!("case \"$({shown})\" in *jws-kubeconfig-{id}*) ;; *) false ;; esac"));
        std::fs::remove_dir_all("/etc/kubernetes").unwrap();
        std::fs::create_dir("/etc/kubernetes").unwrap();
        self.join = Some(made.trim().to_owned());
        self
    }

    /// The join command; the recordings were made with these two preflight errors ignored.
    pub fn join(&self) -> String {
        format!("{} --ignore-preflight-errors=FileExisting-conntrack,SystemVerification", self.join.as_deref().unwrap())
    }

    /// `kubectl` as administrator.
    pub fn kubectl(&self, line: &str) -> String {
        self.ok(&format!("kubectl --kubeconfig /run/cp/admin.conf {line}"))
    }

    /// Switches a fault on.
    pub fn fault(&self, name: &str, content: &str) {
        std::fs::create_dir_all("/etc/kubernetes-rehearsal.d").unwrap();
        std::fs::write(Path::new("/etc/kubernetes-rehearsal.d").join(name), content).unwrap();
    }

    /// Polls a command until it ends well, 20 s at most.
    pub fn wait_for(&self, line: &str) -> String {
        let start = Instant::now();
        loop {
            let ran = self.run(line);
            if ran.code == 0 {
                return ran.text;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{line}: {}", ran.text);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A recording by name: its text without the comment lines of whoever recorded it, and its exit status if noted.
pub fn recording(name: &str) -> (String, Option<i32>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubeadm-1.22.6").join(name);
    let whole = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<&str> = whole.lines().filter(|line| !line.starts_with("# ")).collect();
    let code = lines.iter().position(|line| line.starts_with("rc=")).map(|at| lines.remove(at)[3..].parse().unwrap());
    (lines.join("\n"), code)
}

/// What differs from run to run taken out: times, process ids, hashes.
pub fn normal(text: &str) -> String {
    let mut out = Vec::new();
    for line in text.trim_end().lines() {
        let mut line = line.to_owned();
        let klog = line.len() > 30 && "IWE".contains(&line[..1]) && line[1..5].bytes().all(|b| b.is_ascii_digit());
        if klog
            && let Some((_, rest)) = line[1..].split_once(" ").and_then(|(_, rest)| rest.trim_start().split_once(' '))
        {
            let place = rest.trim_start().split_once(' ').map_or(rest, |(_, place)| place);
            line = format!("{} {place}", &line[..1]);
        }
        while let Some(at) = find_time(&line) {
            line.replace_range(at..at + 20, "TIME");
        }
        if let Some(at) = line.find("sha256:") {
            let end = line[at + 7..].find(|c: char| !c.is_ascii_hexdigit()).map_or(line.len(), |end| at + 7 + end);
            line.replace_range(at + 7..end, "HASH");
        }
        out.push(line);
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out.join("\n")
}

fn find_time(line: &str) -> Option<usize> {
    let shape = "dddd-dd-ddTdd:dd:ddZ";
    (0..line.len().saturating_sub(shape.len() - 1)).find(|&at| {
        line.as_bytes()[at..at + shape.len()]
            .iter()
            .zip(shape.bytes())
            .all(|(byte, wanted)| if wanted == b'd' { byte.is_ascii_digit() } else { *byte == wanted })
    })
}

/// Fails with both texts when they are not the same once normalised.
#[track_caller]
pub fn same(made: &Transcript, name: &str) {
    let (text, code) = recording(name);
    assert_eq!(normal(&made.text), normal(&text), "left: made here, right: {name}");
    assert_eq!(made.code, code.unwrap_or(0), "exit status of {name}");
}

/// As [`same`], but stdout and stderr may have been interleaved differently.
#[track_caller]
pub fn same_lines(made: &Transcript, name: &str) {
    let sorted = |text: &str| {
        let text = normal(text);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join("\n")
    };
    let (text, code) = recording(name);
    assert_eq!(sorted(&made.text), sorted(&text), "left: made here, right: {name}");
    assert_eq!(made.code, code.unwrap_or(0), "exit status of {name}");
}
