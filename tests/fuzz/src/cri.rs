//! CRI answers: whatever a runtime sends, in protobuf or in the JSON inside it, is read without a panic.

use crate::Check;
use cri::messages as m;
use cri::{Container, Image, ImageFilesystem, NETWORK_READY, Sandbox, SandboxStatus, Status};
use prost::Message;

/// Names, labels and addresses in them are the pods'.
pub static CHECK: Check = Check {
    name: "cri",
    run,
    seed_dirs: &["tests/fuzz/seeds/cri"],
    seeds: &[
        // A kind, then a message: a condition and an info value; a pod; a sandbox's status; an address.
        b"\x00\x0a\x12\x0a\x10\x0a\x0cNetworkReady\x10\x01\x12\x1d\x0a\x09cniconfig\x12\x10{\"Networks\":[{}]}",
        b"\x00\x12\x1b\x0a\x11lastCNILoadStatus\x12\x06\"OK\\n\"",
        b"\x01\x0a\x1d\x0a\x02id\x12\x17\x0a\x03web\x12\x01u\x1a\x07default\x20\x01",
        b"\x02\x0a\x1a\x0a\x02id\x12\x0a\x0a\x03web\x12\x01u\x1a\x00\x2a\x08\x0a\x0610.0.0\x12\x13\x0a\x04info\x12\x0b{\"pid\":4e9}",
        b"\x03\x0a\x0e\x08\x01\x12\x06\x0a\x04/var\x1a\x02\x08\x01",
        b"\x04\x0a\x08\x0a\x01c\x12\x01s\x30\x01",
        b"\x05\x0a\x08\x0a\x01i\x12\x01t\x38\x05",
    ],
    words: &["{\"pid\":1}", "\"Networks\"", "cniconfig", "config", "runtimeSpec", "\x08\u{7f}", "\x1b[2J", "null"],
};

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 7 {
        0 => read(bytes, |answer: m::StatusResponse| status(&answer.into())),
        1 => read(bytes, |answer: m::ListPodSandboxResponse| {
            let expected = answer.items.len();
            let sandboxes: Vec<Sandbox> = answer.items.into_iter().map(Into::into).collect();
            assert_eq!(sandboxes.len(), expected, "a pod was lost");
        }),
        2 => read(bytes, |answer: m::PodSandboxStatusResponse| {
            let status = SandboxStatus::from(answer);
            assert!(status.ips.iter().all(|ip| !ip.is_empty()));
            assert_ne!(status.pid, Some(0), "0 would be this process itself");
        }),
        3 => read(bytes, |answer: m::ImageFsInfoResponse| {
            let _: Vec<ImageFilesystem> = answer.image_filesystems.into_iter().map(Into::into).collect();
        }),
        4 => read(bytes, |answer: m::ListContainersResponse| {
            let _: Vec<Container> = answer.containers.into_iter().map(Into::into).collect();
        }),
        5 => read(bytes, |answer: m::ListImagesResponse| {
            let _: Vec<Image> = answer.images.into_iter().map(Into::into).collect();
        }),
        _ => read(bytes, |_: m::VersionResponse| ()),
    }
}

fn read<M: Message + Default>(bytes: &[u8], then: impl FnOnce(M)) {
    if let Ok(message) = M::decode(bytes) {
        then(message);
    }
}

fn status(status: &Status) {
    assert_eq!(status.holds(NETWORK_READY), status.condition(NETWORK_READY).is_some_and(|c| c.ok));
    let network = status.network();
    assert!(network.is_none() || status.info.contains_key("cniconfig"));
    status.plugin_dirs();
    status.systemd_cgroup();
    status.last_cni_load_status();
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_answers_are_what_the_node_said() {
        let seeds = crate::seeds::of(&CHECK).unwrap();
        let of = |kind: u8| seeds.iter().filter(move |seed| seed[0] == kind && seed.len() > 80);
        let recorded: Status = m::StatusResponse::decode(&of(0).next_back().unwrap()[1..]).unwrap().into();
        assert!(recorded.holds(NETWORK_READY) && recorded.plugin_dirs() == ["/opt/cni/bin"]);
        assert_eq!(recorded.network().unwrap().name, "cni0");
        let disk = m::ImageFsInfoResponse::decode(&of(3).next_back().unwrap()[1..]).unwrap();
        let disks: Vec<ImageFilesystem> = disk.image_filesystems.into_iter().map(Into::into).collect();
        assert_eq!(disks.len(), 1, "{disks:?}");
    }
}
