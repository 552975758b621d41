//! Identity, clock and permissions, and what the API server knows of this node.

use super::Missed;
use super::kubelet::Kubelet;
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use kubeadm::kubeconfig::KUBELET_CONF;
use kubeadm::kubectl::Kubectl;
use serde_json::Value;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

/// Files whose owner and mode matter, with the bits that must not be set and those that must.
const FILES: [(&str, u32, u32); 8] = [
    ("/etc/kubernetes/kubelet.conf", 0o077, 0o400),
    ("/etc/kubernetes/admin.conf", 0o077, 0o400),
    ("/var/lib/kubelet/pki", 0o022, 0o700),
    ("/var/lib/kubelet", 0o022, 0o700),
    ("/etc/cni/net.d", 0o022, 0o700),
    ("/opt/cni/bin", 0o022, 0o700),
    ("/run/containerd/containerd.sock", 0o006, 0o600),
    ("/etc/containerd/config.toml", 0o022, 0o400),
];
/// The API server is asked no longer than this.
const API: Duration = Duration::from_secs(5);

/// What was seen of the machine.
#[derive(Debug, Default)]
pub struct Machine {
    /// Its host name.
    pub hostname: String,
    /// The kernel's release.
    pub kernel: String,
    /// /etc/machine-id, when it is one.
    pub machine_id: Option<String>,
    /// Whether a time service says that the clock is right; none when systemd cannot tell.
    pub synchronized: Option<bool>,
    /// This clock minus the API server's, in seconds.
    pub clock_offset: Option<i64>,
    /// Files with a wrong owner or mode, in words.
    pub permissions: Vec<String>,
    /// This node, as the API server knows it.
    pub node: Option<Value>,
    /// Other nodes with this machine-id.
    pub twins: Vec<String>,
}

/// Looks.
pub fn observe(kubelet: &Kubelet, deadline: &Deadline, missed: &mut Missed) -> Machine {
    let read = |path: &str| files::read_text(path).ok().flatten().unwrap_or_default().trim().to_owned();
    let hostname = read("/proc/sys/kernel/hostname");
    let id = read("/etc/machine-id");
    let mut seen = Machine {
        kernel: read("/proc/sys/kernel/osrelease"),
        machine_id: (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id),
        synchronized: synchronized(deadline),
        permissions: FILES.iter().filter_map(|(path, no, yes)| permission(path, *no, *yes)).collect(),
        hostname,
        ..Machine::default()
    };
    if !kubelet.server.is_empty() {
        ask_api(&mut seen, kubelet, deadline, missed);
    }
    seen
}

fn permission(path: &str, forbidden: u32, needed: u32) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    let mode = meta.permissions().mode() & 0o7777;
    let wrong = mode & forbidden != 0 || mode & needed != needed;
    let right = (mode & !forbidden) | needed;
    if meta.uid() != 0 {
        return Some(format!("{path} belongs to user {}, not to root: chown root {path}", meta.uid()));
    }
    wrong.then(|| format!("{path} has mode {mode:04o}: chmod {right:04o} {path}"))
}

fn synchronized(deadline: &Deadline) -> Option<bool> {
    let args = ["show", "--property=NTPSynchronized", "--value"];
    let output = Program::new("timedatectl").args(args).run(&deadline.at_most(Duration::from_secs(3))).ok()?;
    match output.success().ok()?.stdout_text().trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// With the kubelet's own credentials, which may read its Node. kubectl shows the server's Date at this verbosity.
fn ask_api(seen: &mut Machine, kubelet: &Kubelet, deadline: &Deadline, missed: &mut Missed) {
    let kubectl = Kubectl::new(KUBELET_CONF);
    let name = node_name(kubelet, &seen.hostname);
    let limit = deadline.at_most(API);
    // --raw: neither discovery nor a cache in the home directory.
    let path = format!("/api/v1/nodes/{name}");
    let output = kubectl.run(&["get", "--raw", &path, "--v=8"], "", &limit);
    let output = match output {
        Ok(output) => output,
        Err(e) => return missed.or_default("the API server", Err(e)),
    };
    let said = output.stderr_text();
    let mut dates = said.lines().filter_map(|l| l.split_once("Date: ")).filter_map(|(_, d)| http_date(d));
    let date = dates.next_back();
    seen.clock_offset = date.map(|then| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        now.cast_signed() - then.cast_signed()
    });
    seen.node = serde_json::from_slice(&output.stdout).ok();
    if seen.node.is_none() {
        let last = said.lines().last().unwrap_or_default().to_owned();
        return missed.or_default("this Node, by the API server", Err(anyhow::anyhow!(last)));
    }
    // Newer API servers do not let a kubelet list its peers: then there is nothing to say.
    let peers = kubectl.run(&["get", "--raw", "/api/v1/nodes"], "", &deadline.at_most(API));
    let peers: Value = peers.ok().and_then(|o| serde_json::from_slice(&o.stdout).ok()).unwrap_or_default();
    let twin = |n: &&Value| n["status"]["nodeInfo"]["machineID"].as_str() == seen.machine_id.as_deref();
    let peers = peers["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = peers.iter().filter(twin).filter_map(|n| n["metadata"]["name"].as_str()).filter(|n| *n != name);
    seen.twins = names.map(str::to_owned).collect();
}

fn node_name(kubelet: &Kubelet, hostname: &str) -> String {
    let given = kubeadm::kubelet::flag(&kubelet.process.args, "--hostname-override");
    given.map_or_else(|| hostname.to_lowercase(), str::to_owned)
}

/// `Sat, 21 Nov 2026 00:57:25 GMT` (RFC 9110) in seconds since 1970.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, clock, "GMT", ..] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|m| m == month)? + 1;
    let time = kubeadm::time::parse(&format!("{year}-{month:02}-{day:0>2}T{clock}Z"))?;
    Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn the_servers_date_is_read() {
        // date -u -d "Sat, 21 Nov 2026 00:57:25 GMT" +%s
        assert_eq!(http_date("Sat, 21 Nov 2026 00:57:25 GMT"), Some(1_795_222_645));
        assert_eq!(http_date("yesterday"), None);
    }
}
