//! kubeadm: what its subcommands do, by argv.

mod certs;
mod cluster;
mod config;
mod crictl;
mod discovery;
mod fail;
mod health;
mod init;
mod initconfig;
mod join;
mod joinconfig;
mod machine;
mod manifests;
mod preflight;
mod reset;
mod runtime;
mod token;

use crate::yaml::{items, parse, text};
use crate::{banner, kubeconfig, version};
use fail::Fail;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Phases that are to be left out, from `skipPhases` and `--skip-phases`.
fn phases_skipped(document: &Value, args: &[String]) -> Vec<String> {
    let mut phases: Vec<String> =
        items(document, "/skipPhases").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    phases
        .extend(config::flag_values(args, "--skip-phases").iter().flat_map(|list| list.split(',')).map(str::to_owned));
    phases
}

/// `kubeadm ARGS`.
pub fn main(args: &[String]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
    let rest = args.get(1..).unwrap_or_default();
    let outcome = match words.as_slice() {
        ["init", "phase", phase, ..] => init::run(rest, Some(phase)),
        ["init", ..] => init::run(rest, None),
        ["join", ..] => join::run(rest),
        ["reset", "phase", "cleanup-node", ..] => reset::run(rest, true),
        ["reset", "phase", ..] => Ok(()),
        ["reset", ..] => reset::run(rest, false),
        ["token", ..] => token::run(rest),
        ["version", ..] => shown(rest),
        ["certs", "check-expiration", ..] => certs::check_expiration(),
        ["config", "images", "pull", ..] => images("[config/images] Pulled "),
        ["config", "images", ..] => images(""),
        ["config", "print", what, ..] => print_defaults(what),
        ["upgrade", "node", "phase", "kubelet-config", ..] => kubelet_config(),
        [] => {
            Err(Fail::plain("a subcommand is needed: init, join, reset, token, version, config, certs, upgrade".into()))
        }
        [other, ..] => Err(Fail::plain(format!("unknown command {other:?} for \"kubeadm\""))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => fail.report(),
    }
}

fn shown(args: &[String]) -> Result<(), Fail> {
    let form = config::flag(args, "-o").or_else(|| config::flag(args, "--output")).unwrap_or_default();
    let object = crate::apiserver::version_object();
    match form.as_str() {
        "short" => println!("{}", version::claimed()),
        "json" => println!("{}", serde_json::to_string_pretty(&json!({"clientVersion": object})).unwrap_or_default()),
        "yaml" => print!("{}", crate::yaml::write(&json!({"clientVersion": object}))),
        _ => println!(
            "kubeadm version: &version.Info{{Major:{}, Minor:{}, GitVersion:{}, GitCommit:\"rehearsal\", GitTreeState:\"clean\", BuildDate:\"2026-01-01T00:00:00Z\", GoVersion:\"none\", Compiler:\"rehearsal stand-in\", Platform:\"linux/amd64\"}}\n{}",
            object["major"],
            object["minor"],
            object["gitVersion"],
            banner::LINE
        ),
    }
    Ok(())
}

fn images(prefix: &str) -> Result<(), Fail> {
    for image in manifests::images(version::registry()) {
        println!("{prefix}{image}");
    }
    Ok(())
}

fn print_defaults(what: &str) -> Result<(), Fail> {
    let api = if version::at_least(31) { "v1beta4" } else { "v1beta3" };
    let document = match what {
        "join-defaults" => {
            json!({"apiVersion": format!("kubeadm.k8s.io/{api}"), "kind": "JoinConfiguration", "caCertPath": "/etc/kubernetes/pki/ca.crt",
            "discovery": {"bootstrapToken": {"apiServerEndpoint": "kube-apiserver:6443", "token": "abcdef.0123456789abcdef", "unsafeSkipCAVerification": true}, "timeout": "5m0s", "tlsBootstrapToken": "abcdef.0123456789abcdef"},
            "nodeRegistration": {"criSocket": runtime::detect()?, "imagePullPolicy": "IfNotPresent", "name": config::hostname(), "taints": null}})
        }
        _ => {
            json!({"apiVersion": format!("kubeadm.k8s.io/{api}"), "kind": "InitConfiguration", "bootstrapTokens": [{"token": "abcdef.0123456789abcdef", "ttl": "24h0m0s"}],
            "localAPIEndpoint": {"advertiseAddress": "1.2.3.4", "bindPort": 6443}, "nodeRegistration": {"criSocket": runtime::detect()?, "name": "node", "taints": null}})
        }
    };
    print!("{}", crate::yaml::write(&document));
    Ok(())
}

/// `kubeadm upgrade node phase kubelet-config`: fetches the kubelet's configuration again.
fn kubelet_config() -> Result<(), Fail> {
    let run = || -> Result<(), Fail> {
        let api = kubeconfig::load("/etc/kubernetes/kubelet.conf")?;
        println!("[upgrade] Reading configuration from the cluster...");
        println!(
            "[upgrade] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config -o yaml'"
        );
        let map = api.get(&format!("/api/v1/namespaces/kube-system/configmaps/{}", machine::config_map()))?;
        let socket =
            crate::place::read("/var/lib/kubelet/instance-config.yaml").and_then(|content| parse(&content).ok());
        let mut config = parse(text(&map, "/data/kubelet"))?;
        if let Some(own) = socket {
            crate::merge::merge(&mut config, &own);
        }
        machine::write_config(&config)?;
        println!("[upgrade] The configuration for this node was successfully updated!");
        println!("[upgrade] Now you should go ahead and upgrade the kubelet package using your package manager.");
        Ok(())
    };
    run().map_err(|fail| fail.during("kubelet-config"))
}
