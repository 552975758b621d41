//! containerd's configuration: an edit parses, keeps every foreign key and comment, and leaves nothing to edit.

use crate::Check;
use node::containerd::config::{Config, ConfigFile, names::Names, parse};
use node::containerd::observe::State;
use node::containerd::plan::plan;
use node::containerd::release::Release;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Value};

/// What administrators wrote over ten years.
pub static CHECK: Check = Check {
    name: "containerd_config",
    run,
    seed_dirs: &["crates/node/tests/data"],
    seeds: &[
        b"version = 2\nplugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc = { runtime_type = 'io.containerd.runc.v2' }\n",
        b"disabled_plugins = [ # a\n \"cri\", # b\n 'x.y' # c\n] # d\noom_score = 1\r\n",
        b"version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dir = '/a'\nbin_dirs = ['/a'] # why\n",
    ],
    words: &[
        "version = 3\n", "disabled_plugins = ['cri']\n", "[plugins]\n", "[plugins.\"io.containerd.grpc.v1.cri\"]\n", "[[plugins]]\n",
        "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\n", "SystemdCgroup = false\n", "bin_dirs = []\n",
        "runtime_type = \"io.containerd.runc.v2\"\n", "default_runtime_name = 'kata'\n", "plugins = {}\n", "# comment\n", "\r\n",
        "systemd_cgroup = true\n", "sandbox_image = 'x'\n", "'''", "\"\"\"", "[.a]\n", "a.b.c = 1\n", "{a = 1}", "1979-05-27",
    ],
};

/// Keys that may be changed, by the end of their path.
const OURS: [&str; 10] = [
    "/SystemdCgroup",
    "/systemd_cgroup",
    "/disabled_plugins",
    "/version",
    "/runc/runtime_type",
    "/sandbox_image",
    "/pinned_images/sandbox",
    "/cni/bin_dir",
    "/cni/bin_dirs",
    "/restrict_oom_score_adj",
];

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let Ok(before) = std::str::from_utf8(data) else { return };
    let Ok(document) = parse(Path::new("config.toml"), before) else { return };
    for (release, asked) in [((1, 6), false), ((2, 1), true)] {
        let Some(after) = edited(before, release, asked) else { continue };
        let kept = match after.parse::<DocumentMut>() {
            Ok(document) => foreign(&document),
            Err(why) => panic!("{why}: {before:?} became {after:?}"),
        };
        for (key, value) in foreign(&document) {
            assert_eq!(kept.get(&key), Some(&value), "{key} of {before:?} in {after:?}");
        }
        // Two comments may come to stand on one line; a # inside a value of ours is no comment.
        let comments = |text: &str| text.matches('#').count();
        let hashes: usize = all_leaves(&document).values().map(|value| comments(value)).sum();
        assert!(comments(&after) + hashes >= comments(before), "a comment of {before:?} is lost in {after:?}");
        let again = edited(&after, release, asked);
        assert_eq!(again.as_deref(), Some(after.as_str()), "a second edit of {before:?}");
    }
}

/// The text after the edit; the same text when nothing is to be done, and nothing when it is refused.
fn edited(text: &str, (major, minor): (u32, u32), asked: bool) -> Option<String> {
    let path = Path::new("/etc/containerd/config.toml");
    let document = parse(path, text).ok()?;
    let version = match document.get("version") {
        None => 1,
        Some(item) => item.as_integer().filter(|version| (1..=4).contains(version))?,
    };
    let file = ConfigFile {
        path: path.to_owned(),
        text: Some(text.to_owned()),
        document,
        version,
        names: Names::of(version),
        lacks_version: false,
    };
    let release = Some(Release { major, minor });
    let options = json!({"config_path": path, "systemd_cgroup": true, "sandbox_image": asked.then_some("pause"),
        "cni_bin_dir": asked.then_some("/opt/x"), "cni_conf_dir": "/etc/cni/net.d", "crictl_config": "",
        "restrict_oom_score_adj": asked.then_some(true), "socket": "/run/x", "require_cni_config": false,
        "start": false, "timeout": 60});
    let state = State {
        config: Config { files: vec![file] }.for_release(release),
        crictl: None,
        conf_dir: "/etc/cni/net.d".into(),
        confs: Vec::new(),
        runtime: Err(cri::Error::SocketMissing { socket: "/run/x".into() }),
        unit: node::containerd::service::Service::default(),
        unread: Vec::new(),
        release,
    };
    let plan = plan(&serde_json::from_value(options).ok()?, &state).ok()?;
    Some(plan.config.into_iter().next().map_or_else(|| text.to_owned(), |edit| edit.after))
}

/// Every leaf that is not ours, by path; what a leaf is does not depend on the form it is written in.
fn foreign(document: &DocumentMut) -> BTreeMap<String, String> {
    let mut all = all_leaves(document);
    all.retain(|key, _| !OURS.iter().any(|end| key.ends_with(end)));
    all
}

fn all_leaves(document: &DocumentMut) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    leaves(document.as_item(), String::new(), &mut all);
    all
}

fn leaves(item: &Item, path: String, all: &mut BTreeMap<String, String>) {
    match (item.as_table_like(), item) {
        (Some(table), _) => table.iter().for_each(|(key, item)| leaves(item, format!("{path}/{key}"), all)),
        (_, Item::ArrayOfTables(tables)) => {
            for (at, table) in tables.iter().enumerate() {
                table.iter().for_each(|(key, item)| leaves(item, format!("{path}/{at}/{key}"), all));
            }
        }
        (_, Item::Value(value)) => drop(all.insert(path, bare(value))),
        _ => {}
    }
}

fn bare(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| bare(item) + ",").collect(),
        Value::InlineTable(table) => table.iter().map(|(key, item)| format!("{key}={},", bare(item))).collect(),
        Value::String(text) => format!("{:?}", text.value()),
        other => other.to_string().trim().to_owned(),
    }
}
