//! The built binary, run as Ansible runs it, with a kubectl that notes its arguments and what it is given on stdin, keeps
//! what it applies, and looks at the command lines and files of the machine while it runs.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use testkit::Sandbox;

const SECRET: &str = "sesame-open-wide";

/// Whether `what` is there is whether a file of that name is in /run/cluster: named by the manifest's `name: …`.
const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >>/run/asked
case "$*" in *kustomize*) ls -R /run/kubejoin-room-* >/run/room; cat "${2}/kustomization.yaml" "${2}/../base/password.txt"; exit ;; esac
case "$*" in *wait*) exit 0 ;; esac
text=$(cat)
cat /proc/[0-9]*/cmdline >>/run/lines
name=$(echo "$text" | sed -n 's/^name: //p') kind=$(echo "$text" | sed -n 's/^kind: //p') at=$(echo "$text" | sed -n 's/^namespace: //p')
[ -z "$at" ] || [ -e "/run/cluster/$at" ] || { echo "Error from server (NotFound): namespaces \"$at\" not found" >&2; exit 1; }
case "$*" in
*diff*)
    [ "$name" != refused ] || { echo 'Error from server (Forbidden): no' >&2; exit 1; }
    [ -e "/run/cluster/$name" ] && [ "$(cat "/run/cluster/$name")" = "$text" ] && exit 0
    echo "$text" >"$TMPDIR/LIVE"
    echo "diff -u -N /tmp/LIVE/v1.$kind.$at.$name /tmp/MERGED/v1.$kind.$at.$name"
    [ ! -e "/run/cluster/$name" ] || sed 's/^/-/' "/run/cluster/$name"
    echo "$text" | sed 's/^/+/'
    exit 1 ;;
*apply*)
    [ "$name" != patched ] || { printf 'Error from server (Invalid): error when applying patch:\n%s\nto:\nx\nfor: "STDIN": it is immutable\n' "$text" >&2; exit 1; }
    echo "$text" >"/run/cluster/$name"
    echo "$(echo "$kind" | tr A-Z a-z)/$name created" ;;
esac
"#;

fn module(options: Value, check: bool) -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_kubectl_apply"), options, check)
}

fn control_plane() -> Sandbox {
    Sandbox::new().empty("/usr/local/bin").empty("/run").empty("/tmp").empty("/var/tmp")
}

fn with_kubectl() {
    std::fs::create_dir("/run/cluster").unwrap();
    std::fs::write("/usr/local/bin/kubectl", KUBECTL).unwrap();
    std::fs::set_permissions("/usr/local/bin/kubectl", PermissionsExt::from_mode(0o755)).unwrap();
}

fn manifest(kind: &str, name: &str, more: &str) -> Value {
    json!({"file": format!("{name}.yaml"), "text": format!("kind: {kind}\nname: {name}\n{more}")})
}

/// Files in /tmp, and rooms.
fn left() -> usize {
    let of = |directory: &str| std::fs::read_dir(directory).unwrap().flatten().collect::<Vec<_>>();
    let rooms =
        of("/run").iter().filter(|entry| entry.file_name().to_string_lossy().starts_with("kubejoin-room")).count();
    of("/tmp").len() + rooms
}

fn asked() -> String {
    std::fs::read_to_string("/run/asked").unwrap_or_default()
}

#[test]
fn what_differs_is_applied_in_order_and_a_second_time_nothing_is() {
    control_plane().run(|| {
        with_kubectl();
        let web = manifest("ConfigMap", "web", "namespace: shop\n");
        let all = json!({"manifests": [manifest("Namespace", "shop", ""), web]});
        let check = module(all.clone(), true);
        assert_eq!((&check["changed"], asked().contains("apply")), (&json!(true), false), "{check}");
        let done = module(all.clone(), false);
        assert_eq!(
            done["objects"][1],
            json!({"file": "web.yaml", "object": "configmap/web", "state": "created"}),
            "{done}"
        );
        assert_eq!(done["diff"], check["diff"]);
        let again = module(all, false);
        assert_eq!((&again["changed"], &again["same"]), (&json!(false), &json!(["shop.yaml", "web.yaml"])), "{again}");
        assert_eq!(asked().matches("apply").count(), 2, "{}", asked());
    });
}

#[test]
fn one_that_is_refused_keeps_the_others_from_being_applied() {
    control_plane().run(|| {
        with_kubectl();
        for other in [manifest("Pod", "refused", ""), manifest("Pod", "a", "namespace: nosuch\n")] {
            let answer = module(json!({"manifests": [manifest("Pod", "good", ""), other]}), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && msg.starts_with("nothing was applied: "), "{answer}");
            assert!(!asked().contains("apply") && !Path::new("/run/cluster/good").exists(), "{}", asked());
        }
    });
}

#[test]
fn a_secret_is_in_no_answer_no_command_line_and_no_file_that_is_left() {
    control_plane().run(|| {
        with_kubectl();
        let password = format!("password: {SECRET}\n");
        let all =
            json!({"manifests": [manifest("Secret", "password", &password), manifest("Secret", "patched", &password)]});
        let mut answers = module(all.clone(), true).to_string();
        let done = module(all, false);
        assert!(done["refused"][0].as_str().unwrap().ends_with("for: \"STDIN\": it is immutable"), "{done}");
        assert_eq!(
            (&done["failed"], &done["changed"], &done["objects"][0]["object"]),
            (&json!(true), &json!(true), &json!("secret/password"))
        );
        answers += &done.to_string();
        answers += &module(json!({"manifests": [{"text": SECRET, "server_side": SECRET}]}), false).to_string();
        answers += &module(json!({"manifest": SECRET}), false).to_string();
        assert!(!answers.contains(SECRET), "{answers}");
        assert!(std::fs::read_to_string("/run/cluster/password").unwrap().contains(SECRET));
        assert!(
            !String::from_utf8_lossy(&std::fs::read("/run/lines").unwrap()).contains(SECRET)
                && !asked().contains(SECRET)
        );
        assert_eq!(left(), 0, "what kubectl compares does not lie on the machine");
    });
}

#[test]
fn a_kustomization_is_rendered_out_of_memory() {
    control_plane().run(|| {
        with_kubectl();
        // "resources: []\n" and the secret.
        let files =
            json!({"home/kustomization.yaml": "cmVzb3VyY2VzOiBbXQo=", "base/password.txt": "c2VzYW1lLW9wZW4td2lkZQ=="});
        let answer = module(json!({"state": "rendered", "files": files, "entry": "home"}), true);
        assert_eq!(
            (&answer["changed"], &answer["rendered"]),
            (&json!(false), &json!(format!("resources: []\n{SECRET}"))),
            "{answer}"
        );
        assert!(std::fs::read_to_string("/run/room").unwrap().contains("password.txt"));
        assert_eq!(left(), 0);
        assert!(!answer["invocation"].to_string().contains("c2VzYW1l"), "{answer}");
    });
}
