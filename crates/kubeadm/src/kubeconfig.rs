//! Kubeconfig files and other small YAML: what this node thinks it is joined to.
//!
//! Reads only; unknown fields are of no concern, a file that is no YAML is an error that names it.

use crate::ca;
use crate::certificate::Certificate;
use anyhow::Context as _;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where kubeadm and the kubelet keep the kubelet's credentials.
pub const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";
/// The token's credentials, while a join is under way; kubeadm deletes it when it ends.
pub const BOOTSTRAP_CONF: &str = "/etc/kubernetes/bootstrap-kubelet.conf";
/// The cluster's CA, on every node.
pub const CA_CERT: &str = "/etc/kubernetes/pki/ca.crt";

/// The current context of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubeconfig {
    /// `https://host:port`.
    pub server: String,
    /// `sha256:<hex>` of the CA's public key, when the CA is there and can be read.
    pub ca_hash: Option<String>,
    /// The file with the client's certificate; it may not exist (yet).
    pub client_certificate: Option<PathBuf>,
    /// The client's certificate in PEM, where the kubeconfig holds it itself.
    pub client_certificate_data: Option<Vec<u8>>,
}

impl Kubeconfig {
    /// `host:port` of the server.
    pub fn endpoint(&self) -> &str {
        self.server.strip_prefix("https://").unwrap_or(&self.server).trim_end_matches('/')
    }
}

/// How far the client certificate that a kubeconfig names can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// Its file is not there: a kubelet writes its kubeconfig before its certificate is issued.
    Missing(PathBuf),
    /// It cannot be read as a certificate: why.
    Unreadable(String),
    /// It was valid until then, by this machine's clock.
    Expired(SystemTime),
    /// It is valid, and whose it is; an empty name where the kubeconfig logs in by other means, such as a token.
    Good {
        /// The Node in the certificate's name.
        node: Option<String>,
    },
}

impl Kubeconfig {
    /// Reads the client certificate.
    pub fn client(&self, now: SystemTime) -> Client {
        let pem = match (&self.client_certificate, &self.client_certificate_data) {
            // The data wins in client-go, too.
            (_, Some(data)) => data.clone(),
            (Some(path), None) => match host::files::read_optional(path) {
                Ok(Some(pem)) => pem,
                Ok(None) => return Client::Missing(path.clone()),
                Err(e) => return Client::Unreadable(format!("{e:#}")),
            },
            (None, None) => return Client::Good { node: None },
        };
        match Certificate::of_pem(&pem) {
            Ok(read) if read.not_after < now => Client::Expired(read.not_after),
            Ok(read) => Client::Good { node: read.node_name().map(str::to_owned) },
            Err(e) => Client::Unreadable(format!("the kubelet's client certificate: {e:#}")),
        }
    }
}

/// Reads a kubeconfig; `None` when there is no such file.
pub fn read(path: impl AsRef<Path>) -> anyhow::Result<Option<Kubeconfig>> {
    let path = path.as_ref();
    let Some(text) = host::files::read_text(path)? else { return Ok(None) };
    let file = |path: &Path| host::files::read_optional(path).ok().flatten();
    parse(&text, file).map(Some).with_context(|| format!("reading {} as a kubeconfig", path.display()))
}

/// A YAML or JSON document as a JSON value.
pub fn yaml(text: &str) -> anyhow::Result<Value> {
    serde_norway::from_str(text).context("reading YAML")
}

/// A JSON value as a YAML document; its comments, anchors and style are not what they were.
pub fn to_yaml(document: &Value) -> anyhow::Result<String> {
    serde_norway::to_string(document).context("writing YAML")
}

/// Reads a kubeconfig's text; `file` gives the content of a CA file that it names.
pub fn parse(text: &str, file: impl Fn(&Path) -> Option<Vec<u8>>) -> anyhow::Result<Kubeconfig> {
    let all = yaml(text)?;
    let named = |list: &str, name: &Value| -> Value {
        let items = all[list].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().find(|item| item["name"] == *name).cloned().unwrap_or_default()
    };
    let context = named("contexts", &all["current-context"]);
    let cluster = named("clusters", &context["context"]["cluster"]);
    let user = named("users", &context["context"]["user"]);
    let cluster = &cluster["cluster"];
    let server = cluster["server"].as_str().context("the current context's cluster has no server")?.to_owned();
    let data = cluster["certificate-authority-data"].as_str().and_then(ca::base64_decode);
    let named = || cluster["certificate-authority"].as_str().and_then(|path| file(Path::new(path)));
    let ca_hash = data.or_else(named).and_then(|pem| ca::hash_of_pem(&pem).ok());
    let client_certificate = user["user"]["client-certificate"].as_str().map(PathBuf::from);
    let client_certificate_data = user["user"]["client-certificate-data"].as_str().and_then(ca::base64_decode);
    Ok(Kubeconfig { server, ca_hash, client_certificate, client_certificate_data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_context_counts_and_not_the_first() {
        let text = "
apiVersion: v1
kind: Config
current-context: b
contexts:
- {name: a, context: {cluster: a, user: a}}
- {name: b, context: {cluster: b, user: b}}
clusters:
- {name: a, cluster: {server: 'https://1.1.1.1:6443'}}
- {name: b, cluster: {server: 'https://2.2.2.2:6443'}}
users:
- {name: b, user: {client-certificate: /x.pem}}
";
        let read = parse(text, |_| None).unwrap();
        assert_eq!(read.endpoint(), "2.2.2.2:6443");
        assert_eq!(read.client_certificate, Some("/x.pem".into()));
        assert_eq!(read.ca_hash, None);
    }

    #[test]
    fn a_certificate_is_missing_unreadable_expired_or_somebodys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubelet-client-current.pem");
        let conf = Kubeconfig { client_certificate: Some(path.clone()), ..Kubeconfig::default() };
        let at = |text| crate::time::parse(text).unwrap();
        let (before, after) = (at("2025-06-01T00:00:00Z"), at("2026-06-01T00:00:00Z"));
        assert_eq!(conf.client(before), Client::Missing(path.clone()));
        std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/kubelet-client.pem"), &path).unwrap();
        assert_eq!(conf.client(before), Client::Good { node: Some("w1".into()) });
        assert_eq!(conf.client(after), Client::Expired(at("2026-01-01T00:00:00Z")));
        host::files::write_atomic(&path, b"-----BEGIN", 0o600).unwrap();
        assert!(matches!(conf.client(before), Client::Unreadable(_)));
        assert_eq!(Kubeconfig::default().client(before), Client::Good { node: None });
    }

    #[test]
    fn a_kubeconfig_without_a_server_is_an_error() {
        assert!(parse("apiVersion: v1\nkind: Config\n", |_| None).is_err());
        assert!(parse(": : :", |_| None).is_err());
    }
}
