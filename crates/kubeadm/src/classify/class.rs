//! The names of what can go wrong with a join: one enum, so that a misspelt class does not compile.
//!
//! What each means, what helps, who mends it and how it is said stands in its [`super::Row`]; this file only has names.

/// Declares the enum, its names and the list of all of them from one list.
macro_rules! classes {
    ($($class:ident = $name:literal,)+) => {
        /// A class of failure. Its name is `failure_class` in results, and its section in docs/failure-classes.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Class {
            $(#[doc = concat!("`", $name, "`")] $class,)+
        }

        impl Class {
            /// All of them, in the order in which a join meets them.
            pub const ALL: &[Class] = &[$(Class::$class,)+];

            /// The name in results, metrics and documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Class::$class => $name,)+ }
            }
        }
    };
}

classes! {
    // This module's own refusals.
    KubeadmMissing = "kubeadm_missing",
    JoinedElsewhere = "joined_elsewhere",
    ControlPlane = "control_plane",
    HalfMade = "half_made",
    ControlPlaneUnhealthy = "control_plane_unhealthy",
    SettingsDiffer = "settings_differ",
    EndpointIsOwn = "endpoint_is_own",
    // kubeadm's own checks.
    LeftoverFiles = "leftover_files",
    PortInUse = "port_in_use",
    PortTaken = "port_taken",
    SwapOn = "swap_on",
    BridgeNetfilter = "bridge_netfilter",
    IpForward = "ip_forward",
    CgroupV1Refused = "cgroup_v1_refused",
    CgroupsMissing = "cgroups_missing",
    KernelUnsupported = "kernel_unsupported",
    ProgramMissing = "program_missing",
    KubeletMissing = "kubelet_missing",
    NotRoot = "not_root",
    NodeTooSmall = "node_too_small",
    SeveralRuntimes = "several_runtimes",
    HostnameInvalid = "hostname_invalid",
    ImagePullFailed = "image_pull_failed",
    // The container runtime.
    CriUnimplemented = "cri_unimplemented",
    RuntimeDown = "runtime_down",
    RuntimeNotReady = "runtime_not_ready",
    CgroupDriverMismatch = "cgroup_driver_mismatch",
    RuntimeTooOld = "runtime_too_old",
    SandboxImageMissing = "sandbox_image_missing",
    RuncMissing = "runc_missing",
    ContainerIdExists = "container_id_exists",
    SandboxNameReserved = "sandbox_name_reserved",
    AppArmorMissing = "apparmor_missing",
    ImageFilesystemInvalid = "image_filesystem_invalid",
    DiskFull = "disk_full",
    ReadOnly = "read_only",
    // The way to the API server.
    ProxyRefused = "proxy_refused",
    ProxyUnreachable = "proxy_unreachable",
    ProxyNameUnknown = "proxy_name_unknown",
    ProxyInvalid = "proxy_invalid",
    ProxyForbids = "proxy_forbids",
    ProxyWantsLogin = "proxy_wants_login",
    ProxyFails = "proxy_fails",
    EndpointNameUnknown = "endpoint_name_unknown",
    ApiRefused = "api_refused",
    ApiTimeout = "api_timeout",
    ApiNoRoute = "api_no_route",
    ApiCloses = "api_closes",
    ApiOverloaded = "api_overloaded",
    NotTls = "not_tls",
    TlsRefused = "tls_refused",
    // Trust.
    CaMismatch = "ca_mismatch",
    CaHashMalformed = "ca_hash_malformed",
    ClockBehind = "clock_behind",
    ClockAheadOrCertificateExpired = "clock_ahead_or_certificate_expired",
    WrongSan = "wrong_san",
    CertificateUnfit = "certificate_unfit",
    UnknownAuthority = "unknown_authority",
    // Discovery and the token.
    AnonymousAuthOff = "anonymous_auth_off",
    ClusterInfoForbidden = "cluster_info_forbidden",
    ClusterInfoMissing = "cluster_info_missing",
    ClusterInfoMalformed = "cluster_info_malformed",
    DiscoveryUrlFails = "discovery_url_fails",
    DiscoveryFileInvalid = "discovery_file_invalid",
    TokenUnknown = "token_unknown",
    TokenSecretWrong = "token_secret_wrong",
    TokenRejected = "token_rejected",
    TokenForbidden = "token_forbidden",
    BootstrapSignerDown = "bootstrap_signer_down",
    // The cluster's configuration.
    KubeletConfigMapMissing = "kubelet_config_map_missing",
    ClusterConfigMissing = "cluster_config_missing",
    VersionSkew = "version_skew",
    ConfigRejected = "config_rejected",
    ConfigTooOld = "config_too_old",
    ConfigExperimental = "config_experimental",
    NodeExists = "node_exists",
    NodeLookupFailed = "node_lookup_failed",
    // A further control plane.
    CertificatesGone = "certificates_gone",
    CertificateKeyWrong = "certificate_key_wrong",
    CertificatesMissing = "certificates_missing",
    EtcdUnhealthy = "etcd_unhealthy",
    EtcdMemberExists = "etcd_member_exists",
    EtcdLearner = "etcd_learner",
    // The kubelet.
    KubeletNotStartable = "kubelet_not_startable",
    KubeletUnitMissing = "kubelet_unit_missing",
    KubeletCannotRun = "kubelet_cannot_run",
    Standalone = "standalone",
    KubeletCertificateExpired = "kubelet_certificate_expired",
    BootstrapCredentialsGone = "bootstrap_credentials_gone",
    KubeletFlagUnknown = "kubelet_flag_unknown",
    KubeletFeatureGate = "kubelet_feature_gate",
    KubeletConfigInvalid = "kubelet_config_invalid",
    KubeletStateStale = "kubelet_state_stale",
    KernelDefaults = "kernel_defaults",
    KubeletFileMissing = "kubelet_file_missing",
    NodeIpInvalid = "node_ip_invalid",
    SubordinateIds = "subordinate_ids",
    InotifyExhausted = "inotify_exhausted",
    KubeletConfigAbsent = "kubelet_config_absent",
    KubeletCrashing = "kubelet_crashing",
    KubeletUnhealthy = "kubelet_unhealthy",
    // Its certificate and its Node.
    CsrUnapproved = "csr_unapproved",
    CsrDenied = "csr_denied",
    CsrFailed = "csr_failed",
    CsrNotIssued = "csr_not_issued",
    CsrPending = "csr_pending",
    RegistrationForbidden = "registration_forbidden",
    KubeletLostApi = "kubelet_lost_api",
    NodeNotRegistered = "node_not_registered",
    NodeDeleted = "node_deleted",
    NodeOfAnother = "node_of_another",
    NodeRenamed = "node_renamed",
    CredentialsRejected = "credentials_rejected",
    ControlPlaneCrashing = "control_plane_crashing",
    // The pod network.
    BridgeAddressConflict = "bridge_address_conflict",
    FlannelNotRunning = "flannel_not_running",
    PodCidrUnassigned = "pod_cidr_unassigned",
    FlannelNeedsBrNetfilter = "flannel_needs_br_netfilter",
    CniPluginMissing = "cni_plugin_missing",
    CniPluginCannotRun = "cni_plugin_cannot_run",
    CniVersions = "cni_versions",
    CniDirectoryRemoved = "cni_directory_removed",
    // When nothing says more.
    KubeadmCrashed = "kubeadm_crashed",
    KubeadmTimedOut = "kubeadm_timed_out",
    OutOfTime = "out_of_time",
    Unknown = "unknown",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_stands_once_and_is_its_variant_in_snake_case() {
        let mut seen = HashSet::new();
        for class in Class::ALL {
            assert!(seen.insert(class.name()), "{class:?} stands twice");
            let plain: String = class.name().split('_').collect();
            assert_eq!(plain, format!("{class:?}").to_lowercase(), "{class:?}");
        }
    }
}
