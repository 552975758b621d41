//! The names of what can be wrong with a node: one enum for diagnosis and repair, so that a misspelt code does not compile.
//! What a failed join calls by the same name is the same ([`kubeadm::classify::Class`]), and has its name from there.

use kubeadm::classify::Class;
use serde::{Serialize, Serializer};
use std::fmt;

/// Declares the enum, its names and the list of all of them from one list.
macro_rules! codes {
    ($($code:ident = $name:expr,)+) => {
        /// What is wrong. Its name is `code` (or `id`) in results, and its section in docs/troubleshooting.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", stringify!($code), "`")] $code,)+
        }

        impl Code {
            /// What `cni_repair` alone finds.
            pub const ONLY_OF_CNI_REPAIR: [Code; 2] = [Code::CniPlaceholderOnly, Code::RuntimeUnreachable];
            /// All of them.
            pub const ALL: &[Code] = &[$(Code::$code,)+];

            /// The name in results, metrics and documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$code => $name,)+ }
            }
        }
    };
}

codes! {
    // Others on the same machine.
    OtherDistribution = "other_distribution",
    // Disks and mounts.
    FilesystemReadOnly = "filesystem_read_only",
    FilesystemFull = "filesystem_full",
    InodesExhausted = "inodes_exhausted",
    MountHangs = "mount_hangs",
    OverlayImpossible = "overlay_impossible",
    FilesystemLow = "filesystem_low",
    MountsLeftBehind = "mounts_left_behind",
    // The machine.
    ClockOff = "clock_off",
    MachineIdMissing = "machine_id_missing",
    MachineIdDuplicate = "machine_id_duplicate",
    InotifyExhausted = Class::InotifyExhausted.name(),
    ClockUnsynchronized = "clock_unsynchronized",
    PermissionsWrong = "permissions_wrong",
    // The container runtime.
    ContainerdMissing = "containerd_missing",
    ContainerdConfigInvalid = "containerd_config_invalid",
    ContainerdMasked = "containerd_masked",
    ContainerdFailed = "containerd_failed",
    ContainerdStopped = "containerd_stopped",
    ContainerdHung = "containerd_hung",
    ContainerdSocketMissing = "containerd_socket_missing",
    CriDisabled = "cri_disabled",
    CriNotLoaded = "cri_not_loaded",
    RuntimeNotReady = Class::RuntimeNotReady.name(),
    ImageFilesystemUnusable = "image_filesystem_unusable",
    SandboxImageMissing = Class::SandboxImageMissing.name(),
    SandboxFailing = "sandbox_failing",
    CgroupDriverMismatch = Class::CgroupDriverMismatch.name(),
    ContainerdConfigNotInForce = "containerd_config_not_in_force",
    ContainerdConfigPassedOver = "containerd_config_passed_over",
    RuntimeTooOldSoon = "runtime_too_old_soon",
    // CNI configuration and plugins.
    CniConfigMissing = "cni_config_missing",
    CniConfigInvalid = "cni_config_invalid",
    CniLoopbackOnly = "cni_loopback_only",
    CniPlaceholderShadows = "cni_placeholder_shadows",
    CniConfigLeftover = "cni_config_leftover",
    CniConfigForeign = "cni_config_foreign",
    CniPluginsMissing = "cni_plugins_missing",
    CniPluginBroken = "cni_plugin_broken",
    CniNotLoaded = "cni_not_loaded",
    CniPlaceholderLeft = "cni_placeholder_left",
    // The kubelet.
    KubeletMissing = Class::KubeletMissing.name(),
    NotJoined = "not_joined",
    KubeletMasked = "kubelet_masked",
    KubeletStandalone = "kubelet_standalone",
    KubeletCredentialsMissing = "kubelet_credentials_missing",
    KubeletCertificateExpired = Class::KubeletCertificateExpired.name(),
    NodeIpForeign = "node_ip_foreign",
    KubeletProxied = "kubelet_proxied",
    KubeletFileMissing = Class::KubeletFileMissing.name(),
    SwapOn = Class::SwapOn.name(),
    KubeletFailing = "kubelet_failing",
    KubeletUnhealthy = Class::KubeletUnhealthy.name(),
    KubeletStopped = "kubelet_stopped",
    CredentialsRejected = Class::CredentialsRejected.name(),
    NodeDeleted = Class::NodeDeleted.name(),
    ApiUnreachable = "api_unreachable",
    ResolverLoopback = "resolver_loopback",
    KubeletNotEnabled = "kubelet_not_enabled",
    // The pod network.
    BrNetfilterMissing = "br_netfilter_missing",
    ForwardingOff = "forwarding_off",
    FlannelNotRunning = Class::FlannelNotRunning.name(),
    PodCidrMismatch = "pod_cidr_mismatch",
    BridgeIsNoBridge = "bridge_is_no_bridge",
    BridgeMissing = "bridge_missing",
    BridgeAddressWrong = "bridge_address_wrong",
    BridgeAddressMissing = "bridge_address_missing",
    BridgeDown = "bridge_down",
    VethMissing = "veth_missing",
    VethDown = "veth_down",
    PodsUnattached = "pods_unattached",
    PodAddressesForeign = "pod_addresses_foreign",
    VxlanMissing = "vxlan_missing",
    FlannelPathWrong = "flannel_path_wrong",
    TunnelBlocked = "tunnel_blocked",
    PodRouteShadowed = "pod_route_shadowed",
    AddressesExhausted = "addresses_exhausted",
    ForwardDropped = "forward_dropped",
    IptablesBackendsMixed = "iptables_backends_mixed",
    NodeNotReady = "node_not_ready",
    NetworkLeftBehind = "network_left_behind",
    MtuMismatch = "mtu_mismatch",
    LeasesStale = "leases_stale",
    // Pods of the control plane and of the network.
    ControlPlaneNotRunning = "control_plane_not_running",
    KubeProxyNotRunning = "kube_proxy_not_running",
    CorednsNotRunning = "coredns_not_running",
    // Found by a repair alone.
    CniPlaceholderOnly = "cni_placeholder_only",
    RuntimeUnreachable = "runtime_unreachable",
    // A finding that has no row in the table, which a test refuses.
    Unknown = Class::Unknown.name(),
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_stands_once_and_is_its_variant_in_snake_case() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.name()), "{code:?} stands twice");
            let plain: String = code.name().split('_').collect();
            assert_eq!(plain, format!("{code:?}").to_lowercase());
        }
    }

    #[test]
    fn a_name_that_a_failed_join_has_too_is_taken_from_there() {
        let text = include_str!("code.rs");
        for class in Class::ALL {
            assert!(!text.contains(&format!(" = \"{}\",", class.name())), "{} is written down twice", class.name());
        }
    }
}
