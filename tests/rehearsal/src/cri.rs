//! The container runtime over its socket (CRI v1), blocking; errors read as gRPC-Go writes them.

use anyhow::{Result, anyhow};
use cri_api::calls::Call;
use cri_api::v1::*;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic_prost::ProstCodec;

/// A connection to the runtime.
pub struct Cri {
    tokio: Runtime,
    channel: Channel,
}

fn wording(status: &tonic::Status) -> anyhow::Error {
    anyhow!("rpc error: code = {:?} desc = {}", status.code(), status.message())
}

impl Cri {
    /// Connects to `socket` (a path or a unix:// URL).
    pub fn connect(socket: &str) -> Result<Self> {
        let path = socket.strip_prefix("unix://").unwrap_or(socket).to_owned();
        if let Err(error) = std::os::unix::net::UnixStream::connect(&path) {
            let cause = match error.kind() {
                std::io::ErrorKind::NotFound => "no such file or directory".into(),
                std::io::ErrorKind::ConnectionRefused => "connection refused".into(),
                std::io::ErrorKind::PermissionDenied => "permission denied".into(),
                _ => error.to_string(),
            };
            let dialing = if crate::version::at_least(26) { "Error while dialing:" } else { "Error while dialing" };
            return Err(anyhow!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: {dialing} dial unix {path}: connect: {cause}\""
            ));
        }
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let channel = tokio.block_on(async {
            Endpoint::try_from("http://[::]:50051")?
                .connect_with_connector(tower::service_fn(move |_: Uri| {
                    let path = path.clone();
                    async move { Ok::<_, std::io::Error>(TokioIo::new(UnixStream::connect(path).await?)) }
                }))
                .await
        })?;
        Ok(Self { tokio, channel })
    }

    fn call<C: Call>(&self, request: C, seconds: u64) -> Result<C::Answer> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(16 << 20);
        let answer = self.tokio.block_on(async {
            let asking = async {
                grpc.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
                let (path, codec) = (PathAndQuery::from_static(C::PATH), ProstCodec::default());
                grpc.unary(tonic::Request::new(request), path, codec).await
            };
            match tokio::time::timeout(Duration::from_secs(seconds), asking).await {
                Ok(answer) => answer,
                Err(_) => Err(tonic::Status::deadline_exceeded("context deadline exceeded")),
            }
        });
        answer.map(tonic::Response::into_inner).map_err(|status| wording(&status))
    }

    /// Name and version of the runtime.
    pub fn version(&self) -> Result<VersionResponse> {
        self.call(VersionRequest { version: "v1".into() }, 10)
    }

    /// Conditions, and with `verbose` the runtime's own details.
    pub fn status(&self, verbose: bool) -> Result<StatusResponse> {
        self.call(StatusRequest { verbose }, 10)
    }

    /// The filesystem images are on.
    pub fn image_fs(&self) -> Result<ImageFsInfoResponse> {
        self.call(ImageFsInfoRequest {}, 10)
    }

    /// Tells the runtime the node's pod CIDR.
    pub fn update_pod_cidr(&self, cidr: &str) -> Result<()> {
        let config = RuntimeConfig { network_config: Some(NetworkConfig { pod_cidr: cidr.into() }) };
        self.call(UpdateRuntimeConfigRequest { runtime_config: Some(config) }, 10).map(drop)
    }

    /// An image with its details; None when it is not there.
    pub fn image(&self, name: &str) -> Result<Option<(Image, HashMap<String, String>)>> {
        let spec = ImageSpec { image: name.into(), ..Default::default() };
        let answer = self.call(ImageStatusRequest { image: Some(spec), verbose: true }, 10)?;
        Ok(answer.image.map(|image| (image, answer.info)))
    }

    /// All images.
    pub fn images(&self) -> Result<Vec<Image>> {
        Ok(self.call(ListImagesRequest {}, 10)?.images)
    }

    /// Starts a sandbox.
    pub fn run_sandbox(&self, config: &PodSandboxConfig) -> Result<String> {
        let request = RunPodSandboxRequest { config: Some(config.clone()), runtime_handler: String::new() };
        Ok(self.call(request, 240)?.pod_sandbox_id)
    }

    /// All sandboxes.
    pub fn sandboxes(&self) -> Result<Vec<PodSandbox>> {
        Ok(self.call(ListPodSandboxRequest {}, 10)?.items)
    }

    /// A sandbox's state.
    pub fn sandbox(&self, id: &str) -> Result<Option<PodSandboxStatus>> {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.into(), verbose: false };
        Ok(self.call(request, 10)?.status)
    }

    /// Stops a sandbox and everything in it.
    pub fn stop_sandbox(&self, id: &str) -> Result<()> {
        self.call(StopPodSandboxRequest { pod_sandbox_id: id.into() }, 120).map(drop)
    }

    /// Removes a sandbox.
    pub fn remove_sandbox(&self, id: &str) -> Result<()> {
        self.call(RemovePodSandboxRequest { pod_sandbox_id: id.into() }, 120).map(drop)
    }

    /// Makes and starts a container.
    pub fn run_container(&self, sandbox: &str, config: &ContainerConfig, pod: &PodSandboxConfig) -> Result<String> {
        let request = CreateContainerRequest {
            pod_sandbox_id: sandbox.into(),
            config: Some(config.clone()),
            sandbox_config: Some(pod.clone()),
        };
        let id = self.call(request, 120)?.container_id;
        self.call(StartContainerRequest { container_id: id.clone() }, 120)?;
        Ok(id)
    }

    /// All containers.
    pub fn containers(&self) -> Result<Vec<Container>> {
        Ok(self.call(ListContainersRequest {}, 10)?.containers)
    }

    /// A container's state.
    pub fn container(&self, id: &str) -> Result<Option<ContainerStatus>> {
        let request = ContainerStatusRequest { container_id: id.into(), verbose: false };
        Ok(self.call(request, 10)?.status)
    }

    /// Removes a container, running or not.
    pub fn remove_container(&self, id: &str) -> Result<()> {
        self.call(StopContainerRequest { container_id: id.into(), timeout: 2 }, 60)?;
        self.call(RemoveContainerRequest { container_id: id.into() }, 60).map(drop)
    }
}
