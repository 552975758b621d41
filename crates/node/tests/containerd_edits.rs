//! What an edit does to each configuration that is shipped somewhere, and to any other.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use cri::Error;
use node::containerd::args::Args;
use node::containerd::config::{Config, effect};
use node::containerd::observe::State;
use node::containerd::plan::{self, Plan};
use node::containerd::release::Release;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use toml_edit::{DocumentMut, Item};

/// The module's own reading of options, without running it.
fn args(options: Value) -> Args {
    let mut all = json!({"config_path": "/unused", "systemd_cgroup": true, "sandbox_image": null, "cni_bin_dir": null,
        "cni_conf_dir": "/etc/cni/net.d", "restrict_oom_score_adj": null, "crictl_config": "", "socket": "/run/x.sock",
        "require_cni_config": false, "start": false, "timeout": 60});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn state(main: &Path, release: Option<(u32, u32)>) -> anyhow::Result<State> {
    let release = release.map(|(major, minor)| Release { major, minor });
    Ok(State {
        config: Config::load(main)?.for_release(release),
        crictl: None,
        conf_dir: "/etc/cni/net.d".into(),
        confs: vec![],
        runtime: Err(Error::SocketMissing { socket: "/run/x.sock".into() }),
        unit: node::containerd::service::Service::default(),
        unread: effect::unread_drop_ins(&Config::load(main)?),
        release,
    })
}

fn plan_for(main: &Path, options: Value, release: Option<(u32, u32)>) -> anyhow::Result<Plan> {
    plan::plan(&args(options), &state(main, release)?)
}

/// The text of one file after the edit; the text itself when nothing is to be done.
fn edited(text: &str, options: Value) -> String {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("config.toml");
    std::fs::write(&main, text).unwrap();
    let plan = plan_for(&main, options, None).unwrap();
    plan.config.first().map_or_else(|| text.to_owned(), |edit| edit.after.clone())
}

fn data(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// Lines of `after` that `before` lacks, and the other way round, trimmed.
fn difference(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let lines = |text: &str| text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect::<Vec<_>>();
    let (before, after) = (lines(before), lines(after));
    let minus = |a: &[String], b: &[String]| {
        let mut b = b.to_vec();
        let keep = |line: &&String| match b.iter().position(|other| other == *line) {
            Some(at) => {
                b.remove(at);
                false
            }
            None => true,
        };
        let mut keep = keep;
        a.iter().filter(|l| keep(l)).cloned().collect::<Vec<_>>()
    };
    (minus(&before, &after), minus(&after, &before))
}

#[test]
fn a_generated_default_changes_in_one_line_only() {
    for name in [
        "config-default-1.6.20.toml",
        "config-default-1.7.24.toml",
        "config-default-2.1.9.toml",
        "config-default-2.2.5.toml",
    ] {
        let before = data(name);
        let after = edited(&before, json!({}));
        let expected = (vec!["SystemdCgroup = false".to_owned()], vec!["SystemdCgroup = true".to_owned()]);
        assert_eq!(difference(&before, &after), expected, "{name}");
        assert_eq!(before.lines().count(), after.lines().count(), "{name}: blank lines stay too");
        assert_eq!(edited(&after, json!({})), after, "{name}: a second edit does nothing");
        assert_eq!(edited(&before, json!({"systemd_cgroup": false})), before, "{name}");
    }
}

#[test]
fn debians_packaged_file_gains_a_runtime_and_keeps_its_plugin_directory() {
    let after = edited(&data("debian-1.6.20-packaged.toml"), json!({}));
    assert_eq!(after, data("debian-packaged.edited.toml"));
    assert_eq!(edited(&after, json!({})), after);
    for name in ["debian-1.7.24-packaged.toml", "debian-2.1.9-packaged.toml"] {
        assert_eq!(edited(&data(name), json!({})), after, "{name}");
    }
}

#[test]
fn what_is_asked_for_is_written_where_each_version_has_it() {
    let options =
        json!({"sandbox_image": "example.org/pause:1", "cni_bin_dir": "/opt/x", "restrict_oom_score_adj": true});
    for (version, golden) in [(1, "all-v1.toml"), (2, "all-v2.toml"), (3, "all-v3.toml"), (4, "all-v4.toml")] {
        let after = edited(&format!("version = {version}\n"), options.clone());
        assert_eq!(after, data(golden), "version {version}");
        assert_eq!(edited(&after, options.clone()), after, "version {version}");
    }
}

#[test]
fn dockers_packaged_file_loses_its_disabled_plugin() {
    let docker = "#   Copyright Docker\n\ndisabled_plugins = [\"cri\"]\n\n#root = \"/var/lib/containerd\"\n#[grpc]\n#  address = \"/run/containerd/containerd.sock\"\n";
    let after = edited(docker, json!({}));
    let (gone, new) = difference(docker, &after);
    assert_eq!(gone, ["disabled_plugins = [\"cri\"]"]);
    assert_eq!(
        new,
        [
            "disabled_plugins = []",
            "version = 2",
            "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]",
            "runtime_type = \"io.containerd.runc.v2\"",
            "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]",
            "SystemdCgroup = true"
        ],
        "{after}"
    );
    assert_eq!(edited(&after, json!({})), after);
}

#[test]
fn only_cri_leaves_the_list_of_disabled_plugins() {
    let text = "version = 2\ndisabled_plugins = [\n  \"io.containerd.snapshotter.v1.aufs\", # no aufs here\n  \"io.containerd.grpc.v1.cri\",\n]\n";
    let after = edited(text, json!({}));
    assert!(after.contains("\"io.containerd.snapshotter.v1.aufs\", # no aufs here"), "{after}");
    assert!(!after.contains("\"io.containerd.grpc.v1.cri\",\n"), "{after}");
    let v3 = "version = 3\ndisabled_plugins = ['io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime', 'x.y']\n";
    assert!(edited(v3, json!({})).contains("disabled_plugins = ['x.y']"));
}

#[test]
fn every_runc_runtime_is_set_and_others_are_left() {
    let text = r#"version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "nvidia"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
    runtime_type = "io.containerd.runc.v2" # keep me
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
      BinaryName = "/usr/bin/nvidia-container-runtime"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]
    runtime_type = "io.containerd.kata.v2"
"#;
    let (gone, new) = difference(text, &edited(text, json!({})));
    assert!(gone.is_empty(), "{gone:?}");
    assert_eq!(new, ["SystemdCgroup = true"]);
}

#[test]
fn dotted_keys_and_inline_tables_are_edited_in_their_own_style() {
    let dotted = "version = 2\nplugins.\"io.containerd.grpc.v1.cri\".sandbox_image = \"x\"\n";
    let after = edited(dotted, json!({}));
    assert!(
        after.contains("plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options.SystemdCgroup = true"),
        "{after}"
    );
    let inline = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes]\nrunc = { runtime_type = \"io.containerd.runc.v2\", options = { BinaryName = \"\" } }\n";
    let after = edited(inline, json!({}));
    assert!(after.contains("options = { BinaryName = \"\", SystemdCgroup = true } }"), "{after}");
}

#[test]
fn a_file_that_forgot_its_version_gets_it() {
    let text = "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n  SystemdCgroup = true\n";
    let after = edited(text, json!({}));
    assert!(after.starts_with("version = 2\n"), "{after}");
    assert!(after.contains("runtime_type = \"io.containerd.runc.v2\""), "{after}");
    let v1 = "[plugins.cri.containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n";
    assert!(!edited(v1, json!({})).contains("version"), "a real version 1 file stays one");
}

#[test]
fn a_file_from_windows_keeps_its_line_ends() {
    let text = "version = 2\r\n# a comment\r\nroot = \"/data\"\r\n";
    let after = edited(text, json!({}));
    assert_eq!(after.matches("\r\n").count(), after.matches('\n').count(), "{after:?}");
    assert!(after.contains("# a comment\r\nroot = \"/data\"\r\n"), "{after:?}");
}

#[test]
fn a_missing_file_becomes_the_smallest_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("config.toml");
    for (release, version) in [(None, 2), (Some((1, 6)), 2), (Some((2, 1)), 3), (Some((2, 3)), 3)] {
        let plan = plan_for(&main, json!({}), release).unwrap();
        let after = &plan.config[0].after;
        assert!(after.starts_with(&format!("version = {version}\n")) && after.lines().count() < 10, "{after}");
        assert!(after.contains("SystemdCgroup = true"), "{after}");
    }
}

#[test]
fn the_edit_is_made_where_the_value_in_force_lives() {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("config.toml");
    std::fs::write(&main, "version = 2\nimports = [\"conf.d/*.toml\"]\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"old\"\n").unwrap();
    std::fs::create_dir(dir.path().join("conf.d")).unwrap();
    let (a, b) = (dir.path().join("conf.d/a.toml"), dir.path().join("conf.d/b.toml"));
    std::fs::write(&a, "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/x\"\n").unwrap();
    std::fs::write(&b, "version = 2\n[plugins.\"io.containerd.grpc.v1.opt\"]\npath = \"/y\"\n").unwrap();
    let plan = plan_for(&main, json!({"sandbox_image": "new"}), None).unwrap();
    let of = |path: &Path| {
        plan.config.iter().find(|e| e.path.ends_with(path.file_name().unwrap())).map(|e| e.after.as_str())
    };
    assert!(
        of(&main).unwrap().contains("disabled_plugins = []") && of(&main).unwrap().contains("sandbox_image = \"old\"")
    );
    assert!(of(&a).unwrap().contains("sandbox_image = \"new\"") && of(&a).unwrap().contains("SystemdCgroup = true"));
    assert_eq!(of(&b), None);
}

#[test]
fn what_containerd_would_choke_on_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("config.toml");
    let name = main.display().to_string();
    for (text, words) in [
        ("version = 2\n[plugins\nx = 1\n", format!("reading {name}: line 2, column 9: ")),
        ("version = 2\na = = 3\n", format!("reading {name}: line 2, column 5: ")),
        ("version = 7\n", format!("reading {name}: version is 7, and versions 1 to 4 are known")),
        ("version = 2\nplugins = 3\n", format!("editing {name}: plugins is no table")),
        (
            "version = 2\nimports = [\"/no/such/file.toml\"]\n",
            format!("reading {name}: it imports /no/such/file.toml, which does not exist"),
        ),
        ("version = 2\nimports = 1\n", format!("reading {name}: imports is no list of paths: 1")),
    ] {
        std::fs::write(&main, text).unwrap();
        let error = format!("{:#}", plan_for(&main, json!({}), None).unwrap_err());
        assert!(error.starts_with(&words) && !error.contains('\n'), "{error}\n{words}");
    }
}

#[test]
fn imports_in_a_circle_end() {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("config.toml");
    std::fs::write(&main, "version = 2\nimports = [\"config.toml\", \"b.toml\"]\n").unwrap();
    std::fs::write(dir.path().join("b.toml"), "version = 2\nimports = [\"config.toml\"]\n").unwrap();
    assert_eq!(Config::load(&main).unwrap().files.len(), 2);
}

/// containerd's own reading: the file as `containerd config dump` prints it.
fn dumped(main: &Path) -> String {
    let output =
        std::process::Command::new("containerd").args(["--config", main.to_str().unwrap(), "config", "dump"]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn containerd_itself_reads_every_edit_as_it_was_meant() {
    if !testkit::require("program:containerd") {
        return;
    }
    let old = std::process::Command::new("containerd").arg("--version").output().unwrap();
    let old = String::from_utf8(old.stdout)
        .unwrap()
        .split_whitespace()
        .nth(2)
        .unwrap()
        .trim_start_matches('v')
        .starts_with('1');
    let cri = "plugins.\"io.containerd.grpc.v1.cri\"";
    let mut cases: Vec<String> = vec![
        String::new(),
        "disabled_plugins = [\"cri\"]\n".into(),
        "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n".into(),
        format!("[{cri}.containerd.runtimes.runc.options]\nSystemdCgroup = false\n"),
        format!("version = 2\n[{cri}.containerd.runtimes.crun]\nruntime_type = \"io.containerd.runc.v2\"\n"),
        format!("version = 2\n{cri}.sandbox_image = \"x\"\n"),
        format!("version = 2\n[{cri}]\nsystemd_cgroup = true\n"),
        format!("version = 2\n[{cri}.containerd.runtimes]\nrunc = {{ runtime_type = \"io.containerd.runc.v2\" }}\n"),
        data("config-default-1.6.20.toml"),
        data("config-default-1.7.24.toml"),
        data("debian-1.6.20-packaged.toml"),
    ];
    if old {
        cases.push(
            "version = 1\n[plugins.cri.containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n".into(),
        );
        cases.push("[plugins.linux]\nshim_debug = false\n".into());
    } else {
        cases.push("version = 3\n".into());
        // A real version 1 file: containerd 2 passes over its CRI settings, whatever they say.
        cases.push(
            "[plugins.cri.containerd.runtimes.runc]\nruntime_type = \"x\"\n[plugins.linux]\nshim = \"y\"\n".into(),
        );
        cases.push(data("config-default-2.1.9.toml"));
    }
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("config.toml");
    let options =
        json!({"sandbox_image": "example.org/pause:1", "cni_bin_dir": "/opt/x", "restrict_oom_score_adj": true});
    for text in &cases {
        std::fs::write(&main, text).unwrap();
        let release = if old { (1, 6) } else { (2, 1) };
        let plan = plan_for(&main, options.clone(), Some(release)).unwrap();
        std::fs::write(&main, &plan.config[0].after).unwrap();
        let dump = dumped(&main).replace('\'', "\"");
        let runc = dump.split("runtimes.runc]").nth(1).unwrap();
        assert!(
            runc.contains("runtime_type = \"io.containerd.runc.v2\"") && runc.contains("SystemdCgroup = true"),
            "{text}\n{dump}"
        );
        let has = |line: &str| dump.lines().any(|l| l.trim() == line);
        assert!(has("disabled_plugins = []") && has("restrict_oom_score_adj = true"), "{text}\n{dump}");
        assert!(dump.contains("= \"example.org/pause:1\"") && dump.contains("\"/opt/x\""), "{text}\n{dump}");
    }
}

#[test]
fn containerd_itself_sees_one_value_where_files_of_two_versions_meet() {
    if !testkit::require("program:containerd") {
        return;
    }
    let version = std::process::Command::new("containerd").arg("--version").output().unwrap();
    if !String::from_utf8(version.stdout).unwrap().contains("containerd/v2") {
        eprintln!("containerd 1.x reads no version 3: nothing to see here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (main, import) = (dir.path().join("config.toml"), dir.path().join("old.toml"));
    let new_section =
        "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n";
    std::fs::write(&main, format!("version = 3\nimports = ['old.toml']\n{new_section}[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nSystemdCgroup = false\n")).unwrap();
    std::fs::write(&import, "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/x\"\n").unwrap();
    let plan = plan_for(&main, json!({}), Some((2, 1))).unwrap();
    for edit in &plan.config {
        std::fs::write(&edit.path, &edit.after).unwrap();
    }
    let dump = dumped(&main);
    assert!(dump.contains("SystemdCgroup = true") && !dump.contains("SystemdCgroup = false"), "{dump}");
    assert!(plan_for(&main, json!({}), Some((2, 1))).unwrap().config.is_empty());
}

#[test]
fn containerd_itself_sees_an_edit_through_its_imports() {
    if !testkit::require("program:containerd") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("config.toml");
    std::fs::create_dir(dir.path().join("conf.d")).unwrap();
    let pattern = dir.path().join("conf.d/*.toml").display().to_string();
    std::fs::write(
        &main,
        format!(
            "version = 2\nimports = [{pattern:?}]\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"a\"\n"
        ),
    )
    .unwrap();
    let import = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/x\"\n";
    std::fs::write(dir.path().join("conf.d/10-cni.toml"), import).unwrap();
    let plan = plan_for(&main, json!({"sandbox_image": "b"}), Some((1, 6))).unwrap();
    assert_eq!(plan.config.len(), 1);
    assert!(plan.config[0].path.ends_with("conf.d/10-cni.toml"));
    std::fs::write(&plan.config[0].path, &plan.config[0].after).unwrap();
    let dump = dumped(&main);
    let dump = dump.replace('\'', "\"");
    assert!(dump.contains("SystemdCgroup = true") && dump.contains("\"b\"") && dump.contains("\"/x\""), "{dump}");
}

/// Every leaf of a document as path and value, in a form that does not depend on how it is written.
fn leaves(item: &Item, path: &str, out: &mut Vec<(String, String)>) {
    match item {
        Item::Value(v) if v.is_inline_table() => {
            for (key, value) in v.as_inline_table().unwrap() {
                leaves(&Item::Value(value.clone()), &format!("{path}/{key}"), out);
            }
        }
        Item::Value(v) => out.push((path.to_owned(), v.to_string().trim().to_owned())),
        Item::Table(t) => t.iter().for_each(|(k, i)| leaves(i, &format!("{path}/{k}"), out)),
        Item::ArrayOfTables(a) => {
            for (at, table) in a.iter().enumerate() {
                table.iter().for_each(|(k, i)| leaves(i, &format!("{path}/{at}/{k}"), out));
            }
        }
        Item::None => {}
    }
}

fn all_leaves(text: &str) -> Vec<(String, String)> {
    let document: DocumentMut = text.parse().unwrap();
    let mut out = Vec::new();
    leaves(document.as_item(), "", &mut out);
    out
}

/// What the module owns: everything else is foreign.
fn is_ours(path: &str) -> bool {
    ["/SystemdCgroup", "/systemd_cgroup", "/disabled_plugins", "/version", "/runtimes/runc/runtime_type"]
        .iter()
        .any(|end| path.ends_with(end))
        || ["/sandbox_image", "/pinned_images/sandbox", "/cni/bin_dir", "/cni/bin_dirs", "/restrict_oom_score_adj"]
            .iter()
            .any(|end| path.ends_with(end))
}

fn line() -> impl Strategy<Value = String> {
    let section = prop::sample::select(vec![
        "plugins.\"io.containerd.grpc.v1.cri\"",
        "plugins.'io.containerd.cri.v1.runtime'",
        "plugins.'io.containerd.cri.v1.images'",
        "plugins.cri",
        "plugins.\"io.containerd.internal.v1.opt\"",
        "grpc",
        "proxy_plugins.x",
    ]);
    let sub = prop::sample::select(vec![
        "",
        ".cni",
        ".containerd",
        ".containerd.runtimes",
        ".containerd.runtimes.runc",
        ".containerd.runtimes.runc.options",
        ".containerd.runtimes.kata",
        ".registry.mirrors.\"docker.io\"",
        ".pinned_images",
    ]);
    let key = prop::sample::select(vec![
        "a = 1",
        "b.c = 'x'",
        "SystemdCgroup = false",
        "SystemdCgroup = true",
        "runtime_type = \"io.containerd.runc.v2\"",
        "bin_dir = \"/x\"",
        "bin_dirs = ['/x', '/y']",
        "options = { BinaryName = '', Root = '/r' }",
        "sandbox_image = 'p'",
        "endpoint = [\"https://mirror\"] # where from",
        "# only a comment",
        "",
        "runc.options.Root = '/'",
        "systemd_cgroup = true",
    ]);
    let indent = prop::sample::select(vec!["", "  ", "\t"]);
    (section, sub, prop::collection::vec(key, 0..4), indent, any::<bool>()).prop_map(
        |(section, sub, keys, indent, dotted)| {
            let body: String = keys.iter().map(|k| format!("{indent}{k}\n")).collect();
            // Dotted forms stand before any header, so they are told apart by a mark that `document` sorts by.
            match (dotted, keys.first().filter(|k| !k.is_empty() && !k.starts_with('#'))) {
                (true, Some(key)) => format!("{section}{sub}.{key}\n"),
                _ => format!("{indent}[{section}{sub}] # head\n{body}"),
            }
        },
    )
}

fn document() -> impl Strategy<Value = String> {
    let version =
        prop::sample::select(vec!["", "version = 1\n", "version = 2\n", "version = 3\n", "version = 4 # new\n"]);
    let disabled = prop::sample::select(vec![
        "",
        "disabled_plugins = []\n",
        "disabled_plugins = [\"cri\"]\n",
        "disabled_plugins = [ \"io.containerd.grpc.v1.cri\" , \"a.b.c.d\" ] # list\n",
        "disabled_plugins = [ # one\n  \"a.b.c.d\", # two\n  \"cri\", # three\n] # list\n",
        "disabled_plugins = [\n  \"cri\", # two\n  \"a.b.c.d\", # three\n  # four\n]\n",
    ]);
    (version, disabled, prop::collection::vec(line(), 0..6)).prop_map(|(version, disabled, mut lines)| {
        lines.sort_by_key(|l| l.trim_start().starts_with('['));
        format!("# first\n{version}{disabled}oom_score = 7\n{}# last\n", lines.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_global_rejects: 200_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_edit_parses_keeps_every_foreign_key_and_comment_and_is_idempotent(
        text in document(),
        systemd: bool,
        asked: bool,
    ) {
        // Combinations that are no TOML (a table defined twice) are none of ours.
        prop_assume!(text.parse::<DocumentMut>().is_ok());
        let mut options = json!({"systemd_cgroup": systemd});
        if asked {
            options = json!({"systemd_cgroup": systemd, "sandbox_image": "i", "cni_bin_dir": "/opt/x", "restrict_oom_score_adj": true});
        }
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("config.toml");
        std::fs::write(&main, &text).unwrap();
        let Ok(plan) = plan_for(&main, options.clone(), Some((2, 1))) else {
            // `plugins.x.options = "text"` where a table has to be is refused, never overwritten.
            return Ok(());
        };
        let after = plan.config.first().map_or(text.as_str(), |e| e.after.as_str());
        let (before_leaves, after_leaves) = (all_leaves(&text), all_leaves(after));
        for leaf in before_leaves.iter().filter(|(path, _)| !is_ours(path)) {
            prop_assert!(after_leaves.contains(leaf), "lost {leaf:?}:\n{text}\n---\n{after}");
        }
        for leaf in after_leaves.iter().filter(|(path, _)| !is_ours(path)) {
            prop_assert!(before_leaves.contains(leaf), "invented {leaf:?}:\n{text}\n---\n{after}");
        }
        let comments = |t: &str| t.lines().filter(|l| l.contains('#')).count();
        prop_assert!(comments(after) >= comments(&text), "lost a comment:\n{text}\n---\n{after}");
        std::fs::write(&main, after).unwrap();
        let again = plan_for(&main, options, Some((2, 1))).unwrap();
        prop_assert!(again.config.is_empty(), "not idempotent: {:?}\n{text}\n---\n{after}", again.config[0].changes);
        // The file the reader loads has what was asked for, read here by other means than the editor's.
        let disabled = after_leaves.iter().find(|(p, _)| p == "/disabled_plugins").map(|(_, v)| v.as_str()).unwrap_or_default();
        prop_assert!(!disabled.contains("cri"), "{after}");
    }
}
