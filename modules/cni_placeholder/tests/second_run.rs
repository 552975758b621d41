//! For any directory of configurations and any options: after the steps are done, nothing is left to do, and what
//! somebody else wrote is byte for byte as it was.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use cni_placeholder::args::{Args, SPEC};
use cni_placeholder::{apply, observe, plan};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const NAMES: [&str; 5] =
    ["00-placeholder.conflist", "10-flannel.conflist", "05-theirs.conf", "99-theirs.json", ".10-x.kubejoin-1"];

fn content() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "{",
        r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel","delegate":{"isDefaultGateway":true}}]}"#,
        r#"{"name":"n","type":"bridge","bridge":"br0","ipam":{"type":"host-local"}}"#,
        r#"{"name":"lo","plugins":[{"type":"loopback"}]}"#,
        r#"{"name":"cni0","plugins":[{"type":"bridge","bridge":"cni0","ipam":{"type":"host-local","subnet":"10.244.0.0/16"}}]}"#,
    ])
}

fn args(dir: &Path, state: &str, profile: &str, file: &str) -> Args {
    let options = json!({"state": state, "profile": profile, "path": dir.join("net.d").join(file),
        "plugin_dir": dir.join("bin"), "plugin_source": dir.join("lib")});
    let (answer, params) = ansible::validate(&SPEC, options.to_string().as_bytes());
    let args: Args = params.unwrap_or_else(|| unreachable!("{answer}")).parse().unwrap();
    args.validate().unwrap();
    args
}

/// One run: what was to be done, and is done.
fn run(args: &Args) -> Vec<plan::Step> {
    let plan = plan::plan(args, &observe::observe(args).unwrap());
    apply::apply(&plan, &mut ansible::Steps::default()).unwrap();
    plan.steps
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(Result::unwrap);
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap_or_default())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_left_to_do_and_other_files_are_as_they_were(
        there in prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), content(), 0..5),
        made: bool,
        ours in prop::sample::select(vec!["00-placeholder.conflist", "10-flannel.conflist"]),
        profile in prop::sample::select(vec!["bridge", "flannel"]),
        states in prop::collection::vec(prop::sample::select(vec!["present", "absent"]), 1..3),
    ) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("lib")).unwrap();
        fs::write(dir.path().join("lib/bridge"), "x").unwrap();
        let confs = dir.path().join("net.d");
        if made || !there.is_empty() {
            fs::create_dir(&confs).unwrap();
        }
        for (name, text) in &there {
            fs::write(confs.join(name), text).unwrap();
        }
        let foreign = |all: BTreeMap<String, Vec<u8>>| all.into_iter().filter(|(name, _)| name != ours).collect::<Vec<_>>();
        let before = foreign(files(&confs));
        for state in states {
            let args = args(dir.path(), state, profile, ours);
            run(&args);
            let again = run(&args);
            prop_assert!(again.is_empty(), "a second run with state={state} would do {again:?}");
            prop_assert_eq!(&foreign(files(&confs)), &before);
        }
    }
}
