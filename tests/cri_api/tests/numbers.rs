//! Every message here against what upstream's own definitions encode.

use cri_api::{upstream, v1};

macro_rules! all {
    ($($name:ident)*) => { $( let _: v1::$name = upstream::read(concat!("runtime.v1.", stringify!($name))); )* };
}

#[test]
fn every_field_has_upstreams_number_and_type() {
    all!(
        VersionRequest
        VersionResponse
        StatusRequest
        RuntimeCondition
        RuntimeStatus
        StatusResponse
        NetworkConfig
        RuntimeConfig
        UpdateRuntimeConfigRequest
        UpdateRuntimeConfigResponse
        RuntimeConfigRequest
        LinuxRuntimeConfiguration
        RuntimeConfigResponse
        Int64Value
        ImageFsInfoRequest
        FilesystemIdentifier
        UInt64Value
        FilesystemUsage
        ImageFsInfoResponse
        ImageSpec
        ImageStatusRequest
        Image
        ImageStatusResponse
        ListImagesRequest
        ListImagesResponse
        RemoveImageRequest
        RemoveImageResponse
        PodSandboxMetadata
        DnsConfig
        PortMapping
        NamespaceOption
        LinuxSandboxSecurityContext
        LinuxPodSandboxConfig
        PodSandboxConfig
        RunPodSandboxRequest
        RunPodSandboxResponse
        ListPodSandboxRequest
        PodSandbox
        ListPodSandboxResponse
        PodSandboxStatusRequest
        PodIp
        PodSandboxNetworkStatus
        Namespace
        LinuxPodSandboxStatus
        PodSandboxStatus
        PodSandboxStatusResponse
        StopPodSandboxRequest
        StopPodSandboxResponse
        RemovePodSandboxRequest
        RemovePodSandboxResponse
        ContainerMetadata
        Mount
        ContainerStatus
        KeyValue
        Capability
        LinuxContainerSecurityContext
        LinuxContainerConfig
        ContainerConfig
        CreateContainerRequest
        CreateContainerResponse
        StartContainerRequest
        StartContainerResponse
        StopContainerRequest
        StopContainerResponse
        RemoveContainerRequest
        RemoveContainerResponse
        ListContainersRequest
        Container
        ListContainersResponse
        ContainerStatusRequest
        ContainerStatusResponse
    );
}

#[derive(Clone, PartialEq, prost::Message)]
struct Misnumbered {
    #[prost(string, tag = "2")]
    name: String,
}

#[test]
#[should_panic(expected = "field name is not upstream's")]
fn a_wrong_number_is_seen() {
    let _: Misnumbered = upstream::read("runtime.v1.PodSandboxMetadata");
}
