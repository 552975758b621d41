//! Which request goes to which method and what it is answered with.

use crate::v1::*;
use prost::Message;

/// A request of one of the two services.
pub trait Call: Message + 'static {
    /// What it is answered with.
    type Answer: Message + Default + 'static;
    /// The method's path on the wire.
    const PATH: &'static str;
}

macro_rules! calls {
    ($($service:ident $method:ident $request:ident $answer:ident;)*) => { $(
        impl Call for $request {
            type Answer = $answer;
            const PATH: &'static str = concat!("/runtime.v1.", stringify!($service), "/", stringify!($method));
        }
    )* };
}

calls! {
    RuntimeService Version VersionRequest VersionResponse;
    RuntimeService Status StatusRequest StatusResponse;
    RuntimeService UpdateRuntimeConfig UpdateRuntimeConfigRequest UpdateRuntimeConfigResponse;
    RuntimeService RunPodSandbox RunPodSandboxRequest RunPodSandboxResponse;
    RuntimeService ListPodSandbox ListPodSandboxRequest ListPodSandboxResponse;
    RuntimeService PodSandboxStatus PodSandboxStatusRequest PodSandboxStatusResponse;
    RuntimeService StopPodSandbox StopPodSandboxRequest StopPodSandboxResponse;
    RuntimeService RemovePodSandbox RemovePodSandboxRequest RemovePodSandboxResponse;
    RuntimeService CreateContainer CreateContainerRequest CreateContainerResponse;
    RuntimeService StartContainer StartContainerRequest StartContainerResponse;
    RuntimeService ListContainers ListContainersRequest ListContainersResponse;
    RuntimeService ContainerStatus ContainerStatusRequest ContainerStatusResponse;
    RuntimeService StopContainer StopContainerRequest StopContainerResponse;
    RuntimeService RemoveContainer RemoveContainerRequest RemoveContainerResponse;
    ImageService ImageFsInfo ImageFsInfoRequest ImageFsInfoResponse;
    ImageService ImageStatus ImageStatusRequest ImageStatusResponse;
    ImageService ListImages ListImagesRequest ListImagesResponse;
}
