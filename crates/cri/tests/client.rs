//! The client against a server of the upstream API, and against servers that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is a failed test")]

use cri::{CgroupDriver, Client, Error, NewSandbox};
use host::deadline::Deadline;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use testkit::cri::{FakeCri, v1};

struct Place {
    _dir: tempfile::TempDir,
    socket: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("c.sock");
        Place { _dir: dir, socket }
    }

    fn connect(&self, seconds: f64) -> Result<Client, Error> {
        let deadline = Deadline::after(Duration::from_secs_f64(seconds));
        Client::connect(&format!("unix://{}", self.socket.display()), &deadline)
    }

    fn error(&self, seconds: f64) -> Error {
        self.connect(seconds).err().expect("no usable server is there")
    }
}

#[test]
fn a_good_node_is_read_as_it_was_recorded() {
    let place = Place::new();
    let served = FakeCri::containerd("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs").serve(&place.socket);
    let mut client = place.connect(10.0).unwrap();
    assert_eq!(client.version().runtime_name, "containerd");
    assert_eq!((client.version().runtime_version.as_str(), client.version().api), ("1.6.20~ds1", "v1"));
    let status = client.status().unwrap();
    assert!(status.holds("RuntimeReady") && status.holds("NetworkReady") && !status.holds("Sunshine"));
    assert_eq!(status.last_cni_load_status(), Some("OK"));
    assert_eq!(status.systemd_cgroup(), Some(true));
    assert_eq!(status.plugin_dirs(), ["/opt/cni/bin"]);
    let network = status.network().unwrap();
    assert_eq!((network.name.as_str(), network.plugins.as_slice()), ("cni0", &["bridge".to_owned()][..]));
    assert!(network.source.contains("10.244.0.0/16"));
    let images = client.image_fs_info().unwrap();
    assert_eq!(images[0].mountpoint, "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs");
    assert_eq!((images[0].used_bytes, images[0].inodes_used), (541_159_424, 10_734));
    let called = ["RuntimeService/Version", "RuntimeService/Status", "ImageService/ImageFsInfo"];
    assert_eq!(served.calls(), called.map(|call| format!("/runtime.v1.{call}")));
}

#[test]
fn a_bare_path_and_a_unix_url_name_the_same_socket() {
    let place = Place::new();
    let _served = FakeCri::containerd("/x").serve(&place.socket);
    let deadline = Deadline::after(Duration::from_secs(10));
    assert!(Client::connect(place.socket.to_str().unwrap(), &deadline).is_ok());
    assert!(place.connect(10.0).is_ok());
}

#[test]
fn an_old_containerd_is_spoken_to_in_v1alpha2() {
    let place = Place::new();
    let served = FakeCri::empty()
        .on("/runtime.v1alpha2.RuntimeService/Version", |_: v1::VersionRequest| {
            Ok(v1::VersionResponse {
                runtime_name: "containerd".into(),
                runtime_version: "1.5.9".into(),
                ..Default::default()
            })
        })
        .on("/runtime.v1alpha2.RuntimeService/Status", |_: v1::StatusRequest| Ok(v1::StatusResponse::default()))
        .serve(&place.socket);
    let mut client = place.connect(10.0).unwrap();
    assert_eq!((client.version().runtime_version.as_str(), client.version().api), ("1.5.9", "v1alpha2"));
    assert!(client.status().unwrap().conditions.is_empty());
    assert_eq!(served.calls().len(), 3);
}

#[test]
fn sandboxes_are_made_looked_at_stopped_and_removed() {
    let place = Place::new();
    let info = r#"{"pid":4711,"runtimeSpec":{"linux":{"namespaces":[{"type":"pid"},
        {"type":"network","path":"/var/run/netns/cni-1"}]}}}"#;
    let _served = FakeCri::containerd("/x")
        .on("/runtime.v1.RuntimeService/RunPodSandbox", |asked: v1::RunPodSandboxRequest| {
            let config = asked.config.unwrap_or_default();
            assert_eq!(config.labels.get("made-by").map(String::as_str), Some("test"));
            Ok(v1::RunPodSandboxResponse { pod_sandbox_id: config.metadata.unwrap_or_default().name })
        })
        .on("/runtime.v1.RuntimeService/ListPodSandbox", |_: v1::ListPodSandboxRequest| {
            let metadata = v1::PodSandboxMetadata { name: "p".into(), namespace: "n".into(), ..Default::default() };
            let item = v1::PodSandbox { id: "p".into(), metadata: Some(metadata), ..Default::default() };
            Ok(v1::ListPodSandboxResponse { items: vec![item] })
        })
        .on("/runtime.v1.RuntimeService/PodSandboxStatus", move |asked: v1::PodSandboxStatusRequest| {
            assert!(asked.verbose);
            let network = v1::PodSandboxNetworkStatus { ip: "10.244.1.9".into(), ..Default::default() };
            let status =
                v1::PodSandboxStatus { id: asked.pod_sandbox_id, network: Some(network), ..Default::default() };
            let info = [("info".to_owned(), info.to_owned())].into();
            Ok(v1::PodSandboxStatusResponse { status: Some(status), info, ..Default::default() })
        })
        .on("/runtime.v1.RuntimeService/StopPodSandbox", |_: v1::StopPodSandboxRequest| {
            Ok(v1::StopPodSandboxResponse {})
        })
        .on("/runtime.v1.RuntimeService/RemovePodSandbox", |_: v1::RemovePodSandboxRequest| {
            Err::<v1::RemovePodSandboxResponse, _>((2, "failed to remove"))
        })
        .serve(&place.socket);
    let mut client = place.connect(10.0).unwrap();
    let new = NewSandbox { name: "p".into(), labels: vec![("made-by".into(), "test".into())], ..NewSandbox::default() };
    assert_eq!(client.run_pod_sandbox(&new).unwrap(), "p");
    let listed = client.list_pod_sandbox().unwrap();
    assert_eq!((listed[0].name.as_str(), listed[0].namespace.as_str(), listed[0].ready), ("p", "n", true));
    let status = client.pod_sandbox_status("p").unwrap();
    assert_eq!((status.pid, status.netns.as_deref()), (Some(4711), Some("/var/run/netns/cni-1")));
    assert_eq!((status.ips.as_slice(), status.host_network), (&["10.244.1.9".to_owned()][..], false));
    client.stop_pod_sandbox("p").unwrap();
    let error = client.remove_pod_sandbox("p").unwrap_err();
    assert_eq!(error, Error::Status { call: "RemovePodSandbox", code: 2, message: "failed to remove".into() });
}

#[test]
fn a_call_the_runtime_lacks_is_told_from_a_runtime_without_cri() {
    let place = Place::new();
    let _served = FakeCri::containerd("/x").serve(&place.socket);
    let mut client = place.connect(10.0).unwrap();
    assert_eq!(client.cgroup_driver(), Err(Error::Unimplemented { call: "RuntimeConfig" }));

    let other = Place::new();
    let _disabled = FakeCri::empty().serve(&other.socket);
    let error = other.error(10.0);
    assert_eq!(error, Error::NoCri { socket: other.socket.display().to_string() });
    assert!(error.to_string().contains("CRI plugin is disabled"), "{error}");
}

#[test]
fn the_cgroup_driver_is_asked_for() {
    for (number, driver) in [(0, CgroupDriver::Systemd), (1, CgroupDriver::Cgroupfs)] {
        let place = Place::new();
        let _served = FakeCri::containerd("/x")
            .on("/runtime.v1.RuntimeService/RuntimeConfig", move |_: v1::RuntimeConfigRequest| {
                let linux = Some(v1::LinuxRuntimeConfiguration { cgroup_driver: number });
                Ok(v1::RuntimeConfigResponse { linux })
            })
            .serve(&place.socket);
        assert_eq!(place.connect(10.0).unwrap().cgroup_driver(), Ok(driver));
    }
}

#[test]
fn no_socket_a_dead_socket_and_a_plain_file_are_told_apart() {
    let place = Place::new();
    let path = place.socket.display().to_string();
    assert_eq!(place.error(10.0), Error::SocketMissing { socket: path.clone() });
    drop(UnixListener::bind(&place.socket).unwrap());
    assert_eq!(place.error(10.0), Error::Refused { socket: path });
    let plain = Place::new();
    tempfile::NamedTempFile::new_in(plain.socket.parent().unwrap()).unwrap().persist(&plain.socket).unwrap();
    // The kernel answers ECONNREFUSED for a path that is no socket.
    assert!(matches!(plain.error(10.0), Error::Refused { .. }));
}

#[test]
fn a_server_that_accepts_and_never_answers_costs_no_more_than_the_deadline() {
    let place = Place::new();
    let listener = UnixListener::bind(&place.socket).unwrap();
    let held = std::thread::spawn(move || listener.accept().map(|(stream, _)| stream));
    let began = Instant::now();
    let error = place.error(0.3);
    assert!(matches!(error, Error::Hung { call: "Version", .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    drop(held.join().unwrap());
}

#[test]
fn a_server_that_nobody_accepts_for_costs_no_more_than_the_deadline() {
    let place = Place::new();
    let _listener = UnixListener::bind(&place.socket).unwrap();
    assert!(matches!(place.error(0.3), Error::Hung { .. }));
}

#[test]
fn a_server_that_hangs_in_one_call_does_not_outlast_the_deadline() {
    let place = Place::new();
    let _served = FakeCri::containerd("/x")
        .on("/runtime.v1.RuntimeService/ListPodSandbox", |_: v1::ListPodSandboxRequest| {
            std::thread::park_timeout(Duration::from_secs(20));
            Ok(v1::ListPodSandboxResponse::default())
        })
        .serve(&place.socket);
    let mut client = place.connect(1.0).unwrap();
    let began = Instant::now();
    let error = client.list_pod_sandbox().unwrap_err();
    assert!(matches!(error, Error::Hung { call: "ListPodSandbox", .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn whatever_is_not_grpc_is_an_error_of_one_line() {
    let answers: [&[u8]; 5] =
        [b"", b"HTTP/1.1 400 Bad Request\r\n\r\nno\n", &[0xff; 4096], &[0; 65536], b"\x00\x00\x01\x04\x00"];
    for answer in answers {
        let place = Place::new();
        let listener = UnixListener::bind(&place.socket).unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut first = [0; 24];
            stream.read_exact(&mut first).unwrap();
            stream.write_all(answer).ok();
        });
        let error = place.error(5.0);
        let text = error.to_string();
        assert!(matches!(error, Error::Broken { .. } | Error::Status { .. }), "{error:?}");
        assert!(!text.contains('\n') && text.len() < 700, "{text}");
        answering.join().unwrap();
    }
}

#[test]
fn an_answer_that_is_no_protobuf_is_an_error() {
    let place = Place::new();
    // Field 2 as a varint where our message has a string.
    let _served = FakeCri::empty()
        .on("/runtime.v1.RuntimeService/Version", |_: v1::VersionRequest| {
            Ok(v1::PodSandboxStatusRequest { pod_sandbox_id: "x".into(), verbose: true })
        })
        .serve(&place.socket);
    let error = place.error(5.0);
    assert!(matches!(error, Error::Status { .. } | Error::Broken { .. }), "{error:?}");
}
