//! A real containerd for the inside of a sandbox: its own root, state and socket, and an image to make pods of.
//!
//! Needs `require("containerd")` and a sandbox with an empty /run (`Sandbox::new().empty("/run")`), where everything of it
//! lies; it dies with the sandbox. The pause program is compiled here, statically, because no image may be pulled.

use std::fs::{create_dir_all, read, write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The pause image's name.
pub const PAUSE: &str = "localhost/pause:testkit";
const HOME: &str = "/run/containerd-under-test";

/// A running containerd.
#[derive(Debug)]
pub struct Containerd {
    child: Child,
}

impl Containerd {
    /// Starts one that takes CNI configuration from `conf_dir`, and waits until its socket is there.
    pub fn start(conf_dir: &str) -> Self {
        create_dir_all(HOME).expect("an empty /run in the sandbox");
        // restrict_oom_score_adj: a container without CAP_SYS_RESOURCE may not lower it.
        let config = format!(
            "version = 2\nroot = \"{HOME}/root\"\nstate = \"{HOME}/state\"\n[grpc]\naddress = \"{}\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{PAUSE}\"\nrestrict_oom_score_adj = true\n\
             [plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/usr/lib/cni\"\nconf_dir = \"{conf_dir}\"\n\
             [plugins.\"io.containerd.internal.v1.opt\"]\npath = \"{HOME}/opt\"\n",
            Self::socket()
        );
        write(format!("{HOME}/config.toml"), config).expect("writing the configuration");
        let log = std::fs::File::create(format!("{HOME}/log")).expect("a log file");
        let child = Command::new("containerd")
            .args(["--config", &format!("{HOME}/config.toml")])
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .spawn()
            .expect("starting containerd");
        for _attempt in 0..300 {
            if Path::new(&Self::socket()).exists() {
                return Containerd { child };
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("containerd has no socket: {}", Self::log());
    }

    /// The socket's path.
    pub fn socket() -> String {
        format!("{HOME}/containerd.sock")
    }

    /// What it logged so far.
    pub fn log() -> String {
        std::fs::read_to_string(format!("{HOME}/log")).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `STOP`, `CONT` or `KILL`; after `KILL` it is also waited for, and after `STOP` until
    /// none of its threads runs: kill(2) returns before the last one has stopped, and that one may still answer.
    pub fn signal(&mut self, name: &str) {
        run(Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]));
        if name == "KILL" {
            self.child.wait().expect("waiting for containerd");
        }
        let tasks = format!("/proc/{}/task", self.pid());
        while name == "STOP" && !std::fs::read_dir(&tasks).expect("containerd's threads").all(stopped) {
            std::thread::yield_now();
        }
    }

    /// Imports the pause image, so that pod sandboxes can be made.
    pub fn with_pause_image(self) -> Self {
        let archive = pause_archive(&format!("{HOME}/pause"));
        run(Command::new("ctr")
            .args(["--address", &Self::socket(), "--namespace", "k8s.io", "images", "import"])
            .arg(archive));
        self
    }
}

/// Makes an archive of the image [`PAUSE`] in `dir`, which need not exist, and gives back its path.
pub fn pause_archive(dir: &str) -> String {
    create_dir_all(format!("{dir}/rootfs")).expect("a directory for the image");
    write(format!("{dir}/pause.rs"), "fn main() { loop { std::thread::park(); } }").expect("writing pause.rs");
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    run(Command::new(rustc)
        .args(["-O", "-C", "panic=abort", "-C", "linker=rust-lld", "--target", &target, "--edition=2024"])
        .args(["-o", &format!("{dir}/rootfs/pause"), &format!("{dir}/pause.rs")]));
    image(dir);
    format!("{dir}/image.tar")
}

/// `rootfs` as a one-layer image archive in the docker-archive form, which ctr imports and names.
fn image(dir: &str) {
    run(Command::new("tar").args(["-C", &format!("{dir}/rootfs"), "-cf", &format!("{dir}/layer.tar"), "pause"]));
    let sum = Command::new("sha256sum").arg(format!("{dir}/layer.tar")).output().expect("running sha256sum");
    let digest = String::from_utf8_lossy(&sum.stdout).split_whitespace().next().unwrap_or_default().to_owned();
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    let config = format!(
        r#"{{"architecture":"{arch}","os":"linux","config":{{"Entrypoint":["/pause"]}},"rootfs":{{"type":"layers","diff_ids":["sha256:{digest}"]}}}}"#
    );
    write(format!("{dir}/config.json"), config).expect("writing the image's configuration");
    let manifest = format!(r#"[{{"Config":"config.json","RepoTags":["{PAUSE}"],"Layers":["layer.tar"]}}]"#);
    write(format!("{dir}/manifest.json"), manifest).expect("writing the image's manifest");
    let members = ["manifest.json", "config.json", "layer.tar"];
    run(Command::new("tar").args(["-C", dir, "-cf", &format!("{dir}/image.tar")]).args(members));
    assert!(!read(format!("{dir}/image.tar")).expect("the image archive").is_empty());
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether a thread is in state T; one that has just ended is, too.
fn stopped(task: std::io::Result<std::fs::DirEntry>) -> bool {
    let stat =
        task.map(|task| std::fs::read_to_string(task.path().join("stat")).unwrap_or_default()).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
}
