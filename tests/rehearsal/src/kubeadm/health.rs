//! Waiting for the kubelet's healthz: silently for 40 s up to 1.30, aloud since, and what is said when it does not come.

use super::fail::Fail;
use crate::{clock, version};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

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
        let until = Instant::now() + clock::limit(Duration::from_secs(seconds));
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
        if start.elapsed() >= clock::limit(timeout) {
            // The last look falls on the deadline itself.
            last = last.map_err(|_| "Get \"http://127.0.0.1:10248/healthz\": context deadline exceeded".to_owned());
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
    let equal = "The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz' returned";
    let fail = Fail::plain(match last {
        Ok(code) => format!("{equal} status code: {code}\n"),
        Err(error) => format!("{equal} error: {error}\n"),
    });
    Err(failed_new(fail, "failed while waiting for the kubelet to start"))
}

/// The help block of 1.31 and newer; from 1.34 on the error says what was waited for.
pub fn failed_new(fail: Fail, context: &str) -> Fail {
    if version::at_least(34) {
        println!("{FAILED_NEW}");
        return fail.wrap(context);
    }
    failed_old(fail.text());
    fail
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
