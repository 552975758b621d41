//! What a test needs of the machine. What is missing is said aloud, and fails the run when `STRICT=1`: no silent green.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What small virtual machines' kernels are built without, those that run our CI among them, and no package brings; and
/// programs whose packages are larger than what one test needs of them.
const MAY_LACK: [&str; 8] = [
    "link:dummy",
    "link:vlan",
    "link:ipvlan",
    "file:/dev/mapper/control",
    "file:/proc/mdstat",
    "fs:erofs",
    "program:mdadm",
    "program:qemu-nbd",
];

/// Whether this machine has `feature`; if not, prints `SKIP ...` to stderr, or panics when `STRICT=1`.
///
/// Features: `root`; `node` (podman and the lab's node image, for [`crate::Node`]);
/// `containerd` (with ctr, runc, CNI plugins and what compiles a pause program, for [`crate::containerd`]); `program:NAME` (on PATH or in the sbin directories); `file:PATH`; `link:TYPE` (a link type such as
/// `bridge`, `veth`, `dummy`, `vxlan`: tried in a throw-away network namespace); `fs:TYPE` (in /proc/filesystems).
/// Any other name is a mistake in the test and panics.
#[must_use = "return from the test when the feature is missing"]
pub fn require(feature: &str) -> bool {
    let present = match feature.split_once(':') {
        None if feature == "root" => really_root(),
        None if feature == "node" => has_node_image(),
        None if feature == "containerd" => really_root() && has_containerd(),
        Some(("program", name)) => on_path(name),
        Some(("file", path)) => Path::new(path).exists(),
        Some(("link", kind)) => makes_link(kind),
        Some(("fs", kind)) => knows_filesystem(kind),
        _ => panic!("require({feature:?}): no such kind of feature"),
    };
    if !present {
        let strict = std::env::var("STRICT").as_deref() == Ok("1") && !MAY_LACK.contains(&feature);
        assert!(!strict, "STRICT=1, and this machine lacks {feature}");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not eprintln!: libtest swallows that when the test passes.
        let _best_effort = writeln!(std::io::stderr(), "SKIP {test}: this machine lacks {feature}");
    }
    present
}

/// Root of the initial user namespace: a mapped root cannot create device nodes, load modules or own other users' files.
fn really_root() -> bool {
    let all = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    nix::unistd::geteuid().is_root() && all.split_whitespace().eq(["0", "0", "4294967295"])
}

fn has_containerd() -> bool {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output().map(|o| o.stdout).unwrap_or_default();
    let std = format!("{}/lib/rustlib/{target}/lib", String::from_utf8_lossy(&sysroot).trim());
    ["containerd", "ctr", "runc"].into_iter().all(on_path)
        && Path::new("/usr/lib/cni/bridge").exists()
        && Path::new(&std).exists()
}

fn has_node_image() -> bool {
    let mut exists = Command::new("podman");
    exists.args(["image", "exists", crate::node::IMAGE]).stdout(Stdio::null()).stderr(Stdio::null());
    really_root() && exists.status().is_ok_and(|status| status.success())
}

fn on_path(name: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').chain(["/usr/sbin", "/sbin"]).any(|dir| Path::new(dir).join(name).is_file())
}

fn makes_link(kind: &str) -> bool {
    let mut add = format!("ip link add testkit0 type {kind}");
    if kind == "vxlan" {
        add += " id 1 dstport 8472";
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--net", "sh", "-c", &add]);
    unshare.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn knows_filesystem(kind: &str) -> bool {
    let list = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    list.lines().any(|line| line.split_whitespace().next_back() == Some(kind))
}
