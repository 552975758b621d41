//! From inside a stand-in container: the host's own programs (ip, bridge, iptables) and the API server.

use crate::kubeconfig::{self, Credential};
use crate::net::api::Api;
use crate::place;
use crate::run::Ran;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// Runs a program of the host: in a root of its own when there is one, directly otherwise.
pub fn run(program: &str, args: &[&str], input: Option<&str>) -> Result<Ran> {
    if !std::path::Path::new("/host/usr/bin").exists() {
        return crate::run::run(program, args, input.map(str::as_bytes));
    }
    let mut child = Command::new("/proc/self/exe")
        .arg0("rehearsal")
        .args([&["in-host", program], args].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {program}"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that ends early tells why by its exit status.
        let _ = pipe.write_all(input.unwrap_or_default().as_bytes());
    }
    let output = child.wait_with_output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { code: output.status.code().unwrap_or(137), out: text(&output.stdout), err: text(&output.stderr) })
}

/// As [`run`], but anything except exit status 0 is an error.
pub fn check(program: &str, args: &[&str]) -> Result<String> {
    let ran = run(program, args, None)?;
    if ran.code != 0 {
        bail!("{program} {}: exit status {}: {}", args.join(" "), ran.code, ran.err.trim());
    }
    Ok(ran.out)
}

/// `rehearsal in-host PROGRAM ARGS`: changes the root to /host and becomes the program.
pub fn enter(args: &[String]) -> ExitCode {
    let entered = std::os::unix::fs::chroot("/host").and_then(|()| std::env::set_current_dir("/"));
    if let (Ok(()), Some((program, rest))) = (entered, args.split_first()) {
        for dir in ["/usr/sbin", "/usr/bin"] {
            let path = format!("{dir}/{program}");
            if std::path::Path::new(&path).exists() {
                let error = Command::new(path)
                    .args(rest)
                    .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
                    .env("LC_ALL", "C")
                    .exec();
                eprintln!("{program}: {error}");
                return ExitCode::from(126);
            }
        }
    }
    eprintln!("{}: not found on the host", args.first().map_or("", String::as_str));
    ExitCode::from(127)
}

/// Loads rules into iptables without flushing what they do not name.
pub fn restore(rules: &str) -> Result<()> {
    let ran = run("iptables-restore", &["--noflush", "-w", "5"], Some(rules))?;
    if ran.code != 0 {
        bail!("iptables-restore: exit status {}: {}", ran.code, ran.err.trim());
    }
    Ok(())
}

/// Puts a rule at the head (`-I`) or end (`-A`) of a chain, unless it is there.
pub fn rule(table: &str, action: &str, chain: &str, rule: &[&str]) -> Result<()> {
    let with = |action: &str| run("iptables", &[&["-w", "5", "-t", table, action, chain][..], rule].concat(), None);
    if with("-C")?.code == 0 {
        return Ok(());
    }
    let ran = with(action)?;
    if ran.code != 0 {
        bail!("iptables -t {table} {action} {chain}: {}", ran.err.trim());
    }
    Ok(())
}

/// The API with the pod's service account, at the address that the stand-in kubelet passed on; a real one names the Service.
pub fn api() -> Result<Api> {
    let dir = "/var/run/secrets/kubernetes.io/serviceaccount";
    let server = std::env::var("REHEARSAL_API").or_else(|_| service()).context("no address of the API is set")?;
    let token = place::read(format!("{dir}/token")).context("no service account token")?;
    let ca = place::read(format!("{dir}/ca.crt")).context("no service account CA")?;
    kubeconfig::client(&kubeconfig::make(&server, &ca, "default", "default", &Credential::Token(token.trim())))
}

fn service() -> Result<String, std::env::VarError> {
    let part = |name: &str| std::env::var(format!("KUBERNETES_SERVICE_{name}"));
    Ok(format!("https://{}:{}", part("HOST")?, part("PORT")?))
}

/// The Node that this pod runs on: what the stand-in kubelet passed on, or what the API knows of the pod.
pub fn node(api: &Api) -> Result<String> {
    if let Ok(name) = std::env::var("REHEARSAL_NODE") {
        return Ok(name);
    }
    let own = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let pod = api.get(&format!("/api/v1/namespaces/{}/pods/{}", own("POD_NAMESPACE")?, own("POD_NAME")?))?;
    Ok(crate::yaml::text(&pod, "/spec/nodeName").to_owned())
}
