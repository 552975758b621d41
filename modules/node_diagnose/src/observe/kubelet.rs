//! The kubelet: unit, drop-ins, process, health, credentials, configuration, and its last words.

use super::{Missed, patiently};
use host::deadline::Deadline;
use host::files;
use host::journal::{self, Journal};
use kubeadm::dropin::Started;
use kubeadm::gate::{self, Unit};
use kubeadm::kubeconfig::{self, Client};
use kubeadm::kubelet::{self as process, Health};
use kubeadm::kubelet_files::{self, Useless};
use kubeadm::proxy::Proxies;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How many lines of the journal are read when it does not run well.
const LINES: u32 = 300;

/// What was seen of the kubelet.
#[derive(Debug, Default)]
pub struct Kubelet {
    /// Its unit; none when systemd does not answer.
    pub unit: Option<Unit>,
    /// Its process.
    pub process: process::Kubelet,
    /// What systemd would start.
    pub started: Option<Started>,
    /// Its health, when it runs.
    pub health: Option<Health>,
    /// /etc/kubernetes/kubelet.conf is there.
    pub has_conf: bool,
    /// /var/lib/kubelet/config.yaml is there.
    pub has_config: bool,
    /// Why its credentials are of no use, in words; none where they are, or where it has none.
    pub no_credentials: Option<String>,
    /// When its client certificate expired, by this machine's clock.
    pub expired: Option<SystemTime>,
    /// The proxies of its process' environment.
    pub proxies: Proxies,
    /// Loopback addresses among the name servers that it hands on to pods, each with its file.
    pub loopback_resolvers: Vec<String>,
    /// The API server, as `https://host:port`.
    pub server: String,
    /// cgroupDriver of its configuration.
    pub cgroup_driver: Option<String>,
    /// failSwapOn, which is true unless the configuration says otherwise.
    pub fail_swap_on: bool,
    /// Files that its configuration or command line names and that are of no use; only of a kubelet with a configuration.
    pub useless_files: Vec<Useless>,
    /// Swap in use, by /proc/swaps.
    pub swap: Vec<String>,
    /// The journal of its last invocation that failed, of the current one otherwise; only when it does not run well.
    pub journal: Journal,
}

impl Kubelet {
    /// The name of its Node.
    pub fn node_name(&self) -> String {
        let given = process::flag(&self.process.args, "--hostname-override").map(str::to_owned);
        let hostname = || files::read_text("/proc/sys/kernel/hostname").ok().flatten().unwrap_or_default();
        given.unwrap_or_else(|| hostname().trim().to_lowercase())
    }
}

/// Those that the process was started with: what a shell has says nothing of it.
fn proxies(pid: u32) -> Proxies {
    let read = || files::read_optional(format!("/proc/{pid}/environ")).ok().flatten();
    let text = (pid != 0).then(read).flatten().unwrap_or_default();
    let all = String::from_utf8_lossy(&text).into_owned();
    Proxies::of(|name| all.split('\0').find_map(|pair| Some(pair.strip_prefix(name)?.strip_prefix('=')?.to_owned())))
}

/// Looks.
pub fn observe(deadline: &Deadline, missed: &mut Missed) -> Kubelet {
    let limit = deadline.at_most(Duration::from_secs(5));
    // Its directory may be a mount that hangs.
    let files = patiently(|| (Path::new(gate::CONFIG).exists(), files::read_text(gate::CONFIG)));
    let (has_config, text) = files.unwrap_or_else(|| (true, Err(anyhow::anyhow!("its file system does not answer"))));
    let mut seen = Kubelet {
        unit: missed.or_default("the kubelet's unit", Unit::observe(gate::KUBELET, &limit).map(Some)),
        process: missed.or_default("the kubelet's process", process::Kubelet::observe(gate::KUBELET, &limit)),
        started: missed.or_default("the kubelet's drop-ins", Started::observe(gate::KUBELET, &limit).map(Some)),
        has_config,
        has_conf: Path::new(kubeconfig::KUBELET_CONF).exists(),
        fail_swap_on: true,
        ..Kubelet::default()
    };
    seen.health = seen.process.running().then(process::healthz);
    match kubeconfig::read(kubeconfig::KUBELET_CONF) {
        Ok(None) => {}
        Err(error) => seen.no_credentials = Some(format!("{error:#}")),
        Ok(Some(conf)) => {
            seen.server.clone_from(&conf.server);
            // It lies below /var/lib/kubelet, which may be a mount that hangs.
            match patiently(move || conf.client(SystemTime::now())) {
                Some(Client::Missing(path)) => seen.no_credentials = Some(format!("{} is not there", path.display())),
                Some(Client::Unreadable(why)) => seen.no_credentials = Some(why),
                Some(Client::Expired(at)) => seen.expired = Some(at),
                Some(Client::Good { .. }) | None => {}
            }
        }
    }
    seen.proxies = proxies(seen.process.pid);
    let text = missed.or_default("config.yaml", text).unwrap_or_default();
    let config = missed.or_default("config.yaml", kubeconfig::yaml(&text));
    seen.cgroup_driver = config["cgroupDriver"].as_str().map(str::to_owned);
    seen.fail_swap_on = config["failSwapOn"].as_bool().unwrap_or(true);
    let command = seen.started.as_ref().map(|started| started.exec_start.clone()).unwrap_or_default();
    let args = if seen.process.args.is_empty() {
        command.split_whitespace().map(str::to_owned).collect()
    } else {
        seen.process.args.clone()
    };
    if config.is_object() {
        // One of them may lie on a mount that hangs, which has a finding of its own.
        let look = move || (kubelet_files::useless(&config, &args), kubelet_files::loopback_resolvers(&config, &args));
        (seen.useless_files, seen.loopback_resolvers) = patiently(look).unwrap_or_default();
    }
    let swaps = missed.or_default("/proc/swaps", files::read_text("/proc/swaps")).unwrap_or_default();
    seen.swap = swaps.lines().skip(1).filter_map(|l| l.split_whitespace().next()).map(str::to_owned).collect();
    let well = seen.process.running() && seen.health == Some(Health::Ok);
    if !well && seen.unit.as_ref().is_some_and(|u| u.load != "not-found") {
        seen.journal =
            missed.or_default("the kubelet's journal", journal::read(gate::KUBELET, LINES, None, &limit)).failed();
    }
    seen
}
