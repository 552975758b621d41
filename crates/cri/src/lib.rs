//! The Kubernetes Container Runtime Interface, spoken directly over the runtime's socket; never through crictl or ctr.
//!
//! Blocking outside, a current-thread tokio runtime inside, one deadline for the connection and every call on it.
//! CRI v1, or v1alpha2 when the server does not know v1 (containerd before 1.6). The only file tree that imports
//! hyper, tonic and prost. What it refuses: retrying. A caller that waits for a runtime polls [`Client::connect`].

mod answers;
mod containerd;
mod convert;
mod error;
pub mod messages;
mod transport;

pub use answers::{
    CgroupDriver, Condition, Container, Image, ImageFilesystem, Network, Sandbox, SandboxStatus, Status, Version,
};
pub use containerd::Containerd;
pub use error::Error;

/// The condition that says whether containers can be run.
pub const RUNTIME_READY: &str = "RuntimeReady";
/// The condition that says whether a CNI configuration is loaded.
pub const NETWORK_READY: &str = "NetworkReady";

use host::deadline::Deadline;
use messages as m;
use transport::Connection;

/// A connection to a runtime that has said which CRI it speaks.
pub struct Client {
    connection: Connection,
    version: Version,
}

/// A pod sandbox to be made: a pause container with the pod network, and nothing else in it.
#[derive(Debug, Clone, Default)]
pub struct NewSandbox {
    /// The pod's name, namespace and uid; together with a fixed attempt 0 they must be unique.
    pub name: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's uid.
    pub uid: String,
    /// The pod's host name; empty lets the runtime choose.
    pub hostname: String,
    /// The parent cgroup; with the systemd driver a slice such as `system.slice`. Empty lets the runtime choose.
    pub cgroup_parent: String,
    /// Labels, so that what was made can be found again.
    pub labels: Vec<(String, String)>,
}

impl Client {
    /// Connects to `socket` (`unix:///run/containerd/containerd.sock` or the bare path) and asks for its version.
    /// `deadline` holds for every later call on this client too.
    pub fn connect(socket: &str, deadline: &Deadline) -> Result<Self, Error> {
        let mut connection = Connection::open(socket, *deadline)?;
        for api in ["v1", "v1alpha2"] {
            let path = format!("/runtime.{api}.RuntimeService/Version");
            // The request's own field is the client's API version; kubelet sends 0.1.0 (pkg/kubelet/cri/remote).
            let request = m::VersionRequest { version: "0.1.0".to_owned() };
            let answer: m::VersionResponse = match connection.unary(path, "Version", request) {
                Err(Error::Unimplemented { .. }) => continue,
                other => other?,
            };
            let version = Version { runtime_name: answer.runtime_name, runtime_version: answer.runtime_version, api };
            return Ok(Client { connection, version });
        }
        Err(Error::NoCri { socket: connection.socket().to_owned() })
    }

    /// Who answered when connecting.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The runtime's conditions, and with them its verbose info.
    pub fn status(&mut self) -> Result<Status, Error> {
        let answer: m::StatusResponse = self.runtime("Status", m::StatusRequest { verbose: true })?;
        Ok(answer.into())
    }

    /// The cgroup driver kubelet should use too. [`Error::Unimplemented`] before containerd 2.0.
    pub fn cgroup_driver(&mut self) -> Result<CgroupDriver, Error> {
        let answer: m::RuntimeConfigResponse = self.runtime("RuntimeConfig", m::Empty {})?;
        match answer.linux.unwrap_or_default().cgroup_driver {
            0 => Ok(CgroupDriver::Systemd),
            _ => Ok(CgroupDriver::Cgroupfs),
        }
    }

    /// The filesystems that hold images: one, with containerd.
    pub fn image_fs_info(&mut self) -> Result<Vec<ImageFilesystem>, Error> {
        let answer: m::ImageFsInfoResponse = self.call("ImageService", "ImageFsInfo", m::Empty {})?;
        Ok(answer.image_filesystems.into_iter().map(Into::into).collect())
    }

    /// Every pod sandbox, running or not, by namespace and name: containerd lists them in the order of a Go map, another
    /// one each time, and a plan must be the same twice.
    pub fn list_pod_sandbox(&mut self) -> Result<Vec<Sandbox>, Error> {
        let answer: m::ListPodSandboxResponse = self.runtime("ListPodSandbox", m::Empty {})?;
        let mut sandboxes: Vec<Sandbox> = answer.items.into_iter().map(Into::into).collect();
        sandboxes.sort_by(|a, b| (&a.namespace, &a.name, &a.id).cmp(&(&b.namespace, &b.name, &b.id)));
        Ok(sandboxes)
    }

    /// One pod sandbox with its addresses, process and network namespace.
    pub fn pod_sandbox_status(&mut self, id: &str) -> Result<SandboxStatus, Error> {
        let request = m::PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
        let answer: m::PodSandboxStatusResponse = self.runtime("PodSandboxStatus", request)?;
        Ok(answer.into())
    }

    /// Makes a pod sandbox and gives back its id.
    pub fn run_pod_sandbox(&mut self, new: &NewSandbox) -> Result<String, Error> {
        let metadata = m::PodSandboxMetadata {
            name: new.name.clone(),
            uid: new.uid.clone(),
            namespace: new.namespace.clone(),
            attempt: 0,
        };
        let config = m::PodSandboxConfig {
            metadata: Some(metadata),
            hostname: new.hostname.clone(),
            log_directory: String::new(),
            labels: new.labels.iter().cloned().collect(),
            linux: Some(m::LinuxPodSandboxConfig { cgroup_parent: new.cgroup_parent.clone() }),
        };
        let answer: m::PodSandboxId =
            self.runtime("RunPodSandbox", m::RunPodSandboxRequest { config: Some(config) })?;
        Ok(answer.pod_sandbox_id)
    }

    /// Stops a sandbox and its containers and takes its network down. One that is gone or stopped is no error.
    pub fn stop_pod_sandbox(&mut self, id: &str) -> Result<(), Error> {
        let m::Empty {} = self.runtime("StopPodSandbox", m::PodSandboxId { pod_sandbox_id: id.to_owned() })?;
        Ok(())
    }

    /// Removes a sandbox and its containers, by force if they run. One that is gone is no error.
    pub fn remove_pod_sandbox(&mut self, id: &str) -> Result<(), Error> {
        let m::Empty {} = self.runtime("RemovePodSandbox", m::PodSandboxId { pod_sandbox_id: id.to_owned() })?;
        Ok(())
    }

    /// Every container, running or not.
    pub fn list_containers(&mut self) -> Result<Vec<Container>, Error> {
        let answer: m::ListContainersResponse = self.runtime("ListContainers", m::Empty {})?;
        Ok(answer.containers.into_iter().map(Into::into).collect())
    }

    /// Every image.
    pub fn list_images(&mut self) -> Result<Vec<Image>, Error> {
        let answer: m::ListImagesResponse = self.call("ImageService", "ListImages", m::Empty {})?;
        Ok(answer.images.into_iter().map(Into::into).collect())
    }

    /// Removes an image, under all its names, from CRI's own namespace; other namespaces of the same containerd keep what
    /// they have of it. One that is gone is no error.
    pub fn remove_image(&mut self, id: &str) -> Result<(), Error> {
        let image = Some(m::ImageSpec { image: id.to_owned() });
        let _nothing: m::Empty = self.call("ImageService", "RemoveImage", m::RemoveImageRequest { image })?;
        Ok(())
    }

    fn runtime<Q, A>(&mut self, call: &'static str, request: Q) -> Result<A, Error>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.call("RuntimeService", call, request)
    }

    fn call<Q, A>(&mut self, service: &str, call: &'static str, request: Q) -> Result<A, Error>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let path = format!("/runtime.{}.{service}/{call}", self.version.api);
        self.connection.unary(path, call, request)
    }
}
/// The systemd unit behind a runtime's socket.
pub fn unit(socket: &str) -> &'static str {
    if socket.contains("crio") {
        "crio.service"
    } else if socket.contains("cri-dockerd") {
        "cri-docker.service"
    } else {
        "containerd.service"
    }
}
