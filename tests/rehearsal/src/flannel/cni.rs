//! The CNI plugin `flannel`: reads subnet.env and delegates to bridge with host-local, in the real plugin's words.

use crate::place;
use crate::yaml::text;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Command, ExitCode, Stdio};

struct Refusal(u32, String);

/// Called by the container runtime: options in CNI_* variables, configuration on stdin, answer on stdout.
pub fn main() -> ExitCode {
    let mut input = String::new();
    // Nothing on stdin is a configuration that does not parse.
    let _ = std::io::stdin().read_to_string(&mut input);
    let conf: Value = serde_json::from_str(&input).unwrap_or_default();
    match run(&conf) {
        Ok(answer) => {
            print!("{answer}");
            ExitCode::SUCCESS
        }
        Err(Refusal(code, msg)) => {
            let version = conf["cniVersion"].as_str().unwrap_or("0.3.1");
            println!("{}", json!({"cniVersion": version, "code": code, "msg": msg}));
            ExitCode::FAILURE
        }
    }
}

fn run(conf: &Value) -> Result<String, Refusal> {
    let command = std::env::var("CNI_COMMAND").unwrap_or_default();
    match command.as_str() {
        "VERSION" => Ok(
            json!({"cniVersion": "1.0.0", "supportedVersions": ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"]})
                .to_string(),
        ),
        "ADD" => add(conf),
        "DEL" => delete(conf),
        "CHECK" => Ok(String::new()),
        _ => Err(Refusal(4, format!("unknown CNI_COMMAND: {command}"))),
    }
}

fn subnet_env(path: &str) -> Result<Vec<(String, String)>, Refusal> {
    let content = std::fs::read_to_string(path).map_err(|error| {
        let cause = if error.kind() == std::io::ErrorKind::NotFound { "no such file or directory".to_owned() } else { error.to_string() };
        Refusal(100, format!("failed to load flannel 'subnet.env' file: open {path}: {cause}. Check the flannel pod log for this node."))
    })?;
    let pairs: Vec<(String, String)> = content
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let missing: Vec<&str> = ["FLANNEL_SUBNET", "FLANNEL_MTU", "FLANNEL_IPMASQ"]
        .into_iter()
        .filter(|key| !pairs.iter().any(|(name, _)| name == key))
        .collect();
    if missing.is_empty() { Ok(pairs) } else { Err(Refusal(100, format!("{path} is missing {}", missing.join(", ")))) }
}

/// The first address of a subnet given by any of its addresses, with its length.
fn network(cidr: &str) -> String {
    let (address, bits) = cidr.split_once('/').unwrap_or((cidr, "24"));
    let ip: std::net::Ipv4Addr = address.parse().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
    let mask = u32::MAX.checked_shl(32 - bits.parse::<u32>().unwrap_or(24)).unwrap_or(0);
    format!("{}/{bits}", std::net::Ipv4Addr::from(u32::from(ip) & mask))
}

fn add(conf: &Value) -> Result<String, Refusal> {
    let path = Some(text(conf, "/subnetFile")).filter(|path| !path.is_empty()).unwrap_or("/run/flannel/subnet.env");
    let env = subnet_env(path)?;
    let get = |key: &str| env.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str()).unwrap_or_default();
    let mut delegate = if conf["delegate"].is_object() { conf["delegate"].clone() } else { json!({}) };
    let mut default = |field: &str, value: Value| {
        if delegate[field].is_null() {
            delegate[field] = value;
        }
    };
    default("name", conf["name"].clone());
    default("type", json!("bridge"));
    default("ipMasq", json!(get("FLANNEL_IPMASQ") != "true"));
    default("mtu", json!(get("FLANNEL_MTU").parse::<u32>().unwrap_or(1450)));
    if delegate["type"] == "bridge" && delegate["isGateway"].is_null() {
        delegate["isGateway"] = json!(true);
    }
    delegate["cniVersion"] = conf["cniVersion"].clone();
    let mut routes = Vec::new();
    if !get("FLANNEL_NETWORK").is_empty() {
        routes.push(json!({"dst": get("FLANNEL_NETWORK")}));
    }
    delegate["ipam"] =
        json!({"type": "host-local", "ranges": [[{"subnet": network(get("FLANNEL_SUBNET"))}]], "routes": routes});
    let container = std::env::var("CNI_CONTAINERID").unwrap_or_default();
    place::write(format!("/var/lib/cni/flannel/{container}"), delegate.to_string(), 0o600)
        .map_err(|error| Refusal(100, format!("{error:#}")))?;
    call(&delegate)
}

fn delete(_conf: &Value) -> Result<String, Refusal> {
    let container = std::env::var("CNI_CONTAINERID").unwrap_or_default();
    let path = format!("/var/lib/cni/flannel/{container}");
    // A pod that never came up, or was ended before, has nothing to give back.
    let Some(delegate) = place::read(&path).and_then(|content| serde_json::from_str::<Value>(&content).ok()) else {
        return Ok(String::new());
    };
    let answer = call(&delegate)?;
    let _ = std::fs::remove_file(&path);
    Ok(answer)
}

/// Runs the delegate found in CNI_PATH; its refusal is ours.
fn call(delegate: &Value) -> Result<String, Refusal> {
    let name = text(delegate, "/type");
    let path = std::env::var("CNI_PATH").unwrap_or_default();
    let program =
        path.split(':').map(|dir| std::path::Path::new(dir).join(name)).find(|file| file.is_file()).ok_or_else(
            || Refusal(100, format!("failed to delegate: failed to find plugin {name:?} in path [{path}]")),
        )?;
    let io = |error: std::io::Error| Refusal(100, format!("failed to delegate {name}: {error}"));
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(io)?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(delegate.to_string().as_bytes()).map_err(io)?;
    }
    let output = child.wait_with_output().map_err(io)?;
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(answer);
    }
    let told: Value = serde_json::from_str(&answer).unwrap_or_default();
    Err(Refusal(
        told["code"].as_u64().unwrap_or(100) as u32,
        format!("failed to delegate add: {}", told["msg"].as_str().unwrap_or(&answer)),
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_subnet_is_named_by_its_first_address() {
        assert_eq!(super::network("10.244.1.1/24"), "10.244.1.0/24");
        assert_eq!(super::network("10.244.1.1/16"), "10.244.0.0/16");
    }
}
