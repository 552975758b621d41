//! What CRI's settings are called in each version of the configuration.
//!
//! Source: containerd docs/cri/config.md, RELEASES.md ("Daemon Configuration") and the migrations in
//! `plugins/cri/runtime/plugin.go` and `plugins/cri/images/plugin.go`. Version 4 (containerd 2.3) moved the server's own
//! settings (grpc, ttrpc, debug, metrics) into plugins; CRI's are where version 3 has them.

/// CRI's section in version 2; in later ones what is left there is the streaming server's.
pub const CRI: &str = "io.containerd.grpc.v1.cri";
/// The section with runtimes and CNI since version 3.
pub const RUNTIME: &str = "io.containerd.cri.v1.runtime";
/// The section with images since version 3.
pub const IMAGES: &str = "io.containerd.cri.v1.images";
/// What of CRI's section is there still in version 3 (`plugins/cri/runtime/plugin.go`).
pub const STAYED: [&str; 6] = [
    "disable_tcp_service",
    "stream_server_address",
    "stream_server_port",
    "stream_idle_timeout",
    "enable_tls_streaming",
    "x509_key_pair_streaming",
];

/// Where CRI's settings are, as keys below `plugins`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// The section with runtimes and CNI.
    pub runtime: &'static str,
    /// The section with the pause image.
    pub images: &'static str,
    /// The path of the pause image's key below `images`.
    pub sandbox_image: &'static [&'static str],
    /// Whether a list of CNI plugin directories (`bin_dirs`) exists beside the single `bin_dir`.
    pub has_bin_dirs: bool,
}

/// Every way to switch the CRI plugin off: the name of version 1, the service's of versions 2 to 4, and the two plugins
/// it needs since version 3.
pub const CRI_PLUGINS: [&str; 4] = ["cri", CRI, RUNTIME, IMAGES];

impl Names {
    /// The names in a file of that version.
    pub fn of(version: i64) -> Self {
        let (runtime, images): (_, &'static str) = match version {
            ..=1 => ("cri", "cri"),
            2 => (CRI, CRI),
            _ => (RUNTIME, IMAGES),
        };
        let sandbox_image: &'static [&'static str] =
            if version >= 3 { &["pinned_images", "sandbox"] } else { &["sandbox_image"] };
        Names { runtime, images, sandbox_image, has_bin_dirs: version >= 3 }
    }
}
