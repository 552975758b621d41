//! The client's messages against those of the other side, both ways: what we write they read, what they write (every field
//! set) we read. And against bytes that protobuf's own library made from the upstream definitions, v1 and v1alpha2.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is a failed test")]

use cri::messages as ours;
use prost::Message;
use std::collections::HashMap;
use testkit::cri::{upstream, v1 as theirs};

/// The same bytes, read as another type.
fn read<A: Message + Default>(message: &impl Message) -> A {
    A::decode(message.encode_to_vec().as_slice()).unwrap()
}

fn map(key: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(key.to_owned(), value.to_owned())])
}

fn metadata() -> theirs::PodSandboxMetadata {
    theirs::PodSandboxMetadata { name: "web".into(), uid: "u-1".into(), namespace: "default".into(), attempt: 7 }
}

#[test]
fn requests_we_write_are_read_upstream() {
    let version: theirs::VersionRequest = read(&ours::VersionRequest { version: "0.1.0".into() });
    assert_eq!(version.version, "0.1.0");
    let status: theirs::StatusRequest = read(&ours::StatusRequest { verbose: true });
    assert!(status.verbose);
    let one: theirs::PodSandboxStatusRequest =
        read(&ours::PodSandboxStatusRequest { pod_sandbox_id: "a".into(), verbose: true });
    assert_eq!((one.pod_sandbox_id.as_str(), one.verbose), ("a", true));
    let stop: theirs::StopPodSandboxRequest = read(&ours::PodSandboxId { pod_sandbox_id: "b".into() });
    assert_eq!(stop.pod_sandbox_id, "b");
    let remove: theirs::RemovePodSandboxRequest = read(&ours::PodSandboxId { pod_sandbox_id: "c".into() });
    assert_eq!(remove.pod_sandbox_id, "c");
    let image = Some(ours::ImageSpec { image: "sha256:d".into() });
    let image: theirs::RemoveImageRequest = read(&ours::RemoveImageRequest { image });
    assert_eq!(image.image.unwrap().image, "sha256:d");
}

#[test]
fn a_sandbox_we_ask_for_is_read_upstream() {
    let config = ours::PodSandboxConfig {
        metadata: Some(ours::PodSandboxMetadata {
            name: "n".into(),
            uid: "u".into(),
            namespace: "s".into(),
            attempt: 3,
        }),
        hostname: "h".into(),
        log_directory: "/l".into(),
        labels: map("k", "v"),
        linux: Some(ours::LinuxPodSandboxConfig { cgroup_parent: "/c".into() }),
    };
    let run: theirs::RunPodSandboxRequest = read(&ours::RunPodSandboxRequest { config: Some(config) });
    let expected = theirs::PodSandboxConfig {
        metadata: Some(theirs::PodSandboxMetadata {
            name: "n".into(),
            uid: "u".into(),
            namespace: "s".into(),
            attempt: 3,
        }),
        hostname: "h".into(),
        log_directory: "/l".into(),
        labels: map("k", "v"),
        linux: Some(theirs::LinuxPodSandboxConfig { cgroup_parent: "/c".into(), ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(run.config, Some(expected));
}

#[test]
fn version_and_status_are_read() {
    let version: ours::VersionResponse = read(&theirs::VersionResponse {
        version: "0.1.0".into(),
        runtime_name: "containerd".into(),
        runtime_version: "v2.1.4".into(),
        runtime_api_version: "v1".into(),
    });
    assert_eq!((version.runtime_name.as_str(), version.runtime_version.as_str()), ("containerd", "v2.1.4"));
    assert_eq!(version.runtime_api_version, "v1");
    let condition = theirs::RuntimeCondition {
        r#type: "NetworkReady".into(),
        status: true,
        reason: "why".into(),
        message: "words".into(),
    };
    let status: ours::StatusResponse = read(&theirs::StatusResponse {
        status: Some(theirs::RuntimeStatus { conditions: vec![condition] }),
        info: map("lastCNILoadStatus", "\"OK\""),
    });
    let condition = &status.status.unwrap().conditions[0];
    assert_eq!((condition.r#type.as_str(), condition.status), ("NetworkReady", true));
    assert_eq!((condition.reason.as_str(), condition.message.as_str()), ("why", "words"));
    assert_eq!(status.info, map("lastCNILoadStatus", "\"OK\""));
}

#[test]
fn the_cgroup_driver_is_read() {
    for driver in [theirs::CgroupDriver::Systemd, theirs::CgroupDriver::Cgroupfs] {
        let linux = Some(theirs::LinuxRuntimeConfiguration { cgroup_driver: driver as i32 });
        let config: ours::RuntimeConfigResponse = read(&theirs::RuntimeConfigResponse { linux });
        assert_eq!(config.linux.unwrap().cgroup_driver, driver as i32);
    }
    assert_eq!(theirs::CgroupDriver::Systemd as i32, 0);
}

#[test]
fn the_image_filesystem_is_read() {
    let usage = |mountpoint: &str| theirs::FilesystemUsage {
        timestamp: 1,
        fs_id: Some(theirs::FilesystemIdentifier { mountpoint: mountpoint.into() }),
        used_bytes: Some(theirs::UInt64Value { value: u64::MAX }),
        inodes_used: Some(theirs::UInt64Value { value: 4 }),
    };
    let info: ours::ImageFsInfoResponse = read(&theirs::ImageFsInfoResponse {
        image_filesystems: vec![usage("/var/lib/containerd/x")],
        container_filesystems: vec![usage("/elsewhere")],
    });
    assert_eq!(info.image_filesystems.len(), 1);
    let read = &info.image_filesystems[0];
    assert_eq!(read.fs_id.as_ref().unwrap().mountpoint, "/var/lib/containerd/x");
    assert_eq!((read.used_bytes.unwrap().value, read.inodes_used.unwrap().value), (u64::MAX, 4));
}

#[test]
fn pod_sandboxes_are_read() {
    let list: ours::ListPodSandboxResponse = read(&theirs::ListPodSandboxResponse {
        items: vec![theirs::PodSandbox {
            id: "id".into(),
            metadata: Some(metadata()),
            state: theirs::PodSandboxState::SandboxNotready as i32,
            created_at: 5,
            labels: map("a", "b"),
            annotations: map("c", "d"),
            runtime_handler: "runc".into(),
        }],
    });
    let item = &list.items[0];
    assert_eq!((item.id.as_str(), item.state), ("id", 1));
    let read_metadata = item.metadata.clone().unwrap();
    assert_eq!((read_metadata.name.as_str(), read_metadata.uid.as_str()), ("web", "u-1"));
    assert_eq!((read_metadata.namespace.as_str(), read_metadata.attempt), ("default", 7));

    let options = theirs::NamespaceOption {
        network: theirs::NamespaceMode::Node as i32,
        pid: theirs::NamespaceMode::Container as i32,
        ipc: 0,
        target_id: "t".into(),
    };
    let status: ours::PodSandboxStatusResponse = read(&theirs::PodSandboxStatusResponse {
        status: Some(theirs::PodSandboxStatus {
            id: "id".into(),
            metadata: Some(metadata()),
            state: theirs::PodSandboxState::SandboxNotready as i32,
            created_at: 5,
            network: Some(theirs::PodSandboxNetworkStatus {
                ip: "10.244.1.2".into(),
                additional_ips: vec![theirs::PodIp { ip: "fd00::2".into() }],
            }),
            linux: Some(theirs::LinuxPodSandboxStatus {
                namespaces: Some(theirs::Namespace { options: Some(options) }),
            }),
            labels: map("a", "b"),
            annotations: map("c", "d"),
            runtime_handler: "runc".into(),
        }),
        info: map("info", "{}"),
        containers_statuses: vec![theirs::ContainerStatus { id: "c".into(), ..Default::default() }],
        timestamp: 9,
    });
    assert_eq!(status.info, map("info", "{}"));
    let status = status.status.unwrap();
    assert_eq!((status.id.as_str(), status.state), ("id", 1));
    assert_eq!(status.metadata.unwrap().namespace, "default");
    let network = status.network.unwrap();
    assert_eq!((network.ip.as_str(), network.additional_ips[0].ip.as_str()), ("10.244.1.2", "fd00::2"));
    let mode = status.linux.unwrap().namespaces.unwrap().options.unwrap().network;
    assert_eq!(mode, 2, "NODE is 2 in api.proto");

    let made: ours::PodSandboxId = read(&theirs::RunPodSandboxResponse { pod_sandbox_id: "new".into() });
    assert_eq!(made.pod_sandbox_id, "new");
}

#[test]
fn containers_and_images_are_read() {
    let list: ours::ListContainersResponse = read(&theirs::ListContainersResponse {
        containers: vec![theirs::Container {
            id: "c".into(),
            pod_sandbox_id: "p".into(),
            metadata: Some(theirs::ContainerMetadata { name: "app".into(), attempt: 2 }),
            image: Some(theirs::ImageSpec { image: "i".into(), ..Default::default() }),
            image_ref: "r".into(),
            state: theirs::ContainerState::ContainerRunning as i32,
            created_at: 1,
            labels: map("a", "b"),
            annotations: map("c", "d"),
            image_id: "x".into(),
        }],
    });
    let container = &list.containers[0];
    assert_eq!((container.id.as_str(), container.pod_sandbox_id.as_str(), container.state), ("c", "p", 1));
    assert_eq!(container.metadata.clone().unwrap(), ours::ContainerMetadata { name: "app".into(), attempt: 2 });

    let images: ours::ListImagesResponse = read(&theirs::ListImagesResponse {
        images: vec![theirs::Image {
            id: "sha256:1".into(),
            repo_tags: vec!["pause:3.9".into()],
            repo_digests: vec!["pause@sha256:2".into()],
            size: 12,
            uid: Some(theirs::Int64Value { value: 1 }),
            username: "u".into(),
            pinned: true,
            ..Default::default()
        }],
    });
    assert_eq!(images.images[0], ours::Image { id: "sha256:1".into(), repo_tags: vec!["pause:3.9".into()], size: 12 });
}

macro_rules! both_versions {
    ($($ours:ident = $upstream:ident)*) => { $( for version in ["v1", "v1alpha2"] {
        let _: ours::$ours = upstream::read(&format!("runtime.{version}.{}", stringify!($upstream)));
    } )* };
}

#[test]
fn every_field_has_upstreams_number_and_type_in_v1_and_v1alpha2() {
    both_versions!(
        VersionRequest = VersionRequest
        VersionResponse = VersionResponse
        StatusRequest = StatusRequest
        StatusResponse = StatusResponse
        ImageFsInfoResponse = ImageFsInfoResponse
        ListPodSandboxResponse = ListPodSandboxResponse
        PodSandboxStatusRequest = PodSandboxStatusRequest
        PodSandboxStatusResponse = PodSandboxStatusResponse
        ListContainersResponse = ListContainersResponse
        ListImagesResponse = ListImagesResponse
        RemoveImageRequest = RemoveImageRequest
        PodSandboxId = StopPodSandboxRequest
        PodSandboxId = RemovePodSandboxRequest
        PodSandboxId = RunPodSandboxResponse
        RunPodSandboxRequest = RunPodSandboxRequest
    );
    // Since Kubernetes 1.28, and so in v1 only.
    let _: ours::RuntimeConfigResponse = upstream::read("runtime.v1.RuntimeConfigResponse");
}

proptest::proptest! {
    #[test]
    fn no_answer_of_whatever_bytes_makes_the_reader_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        text in "\\PC{0,80}",
    ) {
        if let Ok(answer) = ours::StatusResponse::decode(bytes.as_slice()) {
            let status = cri::Status::from(answer);
            let _unused = (status.network(), status.plugin_dirs(), status.systemd_cgroup(), status.last_cni_load_status());
        }
        if let Ok(answer) = ours::PodSandboxStatusResponse::decode(bytes.as_slice()) {
            let _unused = cri::SandboxStatus::from(answer);
        }
        // Verbose info that is JSON, but not the JSON containerd writes.
        for key in ["cniconfig", "config", "lastCNILoadStatus"] {
            for value in [text.clone(), format!("[{text:?}]"), format!("{{\"Networks\":[{text:?}],\"containerd\":1}}")] {
                let status = cri::Status::from(ours::StatusResponse { status: None, info: map(key, &value) });
                let _unused = (status.network(), status.plugin_dirs(), status.systemd_cgroup());
            }
        }
    }
}
