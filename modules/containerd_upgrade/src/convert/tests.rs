//! Judged by containerd's own migration where the machine has one; see tests/real.rs for that. Here: words and comments.

use super::*;

fn release(text: &str) -> Release {
    Release::parse(text).unwrap()
}

fn converted(text: &str, from: i64, target: &str) -> (String, Notes) {
    let mut document: DocumentMut = text.parse().unwrap();
    let notes = convert(&mut document, from, release(target)).unwrap();
    (document.to_string(), notes)
}

const SECOND: &str = r#"# ours
version = 2

[plugins]
  # CRI
  [plugins."io.containerd.grpc.v1.cri"]
    restrict_oom_score_adj = true
    # our own pause
    sandbox_image = "example.org/pause:3.9" # pinned
    stream_server_port = "10010"
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/usr/lib/cni"
      conf_dir = "/etc/cni/net.d"
    # runtimes
    [plugins."io.containerd.grpc.v1.cri".containerd]
      snapshotter = "native"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v1"
        runtime_root = "/run/r"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
          SystemdCgroup = true
    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
      endpoint = ["https://mirror.example.org"]
  [plugins."io.containerd.internal.v1.opt"]
    path = "/var/lib/containerd/opt"
"#;

#[test]
fn a_file_of_version_2_is_one_of_version_3_with_its_comments() {
    let (text, notes) = converted(SECOND, 2, "2.1.9");
    assert!(text.starts_with("# ours\nversion = 3\n"), "{text}");
    let document: DocumentMut = text.parse().unwrap();
    let says = |path: &[&str]| {
        node::containerd::config::paths::value(&document, &[&["plugins"], path].concat())
            .map(|v| v.to_string().trim().to_owned())
    };
    assert_eq!(says(&[IMAGES, "pinned_images", "sandbox"]).as_deref(), Some("\"example.org/pause:3.9\" # pinned"));
    assert_eq!(says(&[IMAGES, "snapshotter"]).as_deref(), Some("\"native\""));
    assert_eq!(says(&[RUNTIME, "restrict_oom_score_adj"]).as_deref(), Some("true"));
    assert_eq!(says(&[RUNTIME, "cni", "bin_dirs"]).as_deref(), Some("[\"/usr/lib/cni\"]"));
    assert_eq!(
        says(&[RUNTIME, "containerd", "runtimes", "runc", "runtime_type"]).as_deref(),
        Some("\"io.containerd.runc.v2\"")
    );
    assert_eq!(says(&[RUNTIME, "containerd", "runtimes", "runc", "options", "Root"]).as_deref(), Some("\"/run/r\""));
    assert_eq!(says(&[CRI, "stream_server_port"]).as_deref(), Some("\"10010\""));
    assert!(says(&[IMAGES, "registry", "mirrors", "docker.io", "endpoint"]).is_some(), "{text}");
    for comment in ["# CRI\n", "# our own pause\n", "# runtimes\n", "# pinned\n"] {
        assert_eq!(text.matches(comment).count(), 1, "{comment} {text}");
    }
    assert!(notes.undecided.is_empty() && notes.changes.iter().any(|c| c.contains("runc.v1 is gone")), "{notes:?}");
    let again = converted(&text, 3, "2.1.9");
    assert_eq!((again.0, again.1), (text, Notes::default()), "a second time changes nothing");
}

#[test]
fn the_servers_settings_are_those_of_plugins_since_2_3() {
    let (text, notes) = converted(
        "version = 3\n[grpc]\n  # moved\n  address = \"/run/c.sock\"\n  uid = 7\n[debug]\n  level = \"debug\"\n  address = \"\"\n",
        3,
        "2.3.1",
    );
    assert!(text.contains("version = 4\n") && text.contains("[plugins.\"io.containerd.server.v1.grpc\"]\n"), "{text}");
    assert!(
        text.contains("# moved\n") && text.contains("uid = 7") && text.contains("[debug]\n  level = \"debug\""),
        "{text}"
    );
    assert!(text.contains("address = \"/run/c.sock.ttrpc\""), "{text}");
    assert!(!text.contains("[grpc]") && notes.undecided.is_empty(), "{text}");
}

#[test]
fn what_a_release_has_removed_is_asked_of_a_person() {
    let (_, notes) =
        converted("version = 3\n[plugins.\"io.containerd.cri.v1.runtime\"]\nenable_cdi = false\n", 3, "2.4.0");
    assert!(notes.undecided.iter().any(|asked| asked.contains("enable_cdi is false")), "{notes:?}");
    assert!(converted(SECOND, 2, "2.4.0").1.undecided.is_empty());
    let (_, notes) = converted(SECOND, 2, "2.7.0");
    assert!(
        notes.undecided.iter().any(|asked| asked.contains("registry.mirrors") && asked.contains("hosts.toml")),
        "{notes:?}"
    );
    assert!(converted(SECOND, 2, "2.3.0").1.undecided.is_empty());
}

#[test]
fn short_names_become_whole_ones_and_old_runtimes_are_promoted() {
    let first = "disabled_plugins = [\"aufs\", \"restart\"]\n[plugins.cri]\n  sandbox_image = \"p\"\n[plugins.cri.containerd.default_runtime]\n  runtime_type = \"io.containerd.runtime.v1.linux\"\n[plugins.cri.containerd.untrusted_workload_runtime]\n  runtime_type = \"\"\n[plugins.linux]\n  shim = \"x\"\n";
    let (text, notes) = converted(first, 1, "2.1.0");
    assert!(text.contains("version = 3") && text.contains("\"io.containerd.snapshotter.v1.aufs\""), "{text}");
    assert!(
        text.contains("containerd.runtimes.default]") && text.contains("default_runtime_name = \"default\""),
        "{text}"
    );
    assert!(!text.contains("untrusted") && !text.contains("linux") && notes.undecided.is_empty(), "{text}");
}

#[test]
fn a_release_of_1_is_written_in_version_2_and_2_0_keeps_bin_dir() {
    assert_eq!(converted(SECOND, 2, "1.7.24"), (SECOND.to_owned(), Notes::default()));
    assert!(converted(SECOND, 2, "2.0.5").0.contains("bin_dir = \"/usr/lib/cni\""));
}
