//! Kubeconfig files and other small YAML: what this node thinks it is joined to.
//!
//! Reads only; unknown fields are of no concern, a file that is no YAML is an error that names it.

use crate::ca;
use anyhow::Context as _;
use serde_json::Value;
use std::path::{Path, PathBuf};

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
}

impl Kubeconfig {
    /// `host:port` of the server.
    pub fn endpoint(&self) -> &str {
        self.server.strip_prefix("https://").unwrap_or(&self.server).trim_end_matches('/')
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
    Ok(Kubeconfig { server, ca_hash, client_certificate })
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
    fn a_kubeconfig_without_a_server_is_an_error() {
        assert!(parse("apiVersion: v1\nkind: Config\n", |_| None).is_err());
        assert!(parse(": : :", |_| None).is_err());
    }
}
