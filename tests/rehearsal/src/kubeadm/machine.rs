//! What kubeadm does to the kubelet: its config and flags file, stopping and starting it, waiting for its health.

use super::config::Registration;
use super::fail::Fail;
use crate::yaml::text;
use crate::{clock, place, run, version, yaml};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The KubeletConfiguration kubeadm makes; `given` are fields from the user's own document.
pub fn kubelet_config(service_subnet: &str, domain: &str, given: &Value) -> Value {
    let dns = crate::apiserver::services::address(service_subnet, 10).map(|ip| ip.to_string()).unwrap_or_default();
    let mut config = json!({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": false}, "webhook": {"cacheTTL": "0s", "enabled": true}, "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}},
        "authorization": {"mode": "Webhook", "webhook": {"cacheAuthorizedTTL": "0s", "cacheUnauthorizedTTL": "0s"}},
        "cgroupDriver": "systemd", "clusterDNS": [dns], "clusterDomain": domain, "cpuManagerReconcilePeriod": "0s",
        "evictionPressureTransitionPeriod": "0s", "fileCheckFrequency": "0s", "healthzBindAddress": "127.0.0.1", "healthzPort": 10248,
        "httpCheckFrequency": "0s", "imageMinimumGCAge": "0s", "logging": {}, "memorySwap": {}, "nodeStatusReportFrequency": "0s",
        "nodeStatusUpdateFrequency": "0s", "rotateCertificates": true, "runtimeRequestTimeout": "0s", "shutdownGracePeriod": "0s",
        "shutdownGracePeriodCriticalPods": "0s", "staticPodPath": "/etc/kubernetes/manifests", "streamingConnectionIdleTimeout": "0s",
        "syncFrequency": "0s", "volumeStatsAggPeriod": "0s"});
    if given.is_object() {
        crate::merge::merge(&mut config, given);
    }
    config
}

/// The ConfigMap that carries the kubelet's configuration.
pub fn config_map() -> String {
    if version::at_least(24) {
        "kubelet-config".into()
    } else {
        format!("kubelet-config-1.{}", version::claimed().minor)
    }
}

/// Writes /var/lib/kubelet/config.yaml.
pub fn write_config(config: &Value) -> Result<(), Fail> {
    println!("[kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"");
    Ok(place::write("/var/lib/kubelet/config.yaml", yaml::write(config), 0o644)?)
}

/// Writes /var/lib/kubelet/kubeadm-flags.env.
pub fn write_flags(node: &Registration, taints: &[Value]) -> Result<(), Fail> {
    println!(
        "[kubelet-start] Writing kubelet environment file with flags to file \"/var/lib/kubelet/kubeadm-flags.env\""
    );
    let mut flags: Vec<(String, String)> = Vec::new();
    if !version::at_least(24) {
        flags.push(("container-runtime".into(), "remote".into()));
    }
    flags.push(("container-runtime-endpoint".into(), node.cri_socket.clone()));
    if node.name != super::config::hostname() {
        flags.push(("hostname-override".into(), node.name.clone()));
    }
    if !version::at_least(32) {
        flags.push(("pod-infra-container-image".into(), version::pause_image()));
    }
    if !taints.is_empty() {
        let list: Vec<_> = taints
            .iter()
            .map(|taint| format!("{}={}:{}", text(taint, "/key"), text(taint, "/value"), text(taint, "/effect")))
            .collect();
        flags.push(("register-with-taints".into(), list.join(",")));
    }
    for (name, value) in &node.extra {
        flags.retain(|(known, _)| known != name);
        flags.push((name.clone(), value.clone()));
    }
    flags.sort();
    let line: Vec<_> = flags.iter().map(|(name, value)| format!("--{name}={value}")).collect();
    Ok(place::write(
        "/var/lib/kubelet/kubeadm-flags.env",
        format!("KUBELET_KUBEADM_ARGS=\"{}\"\n", line.join(" ")),
        0o644,
    )?)
}

fn exists() -> bool {
    !run::run("systemctl", &["status", "kubelet"], None)
        .map(|ran| ran.out)
        .unwrap_or_default()
        .contains("Loaded: not-found")
}

/// Stops the kubelet, without a word unless it fails.
pub fn stop_kubelet() {
    if !exists() {
        println!("[kubelet-start] couldn't detect a kubelet service, can't make sure the kubelet is running properly.");
        return;
    }
    if let Ok(ran) = run::run("systemctl", &["stop", "kubelet"], None)
        && ran.code != 0
    {
        println!("[kubelet-start] WARNING: unable to stop the kubelet service momentarily: [exit status {}]", ran.code);
    }
}

/// `systemctl daemon-reload && systemctl restart kubelet`; a failure is only told.
pub fn start_kubelet() {
    println!("[kubelet-start] Starting the kubelet");
    if !exists() {
        println!("[kubelet-start] couldn't detect a kubelet service, can't make sure the kubelet is running properly.");
    }
    let reload = run::run("systemctl", &["daemon-reload"], None).map_or(1, |ran| ran.code);
    let code = if reload == 0 {
        run::run("systemctl", &["restart", "kubelet"], None).map_or(1, |ran| ran.code)
    } else {
        reload
    };
    if code != 0 {
        println!("[kubelet-start] WARNING: unable to start the kubelet service: [exit status {code}]");
        println!("[kubelet-start] Please ensure kubelet is reloaded and running manually.");
    }
}

/// GET of the kubelet's healthz; the error is Go's, or the status code.
fn healthz(host: &str) -> Result<(), Result<u16, String>> {
    let wrap = |cause: String| Err(format!("Get \"http://{host}:10248/healthz\": {cause}"));
    let refused = || wrap("dial tcp 127.0.0.1:10248: connect: connection refused".into());
    let mut stream =
        TcpStream::connect_timeout(&([127, 0, 0, 1], 10248).into(), Duration::from_secs(5)).map_err(|_| refused())?;
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}:10248\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let read = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    if read.is_err() && answer.is_empty() {
        return Err(wrap("context deadline exceeded".into()));
    }
    match answer.split(' ').nth(1).and_then(|code| code.parse().ok()) {
        Some(200) => Ok(()),
        Some(code) => Err(Ok(code)),
        None => Err(wrap("EOF".into())),
    }
}

/// kubeadm up to 1.30: silent for 40 s, then five looks with doubling pauses. Err when all failed.
pub fn watch_health_old(stop: &dyn Fn() -> bool) -> Result<(), Fail> {
    let wait = |seconds: u64| {
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until && !stop() {
            clock::pause(Duration::from_millis(100));
        }
        stop()
    };
    if wait(40) {
        return Ok(());
    }
    println!("[kubelet-check] Initial timeout of 40s passed.");
    for pause in [5, 10, 20, 40, 0] {
        let equal = "[kubelet-check] The HTTP call equal to 'curl -sSL http://localhost:10248/healthz'";
        match healthz("localhost") {
            Ok(()) => return Ok(()),
            Err(outcome) => {
                println!("[kubelet-check] It seems like the kubelet isn't running or healthy.");
                match outcome {
                    Ok(code) => println!("{equal} returned HTTP code {code}"),
                    Err(error) => println!("{equal} failed with error: {error}."),
                }
            }
        }
        if wait(pause) {
            return Ok(());
        }
    }
    Err(Fail::plain("timed out waiting for the condition".into()))
}

/// kubeadm since 1.31: says how long it will wait, then how long it took.
pub fn wait_health_new(timeout: Duration) -> Result<(), Fail> {
    println!(
        "[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to {}",
        clock::go_duration(timeout)
    );
    let start = Instant::now();
    let mut last;
    loop {
        match healthz("127.0.0.1") {
            Ok(()) => {
                let took = start.elapsed().as_secs_f64();
                println!(
                    "[kubelet-check] The kubelet is healthy after {}",
                    if took < 1.0 { format!("{:.6}ms", took * 1000.0) } else { format!("{took:.9}s") }
                );
                return Ok(());
            }
            Err(outcome) => last = outcome,
        }
        if start.elapsed() >= timeout {
            break;
        }
        clock::pause(Duration::from_millis(500));
    }
    let took = start.elapsed();
    println!(
        "[kubelet-check] The kubelet is not healthy after {}m{:.9}s",
        took.as_secs() / 60,
        took.as_secs_f64() % 60.0
    );
    println!("{}", FAILED_NEW);
    let equal = "The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz'";
    Err(Fail::plain(match last {
        Ok(code) => format!("failed while waiting for the kubelet to start: {equal} returned HTTP code {code}"),
        Err(error) => format!("failed while waiting for the kubelet to start: {equal} returned error: {error}"),
    }))
}

const FAILED_NEW: &str = "
Unfortunately, an error has occurred, likely caused by:
	- The kubelet is not running
	- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)

If you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:
	- 'systemctl status kubelet'
	- 'journalctl -xeu kubelet'
";

/// The help block of 1.22 to 1.30.
pub fn failed_old(error: &str) {
    println!(
        "
	Unfortunately, an error has occurred:
		{error}

	This error is likely caused by:
		- The kubelet is not running
		- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)

	If you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:
		- 'systemctl status kubelet'
		- 'journalctl -xeu kubelet'
"
    );
}
