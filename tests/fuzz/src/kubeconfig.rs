//! Kubeconfigs, and the certificates in them: read or refused, and never followed to a file that was not asked for.

use crate::Check;
use kubeadm::{ca, kubeconfig};

/// Some are fetched: a discovery file by URL, cluster-info from the API server.
pub static CHECK: Check = Check {
    name: "kubeconfig",
    run,
    seed_dirs: &["crates/kubeadm/tests/data", "tests/fuzz/seeds/kubeconfig"],
    seeds: &[
        b"apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- {name: a, context: {cluster: a, user: a}}\n\
          clusters:\n- name: a\n  cluster:\n    server: https://10.0.0.1:6443\n    certificate-authority: /etc/kubernetes/pki/ca.crt\n\
          users:\n- {name: a, user: {client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem}}\n",
        b"current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\n\
          clusters: [{name: b, cluster: {server: 'https://x', certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t}}]\n",
        b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n? complex\n: !tag |\n  text\n",
    ],
    words: &[
        "current-context: ", "server: ", "certificate-authority-data: ", "- name: ", "&a ", "*a", "<<: *a", "!!binary ", "---\n",
        "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "MIIB", "[[[[[[[[", "{{{{{{{{", "? ", "| ", "\t",
    ],
};

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let _ = ca::hash_of_pem(data);
    let text = String::from_utf8_lossy(data);
    let named = |_: &std::path::Path| Some(data.to_vec());
    let Ok(read) = kubeconfig::parse(&text, named) else { return };
    assert!(read.ca_hash.as_deref().is_none_or(|hash| hash.len() == "sha256:".len() + 64 && hash.is_ascii()));
    assert!(read.server.ends_with(read.endpoint()) || read.server.ends_with('/'), "{read:?}");
    assert_eq!(kubeconfig::parse(&text, named).ok(), Some(read), "read twice it is not the same");
}
