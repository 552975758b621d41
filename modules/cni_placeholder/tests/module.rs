//! The built binary, run as Ansible runs it, in a sandbox with an empty /etc and /opt.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use testkit::Sandbox;

fn module(options: Value, check: bool) -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_cni_placeholder"), options, check)
}

fn node() -> Sandbox {
    Sandbox::new().empty("/etc").empty("/opt")
}

const PLACEHOLDER: &str = "/etc/cni/net.d/00-placeholder.conflist";
const FLANNEL: &str = "/etc/cni/net.d/10-flannel.conflist";

fn json_file(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_defaults_give_the_known_placeholder_once() {
    node().run(|| {
        let check = module(json!({}), true);
        assert_eq!((check["changed"].as_bool(), Path::new("/etc/cni").exists()), (Some(true), false), "{check}");
        let first = module(json!({}), false);
        assert_eq!(first["diff"], check["diff"]);
        let expected = json!({"name": "cni0", "cniVersion": "0.3.1", "plugins": [{"type": "bridge", "bridge": "cni0",
            "isDefaultGateway": true, "ipMasq": true, "ipam": {"type": "host-local", "subnet": "10.244.0.0/16"}}]});
        assert_eq!(json_file(PLACEHOLDER), expected);
        assert_eq!(module(json!({}), false)["changed"], false);
        let modes =
            Command::new("stat").args(["-c", "%a", PLACEHOLDER, "/etc/cni/net.d", "/opt/cni/bin"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&modes.stdout), "644\n755\n755\n");
    });
}

#[test]
fn workers_get_flannels_own_configuration() {
    node().run(|| {
        assert_eq!(module(json!({"profile": "flannel"}), false)["changed"], true);
        let expected = json!({"name": "cni0", "cniVersion": "0.3.1", "plugins": [
            {"type": "flannel", "delegate": {"hairpinMode": true, "isDefaultGateway": true}},
            {"type": "portmap", "capabilities": {"portMappings": true}}]});
        assert_eq!(json_file(FLANNEL), expected);
        assert!(!Path::new(PLACEHOLDER).exists());
    });
}

#[test]
fn a_working_cni_is_neither_shadowed_nor_written_over() {
    node().run(|| {
        std::fs::create_dir_all("/etc/cni/net.d").unwrap();
        let real =
            r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel","delegate":{"hairpinMode":true}}]}"#;
        std::fs::write(FLANNEL, real).unwrap();
        let answer = module(json!({}), false);
        assert!(!Path::new(PLACEHOLDER).exists(), "{answer}");
        assert!(answer["msg"].as_str().unwrap().contains("10-flannel.conflist configures a CNI already"), "{answer}");
        module(json!({"profile": "flannel"}), false);
        module(json!({"profile": "bridge", "path": FLANNEL}), false);
        assert_eq!(std::fs::read_to_string(FLANNEL).unwrap(), real);
    });
}

#[test]
fn loopback_alone_and_an_invalid_file_are_no_working_cni() {
    node().run(|| {
        std::fs::create_dir_all("/etc/cni/net.d").unwrap();
        std::fs::write("/etc/cni/net.d/99-loopback.conf", r#"{"name":"lo","type":"loopback"}"#).unwrap();
        std::fs::write("/etc/cni/net.d/50-broken.conflist", "{").unwrap();
        let answer = module(json!({}), false);
        assert!(Path::new(PLACEHOLDER).exists(), "{answer}");
        assert!(answer["warnings"][0].as_str().unwrap().contains("50-broken.conflist is no JSON"), "{answer}");
    });
}

#[test]
fn absent_removes_a_placeholder_of_any_subnet_and_nothing_else() {
    node().run(|| {
        module(json!({"subnet": "10.1.0.0/16"}), false);
        assert_eq!(module(json!({"state": "absent"}), true)["changed"], true);
        assert!(Path::new(PLACEHOLDER).exists());
        assert_eq!(module(json!({"state": "absent"}), false)["changed"], true);
        assert!(!Path::new(PLACEHOLDER).exists());
        assert_eq!(module(json!({"state": "absent"}), false)["changed"], false);
        std::fs::write(PLACEHOLDER, r#"{"name":"mine","plugins":[{"type":"macvlan"}]}"#).unwrap();
        assert_eq!(module(json!({"state": "absent"}), false)["changed"], false);
        assert!(Path::new(PLACEHOLDER).exists());
    });
}

#[test]
fn plugins_of_the_distribution_are_linked_where_they_are_missing() {
    node().run(|| {
        std::fs::create_dir_all("/opt/dist").unwrap();
        std::fs::create_dir_all("/opt/cni/bin").unwrap();
        for name in ["/opt/dist/bridge", "/opt/dist/host-local", "/opt/cni/bin/bridge"] {
            std::fs::write(name, name).unwrap();
        }
        module(json!({"plugin_source": "/opt/dist"}), false);
        assert_eq!(std::fs::read_to_string("/opt/cni/bin/host-local").unwrap(), "/opt/dist/host-local");
        assert_eq!(std::fs::read_to_string("/opt/cni/bin/bridge").unwrap(), "/opt/cni/bin/bridge");
        assert_eq!(module(json!({"plugin_source": "/opt/dist"}), false)["changed"], false);
    });
}

#[test]
fn bad_input_names_the_option_the_value_and_what_is_right_and_touches_nothing() {
    node().run(|| {
        for (options, words) in [
            (json!({"subnet": "10.244.0.7/16"}), ["subnet", "10.244.0.7/16", "10.244.0.0/16"]),
            (json!({"subnet": "10.244.0.0"}), ["subnet", "10.244.0.0", "CIDR"]),
            (json!({"subnet": "10.0.0.0/99"}), ["subnet", "10.0.0.0/99", "CIDR"]),
            (json!({"bridge": "a-name-that-is-too-long"}), ["bridge", "a-name-that-is-too-long", "15"]),
            (json!({"path": "relative.conflist"}), ["path", "relative.conflist", "absolute"]),
            (json!({"path": "/etc/cni/net.d/x.txt"}), ["path", "x.txt", ".conflist"]),
            (json!({"name": "../../x"}), ["name", "../../x", "letters"]),
            (json!({"subnett": "x"}), ["subnett", "Did you mean subnet", "Supported parameters"]),
        ] {
            let answer = module(options, false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|w| msg.contains(w)), "{msg}");
        }
        assert!(!Path::new("/etc/cni").exists() && !Path::new("/opt/cni").exists());
    });
}

#[test]
fn a_read_only_etc_is_one_sentence_and_no_half_written_file() {
    node().run(|| {
        std::fs::create_dir_all("/etc/cni/net.d").unwrap();
        assert!(Command::new("mount").args(["-o", "remount,ro", "/etc"]).status().unwrap().success());
        let answer = module(json!({}), false);
        let msg = answer["msg"].as_str().unwrap();
        assert!(
            msg.starts_with("writing /etc/cni/net.d/00-placeholder.conflist: ") && msg.contains("Read-only"),
            "{msg}"
        );
        assert_eq!(std::fs::read_dir("/etc/cni/net.d").unwrap().count(), 0);
    });
}
