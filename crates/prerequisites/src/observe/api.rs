//! The cluster, before it is joined: reachable, who signed it, its clock and version, and whether it knows the token.
//!
//! kubectl does the TLS: it is on nearly every node, because the package kubeadm asks for it, and a TLS library of our
//! own would cost half a megabyte in every binary. Without kubectl these facts are missing and the join finds out.

use host::deadline::Deadline;
use host::files;
use host::process::Program;
use kubeadm::endpoint::Endpoint;
use kubeadm::kubeconfig::yaml;
use kubeadm::lock::RUN_DIR;
use kubeadm::version::Version;
use kubeadm::{ca, program, proxy, time};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// One request.
const REQUEST: Duration = Duration::from_secs(8);
/// What a kubeadm cluster shows to everybody.
const CLUSTER_INFO: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

/// The cluster, as an unknown node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Api {
    /// `host:port`.
    pub endpoint: String,
    /// Why nothing answers.
    pub unreachable: Option<String>,
    /// Whether its certificate is good for this address under the cluster's CA; none when that could not be asked.
    pub tls: Option<Result<(), String>>,
    /// `sha256:<hex>` of the CA in cluster-info.
    pub ca_hash: Option<String>,
    /// Seconds by which this node's clock is ahead of the API server's.
    pub ahead: Option<i64>,
    /// The control plane's version, when it tells strangers.
    pub version: Option<Version>,
    /// Tokens that cluster-info is signed with.
    pub token_ids: Option<Vec<String>>,
}

/// Asks.
pub(super) fn observe(endpoint: &Endpoint, deadline: &Deadline) -> Api {
    let mut api = Api { endpoint: endpoint.to_string(), ..Api::default() };
    let deadline = deadline.at_most(REQUEST * 3);
    if let Err(unreachable) = proxy::reach(endpoint, &deadline) {
        api.unreachable = Some(unreachable.cause);
        return api;
    }
    let server = format!("https://{endpoint}");
    // Whoever answers: what it says is held against the hash, and only then trusted.
    let nobody = json!({"server": server, "insecure-skip-tls-verify": true});
    let Ok(answer) = get(nobody, CLUSTER_INFO, &deadline) else { return api };
    api.ahead = date(&answer.1).and_then(|theirs| seconds_between(theirs, SystemTime::now()));
    let Ok(info) = serde_json::from_str::<Value>(&answer.0) else { return api };
    let data = info["data"].as_object().cloned().unwrap_or_default();
    let ids = data.keys().filter_map(|key| key.strip_prefix("jws-kubeconfig-"));
    api.token_ids = Some(ids.map(str::to_owned).collect());
    let Some(encoded) = data.get("kubeconfig").and_then(Value::as_str).and_then(authority) else { return api };
    api.ca_hash = ca_hash(&encoded);
    let cluster = json!({"server": server, "certificate-authority-data": encoded});
    (api.version, api.tls) = verdict(get(cluster, "/version", &deadline));
    api
}

/// `sha256:<hex>` of the CA that whoever answers at an address gives as the cluster's; none when nobody does. Not to be
/// trusted: it tells two clusters apart, and proves none.
pub fn claimed_ca(endpoint: &Endpoint, deadline: &Deadline) -> Option<String> {
    let deadline = deadline.at_most(REQUEST);
    proxy::reach(endpoint, &deadline).ok()?;
    let nobody = json!({"server": format!("https://{endpoint}"), "insecure-skip-tls-verify": true});
    let (body, _) = get(nobody, CLUSTER_INFO, &deadline).ok()?;
    let info: Value = serde_json::from_str(&body).ok()?;
    ca_hash(&authority(info["data"]["kubeconfig"].as_str()?)?)
}

/// The API server's clock, by the Date of an answer to nobody; none when that cannot be had.
pub fn clock_of(endpoint: &Endpoint, deadline: &Deadline) -> Option<SystemTime> {
    let deadline = deadline.at_most(REQUEST);
    proxy::reach(endpoint, &deadline).ok()?;
    let nobody = json!({"server": format!("https://{endpoint}"), "insecure-skip-tls-verify": true});
    date(&get(nobody, CLUSTER_INFO, &deadline).ok()?.1)
}

fn ca_hash(encoded: &str) -> Option<String> {
    ca::base64_decode(encoded).and_then(|pem| ca::hash_of_pem(&pem).ok())
}

/// stdout and stderr of one `kubectl get --raw` as nobody; an error when kubectl is not there or does not end.
///
/// The kubeconfig is a file of our own: what root has configured for another cluster must not be used here. It has a
/// user, because kubectl asks for one when there is none; the API server knows no passwords and takes it for anonymous.
fn get(cluster: Value, path: &str, deadline: &Deadline) -> anyhow::Result<(String, String)> {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "look",
        "contexts": [{"name": "look", "context": {"cluster": "look", "user": "nobody"}}],
        "clusters": [{"name": "look", "cluster": cluster}],
        "users": [{"name": "nobody", "user": {"username": "nobody", "password": "nobody"}}],
    });
    files::make_dir(RUN_DIR, 0o700)?;
    let file = format!("{RUN_DIR}/look-{}.json", std::process::id());
    files::write_atomic(&file, config.to_string().as_bytes(), 0o600)?;
    let program = Program::new("kubectl").env("PATH", program::search_path());
    let program = program.args(["--kubeconfig", &file, "--request-timeout=8s", "get", "--raw", path, "--v=8"]);
    let ran = program.run(&deadline.at_most(REQUEST));
    // There is no secret in it: a leftover in memory is not worth failing for.
    let _ = files::delete_file(&file);
    ran.map(|output| (output.stdout_text(), output.stderr_text()))
}

/// A refusal for want of rights comes after the handshake: TLS was good.
fn verdict(verified: anyhow::Result<(String, String)>) -> (Option<Version>, Option<Result<(), String>>) {
    let Ok((stdout, stderr)) = verified else { return (None, None) };
    let version = serde_json::from_str::<Value>(&stdout).ok();
    let version = version.and_then(|value| Version::parse(value["gitVersion"].as_str()?).ok());
    let refused = ["x509: ", "tls: ", "certificate"].iter().any(|word| stderr.contains(word));
    let line = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
    let tls = match (&version, refused) {
        (Some(_), _) => Some(Ok(())),
        (None, true) => Some(Err(line)),
        (None, false)
            if stderr.contains("orbidden") || stderr.contains("nauthorized") || stderr.contains("logged in") =>
        {
            Some(Ok(()))
        }
        (None, false) => None,
    };
    (version, tls)
}

/// The CA in the kubeconfig that cluster-info carries, still encoded.
fn authority(kubeconfig: &str) -> Option<String> {
    let config = yaml(kubeconfig).ok()?;
    config["clusters"][0]["cluster"]["certificate-authority-data"].as_str().map(str::to_owned)
}

/// The Date header, which kubectl prints with `--v=8`: `Date: Fri, 20 Nov 2026 23:10:05 GMT`.
fn date(stderr: &str) -> Option<SystemTime> {
    time::parse_http(stderr.split("Date: ").nth(1)?)
}

fn seconds_between(theirs: SystemTime, ours: SystemTime) -> Option<i64> {
    match ours.duration_since(theirs) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).ok(),
        Err(behind) => i64::try_from(behind.duration().as_secs()).ok().map(|seconds| -seconds),
    }
}

#[cfg(test)]
impl Api {
    /// An API server with nothing to complain of.
    pub(crate) fn good() -> Self {
        Api {
            endpoint: "10.0.0.1:6443".into(),
            unreachable: None,
            tls: Some(Ok(())),
            ca_hash: Some("sha256:1111111111111111111111111111111111111111111111111111111111111111".into()),
            ahead: Some(0),
            version: Version::parse("v1.31.0").ok(),
            token_ids: Some(vec!["abcdef".into()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_header_is_found_in_old_and_new_printing() {
        // klog of kubectl 1.22 and the structured one of 1.33.
        let old = "I1120 23:10:05.000000       1 round_trippers.go:457]     Date: Fri, 20 Nov 2026 23:10:05 GMT\n";
        let new = "I1120 1 round_trippers.go:632] \"Response\" status=\"200 OK\" headers=<\n\tAudit-Id: x\n\tDate: Fri, 20 Nov 2026 23:10:05 GMT\n >\n";
        let expected = time::parse("2026-11-20T23:10:05Z");
        assert_eq!((date(old), date(new)), (expected, expected));
        assert_eq!(date("no header"), None);
    }

    #[test]
    fn a_clock_is_ahead_or_behind_by_signed_seconds() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!((seconds_between(at(10), at(70)), seconds_between(at(70), at(10))), (Some(60), Some(-60)));
    }

    #[test]
    fn tls_is_good_when_only_rights_are_missing() {
        let said = |text: &str| verdict(Ok((String::new(), text.to_owned()))).1;
        assert_eq!(
            said("Error from server (Forbidden): forbidden: User \"system:anonymous\" cannot get path \"/version\""),
            Some(Ok(()))
        );
        assert!(matches!(
            said("Unable to connect to the server: x509: certificate is valid for 10.9.9.9, not 127.0.0.1"),
            Some(Err(_))
        ));
        assert_eq!(said("The connection to the server was refused"), None);
        assert_eq!(verdict(Ok(("{\"gitVersion\": \"v1.31.0\"}".into(), String::new()))).1, Some(Ok(())));
    }
}
