//! The lines a healthy kubelet writes while it starts, as recorded; the alarming ones among them are normal.

use super::flags::Settings;
use crate::cri::Cri;
use crate::yaml::text;
use crate::{faults, klog, version};
use std::path::Path;

/// Before anything is done.
pub fn hello(settings: &Settings) {
    klog::info("server.go:440", &format!("\"Kubelet version\" kubeletVersion=\"{}\"", version::claimed()));
    if settings.standalone() {
        let text = match version::at_least(23) {
            true => "Kubelet is running in standalone mode, will skip API server sync",
            false => "Standalone mode, no API client",
        };
        klog::info("server.go:562", &format!("{text:?}"));
    } else {
        klog::info("server.go:868", "\"Client rotation is on, will bootstrap in background\"");
        let ca = text(&settings.config, "/authentication/x509/clientCAFile");
        klog::info(
            "dynamic_cafile_content.go:155",
            &format!("\"Starting controller\" name=\"client-ca-bundle::{ca}\""),
        );
    }
}

/// Once the certificate is there or on its way.
pub fn configured(settings: &Settings) {
    klog::info("server.go:687", "\"--cgroups-per-qos enabled, but --cgroup-root was not specified.  defaulting to /\"");
    let driver = if settings.systemd_cgroups() { "systemd" } else { "cgroupfs" };
    klog::info(
        "container_manager_linux.go:285",
        &format!(
            "\"Creating Container Manager object based on Node Config\" nodeConfig={{RuntimeCgroupsName: SystemCgroupsName: KubeletCgroupsName: ContainerRuntime:remote CgroupsPerQOS:true CgroupRoot:/ CgroupDriver:{driver}"
        ),
    );
    if !settings.socket.starts_with("unix://") {
        klog::info(
            "util_unix.go:103",
            &format!(
                "\"Using this format as endpoint is deprecated, please consider using full url format.\" deprecatedFormat={0:?} fullURLFormat=\"unix://{0}\"",
                settings.socket
            ),
        );
    }
    if settings.standalone() {
        klog::info("kubelet.go:420", "\"No API server defined - no node status update will be sent\"");
    } else {
        klog::info("kubelet.go:418", "\"Attempting to sync node with API server\"");
    }
    if !settings.manifests().is_empty() {
        klog::info("kubelet.go:279", &format!("\"Adding static pod path\" path={:?}", settings.manifests()));
    }
}

/// Once the runtime has answered and the ports are open.
pub fn started(settings: &Settings, cri: &Cri) {
    klog::info("server.go:1213", "\"Started kubelet\"");
    for image_fs in cri.image_fs().into_iter().flat_map(|info| info.image_filesystems).filter_map(|fs| fs.fs_id) {
        klog::error(
            "cri_stats_provider.go:372",
            &format!(
                "\"Failed to get the info of the filesystem with mountpoint\" err=\"unable to find data in memory cache\" mountpoint={:?}",
                image_fs.mountpoint
            ),
        );
    }
    // Once is what every good start shows; again and again is a file system that really has no size.
    let garbage = |times: &str| {
        klog::error(
            "kubelet.go:1343",
            &format!("\"Image garbage collection {times}\" err=\"invalid capacity 0 on image filesystem\""),
        );
    };
    garbage("failed once. Stats initialization may not have completed yet");
    if faults::switched("imagefs-zero") {
        std::thread::spawn(move || {
            loop {
                crate::clock::pause(std::time::Duration::from_secs(5));
                garbage("failed multiple times in a row");
            }
        });
    }
    klog::info("volume_manager.go:291", "\"Starting Kubelet Volume Manager\"");
    if !settings.manifests().is_empty() && !Path::new(settings.manifests()).exists() {
        klog::error(
            "file_linux.go:60",
            &format!(
                "\"Unable to read config path\" err=\"path does not exist, ignoring\" path={:?}",
                settings.manifests()
            ),
        );
    }
    klog::info("kubelet.go:1967", "\"Starting kubelet main sync loop\"");
    klog::error(
        "kubelet.go:1991",
        "\"Skipping pod synchronization\" err=\"PLEG is not healthy: pleg has yet to be successful\"",
    );
}
