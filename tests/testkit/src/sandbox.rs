//! A test body in namespaces of its own: mounts, network, host name, IPC and processes.
//!
//! The test binary starts itself again under `unshare(1)` with only the one test selected, so that the *whole process* is
//! inside: `/proc/self/mountinfo`, `/proc/net` and child processes all show the sandbox, which a thread that unshares
//! alone does not get (those files belong to the thread group's leader). Whatever the body starts dies with it, because
//! the process is pid 1 of its pid namespace.
//!
//! Files are the machine's own unless the sandbox is told otherwise: [`Sandbox::empty`] and [`Sandbox::scratch`].

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::{MsFlags, mount};

/// Names the test that runs inside; set by the outer process only.
const INSIDE: &str = "TESTKIT_SANDBOX";
/// A file the inner process creates: without it a misspelt test name would run nothing and pass.
const WITNESS: &str = "TESTKIT_SANDBOX_WITNESS";
/// How long a sandboxed test may take, in seconds, before it is killed and failed.
const LIMIT: &str = "900";

/// What the sandbox changes about the machine, besides the namespaces.
#[derive(Debug, Default)]
#[must_use = "nothing runs before .run(..)"]
pub struct Sandbox {
    empty: Vec<PathBuf>,
    scratch: Vec<PathBuf>,
    seen_outside: Vec<(String, String)>,
    network: Network,
}

#[derive(Debug, Default, PartialEq)]
enum Network {
    #[default]
    Own,
    Machine,
}

impl Sandbox {
    /// Namespaces only: `/` is the machine's own tree, mounts are private, the network has `lo` (up) and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty tmpfs (mode 0755) over `path`, which is created when missing only if its parent is in the sandbox too. The
    /// programs that cargo built stay where they are, also when that is below `path`.
    pub fn empty(mut self, path: impl Into<PathBuf>) -> Self {
        self.empty.push(path.into());
        self
    }

    /// `path` as it is, but what the body writes there is gone afterwards (an overlay whose upper side is a tmpfs).
    pub fn scratch(mut self, path: impl Into<PathBuf>) -> Self {
        self.scratch.push(path.into());
        self
    }

    /// Stay in the machine's network namespace (for a test that talks to a container of the lab).
    pub fn host_network(mut self) -> Self {
        self.network = Network::Machine;
        self
    }

    /// A value that only the outer process knows, for the body to read with `std::env::var(key)`.
    pub fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.seen_outside.push((key.to_owned(), value.into()));
        self
    }

    /// Run `body` inside. Call it once per test, as a closure written in the test function itself: the closure's type
    /// tells the test's name. What stands before the call runs outside and again inside, what stands after it only
    /// outside. Panics (so the test fails) when the body panics, is killed or exceeds 900 s. As an
    /// ordinary user the body runs as a mapped root, which cannot do everything: see `require("root")`.
    pub fn run<F: FnOnce()>(self, body: F) {
        let test = test_name::<F>();
        if std::env::var(INSIDE).is_ok_and(|name| name == test) {
            self.enter();
            body();
            // What follows `run` in the test function belongs outside.
            std::process::exit(0);
        }
        self.run_again(&test);
    }

    /// The outer side: this test once more, alone, inside.
    fn run_again(self, test: &str) {
        let witness = std::env::temp_dir().join(format!("testkit-{}-{}", std::process::id(), test.replace("::", "-")));
        let mut unshare = Command::new("timeout");
        unshare.args(["--foreground", "--kill-after=5", LIMIT, "unshare", "--mount", "--uts", "--ipc", "--pid"]);
        unshare.args(["--fork", "--kill-child", "--mount-proc", "--propagation", "private"]);
        if self.network == Network::Own {
            unshare.arg("--net");
        }
        if !nix::unistd::geteuid().is_root() {
            unshare.arg("--map-root-user");
        }
        let exe = std::env::current_exe().expect("the path of the test binary");
        unshare.arg(exe).args(["--exact", test, "--nocapture", "--include-ignored", "--test-threads=1"]);
        unshare.env(INSIDE, test).env(WITNESS, &witness).envs(self.seen_outside).stdin(Stdio::null());
        let output = unshare.output().unwrap_or_else(|e| panic!("running timeout(1) and unshare(1): {e}"));
        // Through print!, so that libtest's capture has it and shows it when the test fails.
        print!("{}", String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            eprintln!("{line}");
        }
        let entered = std::fs::remove_file(&witness).is_ok();
        assert!(output.status.success(), "the test failed inside its sandbox ({}), see above", output.status);
        assert!(entered, "no test called {test} ran in the sandbox: call Sandbox::run from the test function itself");
    }

    /// The inner side, before the body.
    fn enter(&self) {
        let witness = std::env::var_os(WITNESS).expect("the outer process names a witness file");
        std::fs::write(witness, "").expect("writing the witness file");
        let programs = Programs::open();
        for path in &self.empty {
            tmpfs(path);
            programs.show_again_below(path);
        }
        for path in &self.scratch {
            overlay(path);
        }
        if self.network == Network::Own {
            // /sys/class/net shows the namespace of whoever mounted sysfs, so mount it again; cgroups stay reachable.
            let cgroup = Path::new("/sys/fs/cgroup");
            let kept = Path::new("/proc/self/fd").exists().then(|| std::fs::File::open(cgroup).ok()).flatten();
            if mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), None::<&str>).is_ok()
                && let Some(kept) = kept
            {
                let old = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&kept));
                let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
                // Without cgroups only tests that run containers notice, and those fail with runc's own words.
                let _unmounted = mount(Some(old.as_str()), cgroup, None::<&str>, flags, None::<&str>);
            }
            let lo = Command::new("ip").args(["link", "set", "lo", "up"]).status();
            assert!(lo.is_ok_and(|status| status.success()), "ip link set lo up");
        }
    }
}

/// The directory cargo built the programs into, which the tests know by its path.
struct Programs {
    directory: PathBuf,
    open: std::fs::File,
}

impl Programs {
    fn open() -> Self {
        // target/debug/deps/<test>
        let exe = std::env::current_exe().expect("the path of the test binary");
        let directory = exe.ancestors().nth(2).expect("a test binary lies in deps/ of its profile").to_owned();
        let open = std::fs::File::open(&directory).expect("opening the directory of the built programs");
        Self { directory, open }
    }

    /// A checkout may lie anywhere, so also below what a test covers.
    fn show_again_below(&self, covered: &Path) {
        if !self.directory.starts_with(covered) {
            return;
        }
        std::fs::create_dir_all(&self.directory).expect("a directory on the fresh tmpfs");
        let open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.open));
        mount(Some(open.as_str()), &self.directory, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .unwrap_or_else(|e| panic!("binding {} where it was: {e}", self.directory.display()));
    }
}

/// `module::tests::case` out of the closure's type `crate::module::tests::case::{{closure}}`, as libtest names it.
fn test_name<F>() -> String {
    let full = std::any::type_name::<F>();
    let path = full.split_once("::").map_or(full, |(_crate, rest)| rest);
    path.split("::{{closure}}").next().unwrap_or(path).to_owned()
}

fn tmpfs(path: &Path) {
    // Only a directory inside an earlier tmpfs may be missing: the sandbox must not create one on the machine.
    if !path.exists() {
        let parent = path.parent().unwrap_or(path);
        let on_tmpfs =
            nix::sys::statfs::statfs(parent).is_ok_and(|s| s.filesystem_type() == nix::sys::statfs::TMPFS_MAGIC);
        assert!(on_tmpfs, "{} is missing, and making it would change the machine", path.display());
        std::fs::create_dir(path).unwrap_or_else(|e| panic!("creating {}: {e}", path.display()));
    }
    mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))
        .unwrap_or_else(|e| panic!("mounting a tmpfs on {}: {e}", path.display()));
}

fn overlay(path: &Path) {
    // The tmpfs that holds the upper side is mounted over /mnt, which stays reachable to the overlay after it is covered.
    let store = Path::new("/mnt");
    tmpfs(store);
    for part in ["upper", "work"] {
        std::fs::create_dir(store.join(part)).expect("a directory on the fresh tmpfs");
    }
    let options = format!("lowerdir={},upperdir=/mnt/upper,workdir=/mnt/work", path.display());
    mount(Some("overlay"), path, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .unwrap_or_else(|e| panic!("mounting an overlay on {}: {e}", path.display()));
    nix::mount::umount2(store, nix::mount::MntFlags::MNT_DETACH).expect("taking the tmpfs off /mnt again");
}
