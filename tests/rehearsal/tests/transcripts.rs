//! What kubeadm's stand-in says and does, held against recordings of the real kubeadm 1.22.6.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a failed expectation is a failed test, and its effects never leave the sandbox"
)]

mod bed;

use bed::{Bed, same, same_lines};
use cri_api::v1;
use testkit::cri::{FakeCri, Serving};
use testkit::{Sandbox, require};

fn sandbox() -> Sandbox {
    Sandbox::new().scratch("/etc").scratch("/var").empty("/run")
}

/// containerd, as far as a join needs it.
fn containerd() -> Serving {
    std::fs::create_dir_all("/run/containerd").unwrap();
    FakeCri::containerd("/var/lib/containerd")
        .on("/runtime.v1.RuntimeService/ListPodSandbox", |_: v1::ListPodSandboxRequest| {
            Ok(v1::ListPodSandboxResponse::default())
        })
        .on("/runtime.v1.RuntimeService/ListContainers", |_: v1::ListContainersRequest| {
            Ok(v1::ListContainersResponse::default())
        })
        .on("/runtime.v1.ImageService/ListImages", |_: v1::ListImagesRequest| Ok(v1::ListImagesResponse::default()))
        .on("/runtime.v1.RuntimeService/UpdateRuntimeConfig", |_: v1::UpdateRuntimeConfigRequest| {
            Ok(v1::UpdateRuntimeConfigResponse {})
        })
        .serve("/run/containerd/containerd.sock")
}

#[test]
fn a_good_join_reads_as_recorded_and_ends_in_a_node() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let _runtime = containerd();
        let bed = Bed::make().control_plane();
        // Quicker, and kubeadm would say that 40 s have passed.
        same(&bed.run(&format!("REHEARSAL_HURRY=4 {}", bed.join())), "join_ok_no_cni.txt");
        bed.wait_for("kubectl --kubeconfig /run/cp/admin.conf get node w1");
        assert!(!std::path::Path::new("/etc/kubernetes/bootstrap-kubelet.conf").exists());
        let flags = std::fs::read_to_string("/var/lib/kubelet/kubeadm-flags.env").unwrap();
        assert_eq!(flags, "KUBELET_KUBEADM_ARGS=\"--container-runtime=remote --container-runtime-endpoint=/run/containerd/containerd.sock --pod-infra-container-image=k8s.gcr.io/pause:3.5\"\n");
        let node: serde_json::Value = serde_json::from_str(&bed.kubectl("get node w1 -o json")).unwrap();
        assert_eq!(node["metadata"]["annotations"]["kubeadm.alpha.kubernetes.io/cri-socket"], "/run/containerd/containerd.sock");
        assert_eq!(node["status"]["nodeInfo"]["machineID"], std::fs::read_to_string("/etc/machine-id").unwrap().trim());
    });
}

#[test]
fn a_foreign_ca_is_refused_as_recorded() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let _runtime = containerd();
        let bed = Bed::make().control_plane();
        let (command, _) = bed.join().split_once("sha256:").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let wrong = format!("{command}sha256:{} --ignore-preflight-errors=FileExisting-conntrack", "0".repeat(64));
        same(&bed.run(&wrong), "ca_hash_mismatch.txt");
    });
}

#[test]
fn a_ready_node_of_the_same_name_is_refused_as_recorded() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let _runtime = containerd();
        let bed = Bed::make().control_plane();
        let ready = r#"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}"#;
        std::fs::write("/run/node.json", ready).unwrap();
        bed.kubectl("apply -f /run/node.json");
        same(&bed.run(&bed.join()), "node_exists_ready.txt");
        assert!(!std::path::Path::new("/var/lib/kubelet/config.yaml").exists(), "nothing is configured when the node is taken");
    });
}

#[test]
fn preflight_errors_read_as_recorded() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let _runtime = containerd();
        let bed = Bed::make();
        let join = format!(
            "kubeadm join 127.0.0.1:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:{}",
            "0".repeat(64)
        );
        same(&bed.run(&join), "preflight_strict.txt");
        std::fs::create_dir_all("/etc/kubernetes/pki").unwrap();
        std::fs::write("/etc/kubernetes/kubelet.conf", "").unwrap();
        std::fs::write("/etc/kubernetes/pki/ca.crt", "").unwrap();
        let _port = std::net::TcpListener::bind("0.0.0.0:10250").unwrap();
        same(&bed.run(&join), "node_exists_preflight.txt");
    });
}

#[test]
fn a_masked_kubelet_reads_as_recorded() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let _runtime = containerd();
        let bed = Bed::make().control_plane();
        std::fs::write("/run/masked", "").unwrap();
        let mut made = bed.run(&format!("REHEARSAL_HURRY=1 timeout 4 {}", bed.join()));
        made.text.push('\n');
        same(&made, "join_kubelet_masked.txt");
    });
}

#[test]
fn a_stopped_container_runtime_reads_as_recorded() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let bed = Bed::make().control_plane();
        same_lines(&bed.run(&bed.join()), "join_containerd_down.txt");
    });
}

#[test]
fn a_reset_deletes_through_a_mount_as_recorded() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let _runtime = containerd();
        let bed = Bed::make();
        std::fs::write("/etc/crictl.yaml", "runtime-endpoint: unix:///run/containerd/containerd.sock\n").unwrap();
        std::fs::create_dir("/run/media").unwrap();
        for name in ["a", "b", "c", "d", "e"] {
            std::fs::write(format!("/run/media/{name}"), name).unwrap();
        }
        let point = "/var/lib/kubelet/pods/p1/volumes/my media";
        std::fs::create_dir_all(point).unwrap();
        bed.run(&format!("mount --bind /run/media '{point}'"));
        same_lines(&bed.run("kubeadm reset -f"), "reset_deletes_through_mount.txt");
        assert_eq!(std::fs::read_dir("/run/media").unwrap().count(), 0, "1.22 deletes what is mounted, and so do we");
    });
}

#[test]
fn a_newer_reset_leaves_a_directory_that_it_could_not_unmount() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let _runtime = containerd();
        let bed = Bed::make();
        std::fs::create_dir("/run/media").unwrap();
        std::fs::write("/run/media/a", "a").unwrap();
        let point = "/var/lib/kubelet/pods/p1/volumes/my media";
        std::fs::create_dir_all(point).unwrap();
        bed.run(&format!("mount --bind /run/media '{point}'"));
        let made = bed.run("REHEARSAL_VERSION=v1.33.0 kubeadm reset -f");
        assert!(made.text.contains("while unmounting directories in \"/var/lib/kubelet\""), "{}", made.text);
        assert!(std::path::Path::new("/run/media/a").exists());
    });
}

#[test]
fn a_reset_without_crictl_yaml_takes_the_warning_for_pods_as_recorded() {
    if !require("root") {
        return;
    }
    sandbox().run(|| {
        let runtime = containerd();
        let bed = Bed::make();
        std::fs::create_dir_all("/var/lib/kubelet").unwrap();
        same_lines(&bed.run("kubeadm reset -f"), "reset_without_crictl_yaml.txt");
        assert!(runtime.calls().is_empty(), "no pod is even asked for: {:?}", runtime.calls());
    });
}
