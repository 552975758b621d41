//! A node of the practice lab for one test: a container that boots systemd, with containerd, runc and CNI plugins.
//!
//! What only a real systemd shows (a unit that fails, is masked, is restarted) is tested there. The image is the lab's own
//! (`deploy.sh lab up` builds it); see `require("node")`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The lab's node image.
pub const IMAGE: &str = "localhost/kubejoin-node:bookworm";

/// A running node; gone, with its volume, when dropped.
#[derive(Debug)]
pub struct Node {
    name: String,
}

impl Node {
    /// Boots one. Panics when it has not booted after a minute.
    pub fn boot() -> Self {
        let thread = format!("{:?}", std::thread::current().id());
        let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
        let name = format!("kubejoin-test-{}-{thread}", std::process::id());
        let node = Node { name };
        podman(&["volume", "create", &node.volume()]);
        let volume = format!("{}:/var/lib/containerd", node.volume());
        let limits = limits();
        let mut run = vec!["--runtime", "runc", "run", "--detach", "--name", &node.name, "--hostname", &node.name];
        run.extend(["--network", "none", "--privileged", "--cgroupns=private", "--systemd=false", "--no-hosts"]);
        run.extend(["--env", "container=podman", "--pids-limit=-1", "--tmpfs", "/run", "--tmpfs", "/run/lock"]);
        run.extend(["--tmpfs", "/tmp:exec", "--volume", &volume]);
        run.extend(limits.iter().map(String::as_str));
        run.extend([IMAGE, "/sbin/init", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]);
        podman(&run);
        for _attempt in 0..120 {
            let state = node.run("systemctl is-system-running --wait 2>/dev/null").stdout;
            if matches!(String::from_utf8_lossy(&state).trim(), "running" | "degraded") {
                return node;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        panic!("{} has not booted", node.name);
    }

    /// Runs a shell script on the node, whatever its exit status.
    pub fn run(&self, script: &str) -> Output {
        Command::new("timeout")
            .args(["120", "podman", "exec", &self.name, "sh", "-c", script])
            .output()
            .expect("running podman")
    }

    /// Runs a shell script that must succeed, and gives back its stdout.
    pub fn sh(&self, script: &str) -> String {
        let output = self.run(script);
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{script}: {}: {stdout}{stderr}", output.status);
        stdout.into_owned()
    }

    /// Writes a file on the node.
    pub fn write(&self, path: &str, text: &str) {
        let script = format!("mkdir -p \"$(dirname {path})\" && cat > {path}");
        let mut child = Command::new("podman")
            .args(["exec", "--interactive", &self.name, "sh", "-c", &script])
            .stdin(Stdio::piped())
            .spawn()
            .expect("running podman");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("writing to podman");
        assert!(child.wait().expect("waiting for podman").success(), "writing {path}");
    }

    /// Puts a program onto the node and gives back its path there.
    pub fn install(&self, program: &str) -> String {
        let name = Path::new(program).file_name().expect("a file").to_string_lossy().into_owned();
        let there = format!("/usr/local/sbin/{name}");
        podman(&["cp", program, &format!("{}:{there}", self.name)]);
        there
    }

    /// Copies a file onto the node.
    pub fn copy(&self, from: &str, to: &str) {
        podman(&["cp", from, &format!("{}:{to}", self.name)]);
    }

    /// Runs an installed module as [`crate::run_module`] runs one here.
    pub fn module(&self, installed: &str, options: serde_json::Value, check: bool) -> serde_json::Value {
        let mut command = Command::new("timeout");
        command.args(["300", "podman", "exec", "--interactive", &self.name, installed, "-"]);
        crate::module::answer(command, options, check)
    }

    fn volume(&self) -> String {
        format!("{}-containerd", self.name)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for args in
            [["rm", "--force", "--time=0", "--ignore", &self.name], ["volume", "rm", "--force", &self.volume(), ""]]
        {
            let args = args.iter().filter(|a| !a.is_empty());
            let _best_effort = Command::new("podman").args(args).output();
        }
    }
}

fn podman(args: &[&str]) {
    let output = Command::new("podman").args(args).output().expect("running podman");
    assert!(output.status.success(), "podman {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Without CAP_SYS_RESOURCE no limit may be raised above the present hard ones, which podman's defaults do.
fn limits() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let hard = |name: &str| {
        let line = table.lines().find(|l| l.starts_with(name))?;
        line[name.len()..].split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let most = std::fs::read_to_string("/proc/sys/kernel/pid_max").ok().and_then(|t| t.trim().parse::<u64>().ok());
    let most = most.unwrap_or(32_768);
    let processes = hard("Max processes").map_or(most, |n| n.min(most));
    let mut options = vec!["--ulimit".to_owned(), format!("nproc={processes}:{processes}")];
    if let Some(files) = hard("Max open files") {
        options.extend(["--ulimit".to_owned(), format!("nofile={files}:{files}")]);
    }
    options
}
