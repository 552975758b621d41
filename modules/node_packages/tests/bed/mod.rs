//! A machine on overlays that lacks only Kubernetes, and the repository.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use testkit::Sandbox;

/// What stands for every program of the packages.
const PROGRAM: &str = "#!/bin/sh\necho \"v$(cat /etc/kubernetes-rehearsal.version)\"\n";
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/lab/package_repository");

/// The repository, until it is dropped or stopped.
pub struct Bed {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    server: Mutex<Child>,
}

impl Bed {
    /// Where it can be: what is written is gone afterwards.
    pub fn sandbox() -> Sandbox {
        Sandbox::new().scratch("/etc").scratch("/usr").scratch("/var").empty("/run").empty("/tmp")
    }

    /// Makes the packages and serves them.
    pub fn up() -> Bed {
        bare();
        tools();
        executable("/tmp/program", PROGRAM);
        let mut repository = Command::new(REPOSITORY);
        repository.args(["/tmp/served", "/tmp/program", "127.0.0.1", "bad"]).stderr(Stdio::null());
        let (address, server) = serve(&mut repository);
        Bed { address, server: Mutex::new(server) }
    }

    /// Serves no longer.
    pub fn stop(&self) {
        let mut server = self.server.lock().unwrap();
        drop(server.stdin.take());
        server.wait().unwrap();
    }

    /// The options for a release of it.
    pub fn options(&self, version: &str) -> Value {
        json!({"kubernetes_version": version, "kubernetes_repository": self.address})
    }

    /// The same, with more.
    pub fn with(&self, version: &str, more: Value) -> Value {
        let mut options = self.options(version);
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        options
    }

    /// What a run that failed must not have changed.
    pub fn state(&self) -> String {
        sh(
            "find /etc /usr/sbin /usr/bin /var/lib/dpkg/status /var/lib/apt/lists /run -xdev ! -path '*/lock*' -newer /tmp/program ! -type d \\
            -printf '%y %m %p %s %T@\\n' | sort; sha256sum </var/lib/dpkg/status; ls /etc/apt/keyrings /run",
        )
    }

    /// Runs it, and kills it, or the apt-get that it has started, after so many milliseconds. Whether it was still there.
    pub fn killed(&self, version: &str, whom: &str, after: u64) -> bool {
        let mut child = Command::new(env!("CARGO_BIN_EXE_node_packages"))
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(self.options(version).to_string().as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(after));
        let killed = if whom == "apt-get" { sh("pkill -KILL -x apt-get && echo yes") } else { String::new() };
        if whom != "apt-get" {
            let _ = child.kill();
        }
        let failed = !child.wait().unwrap().success();
        failed && (whom != "apt-get" || !killed.is_empty())
    }
}

/// Takes away what the machine that runs the tests has, and the machine of the test has not.
pub fn bare() {
    std::fs::set_permissions("/tmp", PermissionsExt::from_mode(0o1777)).unwrap();
    sh("dpkg --purge --force-all kubeadm kubelet kubectl");
    for file in ["/usr/sbin/policy-rc.d", "/usr/bin/kubectl", "/usr/local/bin/kubectl"] {
        let _ = std::fs::remove_file(file);
    }
}

/// Every tool that a node needs and this machine lacks.
pub fn tools() {
    for tool in ["conntrack", "ip", "iptables", "nsenter", "losetup", "mount", "ethtool", "socat", "modprobe"] {
        if sh(&format!("command -v {tool}")).is_empty() {
            executable(&format!("/usr/local/bin/{tool}"), "#!/bin/sh\n");
        }
    }
}

/// Starts what makes a repository in /tmp/served and serves it until its stdin ends: `http://127.0.0.1:PORT`, and the process.
pub fn serve(repository: &mut Command) -> (String, Child) {
    std::fs::create_dir("/tmp/served").unwrap();
    let mut server = repository.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://"), "the repository could not be made: {address}");
    (address.trim().to_owned(), server)
}

/// The built module.
pub fn module(mut options: Value, check: bool) -> Value {
    let progress = format!("/tmp/progress-{:?}", std::time::Instant::now()).replace(' ', "");
    options["_kubejoin_progress"] = json!(progress);
    let answer = testkit::run_module(env!("CARGO_BIN_EXE_node_packages"), options, check);
    // Shown when the test fails.
    println!("{}{}", std::fs::read_to_string(progress).unwrap_or_default(), answer["msg"]);
    answer
}

/// What a line of shell says.
pub fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program.
pub fn executable(path: &str, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Somebody who holds dpkg's lock for so many seconds; returns when it is held.
pub fn lock_holder(seconds: f64) -> Child {
    let script = format!(
        "import fcntl, time, sys\nf = open('/var/lib/dpkg/lock-frontend', 'w')\nfcntl.lockf(f, fcntl.LOCK_EX)\nprint('held', flush=True)\ntime.sleep({seconds})"
    );
    let mut child = Command::new("python3").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    child
}
