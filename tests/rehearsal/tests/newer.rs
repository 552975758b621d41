//! What the stand-in says as a newer kubeadm: the wordings that changed between 1.22 and 1.36, one test per change.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a failed expectation is a failed test, and its effects never leave the sandbox"
)]

mod bed;

use bed::Bed;
use testkit::{Sandbox, require};

fn sandbox() -> Sandbox {
    Sandbox::new().scratch("/etc").scratch("/var").empty("/run")
}

/// Lines of what kubeadm of `version` says to `command`.
fn said(bed: &Bed, version: &str, command: &str) -> Vec<String> {
    let text = bed.run(&format!("REHEARSAL_VERSION={version} {command}")).text;
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn has(lines: &[String], wanted: &str) {
    assert!(lines.iter().any(|line| line.starts_with(wanted)), "no line starts with {wanted:?}:\n{}", lines.join("\n"));
}

const JOIN: &str = "kubeadm join 127.0.0.1:6443 --token abcdef.0123456789abcdef --discovery-token-unsafe-skip-ca-verification --cri-socket unix:///run/containerd/containerd.sock";

#[test]
fn preflight_errors_have_their_newer_envelope_from_1_34_on() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make();
        let old = said(&bed, "v1.33.0", JOIN);
        has(&old, "error execution phase preflight: [preflight] Some fatal errors occurred:");
        let new = said(&bed, "v1.34.1", JOIN);
        has(&new, "[preflight] Some fatal errors occurred:");
        has(&new, "\t[ERROR FileExisting-conntrack]: conntrack not found in system path");
        has(&new, "error: error execution phase preflight: preflight checks failed");
    });
}

#[test]
fn a_missing_container_runtime_is_told_as_each_version_tells_it() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make();
        has(&said(&bed, "v1.25.0", JOIN), "\t[ERROR CRI]: container runtime is not running: output: time=");
        let wrapped = said(&bed, "v1.28.0", JOIN).join("\n");
        assert!(wrapped.contains("validate CRI v1 runtime API for endpoint"), "{wrapped}");
        let warned = said(&bed, "v1.32.0", JOIN).join("\n");
        assert!(warned.contains("[preflight] WARNING: Couldn't create the interface used for talking to the container runtime: failed to create new CRI runtime service"), "{warned}");
        assert!(!warned.contains("[ERROR CRI]"), "{warned}");
        has(&said(&bed, "v1.35.0", JOIN), "\t[ERROR ContainerRuntimeVersion]: could not connect to the container runtime");
    });
}

#[test]
fn bridge_netfilter_is_checked_until_1_29_only() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make();
        bed.fault("no-bridge-nf", "");
        let tag = "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables";
        assert!(said(&bed, "v1.29.0", JOIN).join("\n").contains(tag));
        assert!(!said(&bed, "v1.30.0", JOIN).join("\n").contains(tag));
    });
}

#[test]
fn a_kubelet_that_never_gets_healthy_is_told_as_each_version_tells_it() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make().control_plane();
        bed.fault("kubelet-crash", "");
        let join = format!("{} --ignore-preflight-errors=all", bed.join());
        let url = "http://127.0.0.1:10248/healthz";
        let old = said(&bed, "v1.22.6", &join);
        has(&old, "[kubelet-check] It seems like the kubelet isn't running or healthy.");
        has(&old, "error execution phase kubelet-start: timed out waiting for the condition");
        // The same control plane serves the newer kubeadm: it looks for its configuration under a newer name.
        bed.kubectl("create configmap kubelet-config -n kube-system --from-literal=kubelet=kind:\\ KubeletConfiguration");
        bed.run("kubeadm reset -f");
        let new = said(&bed, "v1.34.1", &join);
        has(&new, "[kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/instance-config.yaml\"");
        has(&new, &format!("[kubelet-check] Waiting for a healthy kubelet at {url}. This can take up to 4m0s"));
        has(&new, "[kubelet-check] The kubelet is not healthy after ");
        has(&new, "Unfortunately, an error has occurred, likely caused by:");
        has(&new, &format!("error: error execution phase kubelet-wait-bootstrap: failed while waiting for the kubelet to start: The HTTP call equal to 'curl -sSL {url}' returned error: Get \"{url}\": context deadline exceeded"));
    });
}

#[test]
fn each_version_takes_the_configurations_of_its_time() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make();
        let with = |api: &str| {
            let document = format!("apiVersion: kubeadm.k8s.io/{api}\nkind: JoinConfiguration\ndiscovery:\n  bootstrapToken: {{apiServerEndpoint: '127.0.0.1:6443', token: bad}}\n");
            std::fs::write("/run/join.yaml", document).unwrap();
            "kubeadm join --config /run/join.yaml"
        };
        let wrong = "discovery.bootstrapToken.token: Invalid value: \"bad\": the bootstrap token is invalid";
        for (version, api) in [("v1.22.6", "v1beta2"), ("v1.22.6", "v1beta3"), ("v1.30.0", "v1beta3"), ("v1.31.0", "v1beta4"), ("v1.36.0", "v1beta4")] {
            let said = said(&bed, version, with(api)).join("\n");
            assert!(said.contains(wrong), "{version} {api}: {said}");
        }
        assert_eq!(bed.run(with("v1beta3")).code, 3, "a configuration that does not validate ended with 3 in 1.22");
        let early = said(&bed, "v1.22.6", with("v1beta4")).join("\n");
        assert!(early.contains("no kind \"JoinConfiguration\" is registered for version \"kubeadm.k8s.io/v1beta4\""), "{early}");
        let late = said(&bed, "v1.27.0", with("v1beta2")).join("\n");
        assert!(late.contains("your configuration file uses an old API spec"), "{late}");
    });
}

#[test]
fn each_failed_try_of_discovery_is_told_at_v_1_as_each_version_tells_it() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make().control_plane();
        bed.kubectl("create configmap kubelet-config -n kube-system --from-literal=kubelet=kind:\\ KubeletConfiguration");
        let document = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: JoinConfiguration\ndiscovery:\n  timeout: 20s\n  bootstrapToken: {apiServerEndpoint: '127.0.0.1:6443', token: aaaaaa.aaaaaaaaaaaaaaaa, unsafeSkipCAVerification: true}\n";
        std::fs::write("/run/join.yaml", document).unwrap();
        let join = "kubeadm join --config /run/join.yaml --ignore-preflight-errors=all";
        let told = |version: &str, flag: &str| said(&bed, version, &format!("{join} {flag}")).join("\n");
        assert!(told("v1.29.0", "--v=1").contains("[discovery] The cluster-info ConfigMap does not yet contain a JWS signature for token ID \"aaaaaa\", will try again"));
        assert!(told("v1.30.0", "--v=1").contains("[discovery] Retrying due to error: could not find a JWS signature in the cluster-info ConfigMap for token ID \"aaaaaa\""));
        let quiet = told("v1.30.0", "");
        assert!(!quiet.contains("[discovery] ") && quiet.contains("JWS signature"), "{quiet}");
        std::fs::write("/run/join.yaml", document.replace("6443", "1")).unwrap();
        assert!(told("v1.22.6", "-v 1").contains("[discovery] Failed to request cluster-info, will try again: Get \"https://127.0.0.1:1/"));
        assert!(told("v1.30.0", "--v=2").contains("[discovery] Retrying due to error: failed to request the cluster-info ConfigMap: Get "));
    });
}

#[test]
fn a_token_is_listed_with_its_description_and_what_is_empty_is_left_out() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make().control_plane();
        let kubeadm = |words: &str| bed.run(&format!("kubeadm token {words} --kubeconfig /run/cp/admin.conf")).text;
        kubeadm("create abcdef.0123456789abcdef --ttl 30m --description ours");
        kubeadm("create fedcba.0123456789abcdef --ttl 0");
        let listed = kubeadm("list -o json");
        let items = serde_json::Deserializer::from_str(&listed).into_iter::<serde_json::Value>();
        let items: Vec<_> = items.map(Result::unwrap).collect();
        let of = |token: &str| items.iter().find(|item| item["token"].as_str().unwrap().starts_with(token)).unwrap();
        assert_eq!(of("abcdef")["description"], "ours");
        assert!(of("abcdef")["expires"].is_string());
        assert!(of("fedcba").get("description").is_none() && of("fedcba").get("expires").is_none());
    });
}
