//! Which entries of a kubeconfig are this cluster's, and which files are left alone.
#![allow(clippy::disallowed_methods, reason = "a test's own files and programs")]

use super::*;

/// Two CAs of the kubeadm crate's test data.
const CA: &[u8] = include_bytes!("../../../../crates/kubeadm/tests/data/ca.crt");
const OTHER_CA: &[u8] = include_bytes!("../../../../crates/kubeadm/tests/data/ca-ec.crt");

/// With two clusters, called by server and CA.
fn config(clusters: &[(&str, &str, &[u8])]) -> String {
    use base64::Engine as _;
    let encode = |pem: &[u8]| base64::engine::general_purpose::STANDARD.encode(pem);
    let mut text = "apiVersion: v1\nkind: Config\ncurrent-context: a\n".to_owned();
    text += "clusters:\n";
    for (name, server, ca) in clusters {
        text += &format!(
            "- name: {name}\n  cluster:\n    server: {server}\n    certificate-authority-data: {}\n",
            encode(ca)
        );
    }
    text += "contexts:\n";
    for (name, ..) in clusters {
        text += &format!("- name: {name}\n  context: {{cluster: {name}, user: {name}}}\n");
    }
    text += "users:\n";
    for (name, ..) in clusters {
        text += &format!("- name: {name}\n  user: {{token: secret-of-{name}}}\n");
    }
    text
}

fn mine() -> BTreeSet<Cluster> {
    BTreeSet::from([("https://10.0.0.1:6443".to_owned(), ca::hash_of_pem(CA).unwrap())])
}

fn look_at(bytes: &[u8]) -> Result<Option<Edit>, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    std::fs::write(&path, bytes).unwrap();
    look(&path, &mine())
}

#[test]
fn only_entries_of_this_server_and_this_ca_are_taken_out() {
    let text = config(&[
        ("a", "https://10.0.0.1:6443", CA),
        ("b", "https://10.0.0.1:6443", OTHER_CA),
        ("c", "https://prod.example:6443", CA),
    ]);
    let edit = look_at(text.as_bytes()).unwrap().unwrap();
    assert_eq!(edit.what(), "entries of this cluster: cluster a, context a, user a");
    let after = read(edit.after.as_bytes()).unwrap();
    assert_eq!(servers(&after), ["https://10.0.0.1:6443", "https://prod.example:6443"]);
    assert_eq!(after["current-context"], "");
    assert!(!edit.after.contains("secret-of-a") && edit.after.contains("secret-of-b"));
    assert_eq!(
        look_at(edit.after.as_bytes()).unwrap_err(),
        "it is not proved to be this cluster's: https://10.0.0.1:6443, https://prod.example:6443"
    );
}

#[test]
fn a_user_that_another_context_needs_stays_and_an_own_config_becomes_an_empty_one() {
    let mut text = config(&[("a", "https://10.0.0.1:6443/", CA), ("b", "https://b:6443", OTHER_CA)]);
    text = text.replace("{cluster: b, user: b}", "{cluster: b, user: a}");
    assert_eq!(look_at(text.as_bytes()).unwrap().unwrap().what(), "entries of this cluster: cluster a, context a");
    let own = look_at(config(&[("a", "https://10.0.0.1:6443", CA)]).as_bytes()).unwrap().unwrap();
    let after = read(own.after.as_bytes()).unwrap();
    assert_eq!((after["kind"].as_str(), after["clusters"].as_array().map(Vec::len)), (Some("Config"), Some(0)));
    assert_eq!(look_at(own.after.as_bytes()), Ok(None), "a second run finds nothing");
}

#[test]
fn what_cannot_be_read_for_certain_is_kept_and_says_why() {
    let text = config(&[("a", "https://10.0.0.1:6443", CA)]);
    let kept = |bytes: &[u8]| look_at(bytes).unwrap_err();
    assert!(kept(text.replace("\n  cluster", "\n\tcluster").as_bytes()).starts_with("it cannot be read"));
    assert!(kept(format!("{text}---\n{text}").as_bytes()).starts_with("it cannot be read"));
    assert!(kept(format!("\u{feff}{text}").as_bytes()).contains("byte order mark"));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(kept(&wide).contains("zero bytes") || kept(&wide).contains("not UTF-8"));
    assert!(kept(format!("{text}x: &x {{a: 1}}\ny: {{<<: *x}}\n").as_bytes()).contains("merge keys"));
    assert_eq!(kept(b"x\n"), "it is not a kubeconfig");
    assert_eq!(kept(b"kind: Secret\n"), "it is not a kubeconfig");
    assert!(kept(text.replace("certificate-authority-data", "no-ca").as_bytes()).contains("not proved"));
}

#[test]
fn a_link_and_a_directory_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (real, link) = (directory.path().join("real"), directory.path().join("link"));
    std::fs::write(&real, config(&[("a", "https://10.0.0.1:6443", CA)])).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    assert!(look(&link, &mine()).unwrap_err().contains("not a regular file"));
    assert!(look(directory.path(), &mine()).unwrap_err().contains("not a regular file"));
    assert_eq!(look(&directory.path().join("none"), &mine()), Ok(None));
}

#[test]
fn kubectls_cache_directories_are_named_after_servers() {
    assert_eq!(directory_of("https://10.0.0.1:6443"), "10.0.0.1_6443");
    assert_eq!(directory_of("https://api.example:6443/k8s"), "api.example_6443_k8s");
}
