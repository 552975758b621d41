//! containerd's own API, on the same socket as CRI: who has what in it. CRI shows only its own namespace, k8s.io.
//!
//! Paths and field numbers: containerd, api/services/{namespaces,containers,tasks,images,snapshots,content,introspection}/v1.
//! Every list that is asked for here has its elements in field 1, and an element's name in its field 1.

use host::deadline::Deadline;
use prost::Message;

use crate::error::Error;
use crate::transport::Connection;

/// A connection to containerd itself. Needs no CRI plugin.
pub struct Containerd {
    connection: Connection,
}

/// Something with a name; as a request, the one thing that it asks about.
#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(message, repeated, tag = "1")]
    items: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct Plugin {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    id: String,
    #[prost(message, optional, tag = "7")]
    init_err: Option<Nothing>,
}

#[derive(Clone, PartialEq, Message)]
struct Plugins {
    #[prost(message, repeated, tag = "1")]
    plugins: Vec<Plugin>,
}

#[derive(Clone, PartialEq, Message)]
struct Nothing {}

#[derive(Clone, PartialEq, Message)]
struct Process {
    #[prost(uint32, tag = "1")]
    pid: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Processes {
    #[prost(message, repeated, tag = "1")]
    processes: Vec<Process>,
}

#[derive(Clone, PartialEq, Message)]
struct Deprecation {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct Server {
    #[prost(message, repeated, tag = "4")]
    deprecations: Vec<Deprecation>,
}

impl Containerd {
    /// Connects to `socket` (`unix:///run/containerd/containerd.sock` or the bare path). `deadline` holds for every later
    /// call, too.
    pub fn connect(socket: &str, deadline: &Deadline) -> Result<Self, Error> {
        Ok(Self { connection: Connection::open(socket, *deadline)? })
    }

    /// The namespaces that there are, whatever is in them.
    pub fn namespaces(&mut self) -> Result<Vec<String>, Error> {
        self.list("namespaces.v1.Namespaces", "List", "")
    }

    /// Ids of the snapshotters that work here: `overlayfs`, `native`, a proxy plugin such as `stargz`, ...
    pub fn snapshotters(&mut self) -> Result<Vec<String>, Error> {
        let path = "/containerd.services.introspection.v1.Introspection/Plugins".to_owned();
        let answer: Plugins = self.connection.unary_in(path, "Plugins", Nothing {}, None)?;
        let works = |plugin: &&Plugin| plugin.kind == "io.containerd.snapshotter.v1" && plugin.init_err.is_none();
        Ok(answer.plugins.iter().filter(works).map(|plugin| plugin.id.clone()).collect())
    }

    /// What a namespace holds, by the first kind that has any, as `containers` and `1 of them: NAME`; nothing when it holds
    /// nothing that somebody would miss. Labels and leases are not held.
    pub fn holds(&mut self, namespace: &str) -> Result<Option<String>, Error> {
        let lists =
            [("containers.v1.Containers", "containers"), ("tasks.v1.Tasks", "tasks"), ("images.v1.Images", "images")];
        for (service, what) in lists {
            let names = self.list(service, "List", namespace)?;
            if !names.is_empty() {
                return Ok(Some(what.to_owned()));
            }
        }
        for snapshotter in self.snapshotters()? {
            if !self.stream("snapshots.v1.Snapshots", &snapshotter, namespace)?.is_empty() {
                return Ok(Some(format!("snapshots of {snapshotter}")));
            }
        }
        let blobs = self.stream("content.v1.Content", "", namespace)?;
        Ok((!blobs.is_empty()).then(|| "content".to_owned()))
    }

    /// Names of a namespace's containers.
    pub fn containers(&mut self, namespace: &str) -> Result<Vec<String>, Error> {
        self.list("containers.v1.Containers", "List", namespace)
    }

    /// Processes of a running container, as its shim finds them in its cgroup.
    pub fn pids(&mut self, namespace: &str, container: &str) -> Result<Vec<u32>, Error> {
        let path = "/containerd.services.tasks.v1.Tasks/ListPids".to_owned();
        let asked = Named { name: container.to_owned() };
        let answer: Processes = self.connection.unary_in(path, "ListPids", asked, Some(namespace))?;
        Ok(answer.processes.into_iter().map(|process| process.pid).collect())
    }

    /// What is used of it that a later release has not, a sentence each: `ctr deprecations list`. None before 1.7.
    pub fn deprecations(&mut self) -> Result<Vec<String>, Error> {
        let path = "/containerd.services.introspection.v1.Introspection/Server".to_owned();
        let answer: Server = self.connection.unary_in(path, "Server", Nothing {}, None)?;
        Ok(answer.deprecations.into_iter().map(|one| one.message).collect())
    }

    fn list(&mut self, service: &str, call: &'static str, namespace: &str) -> Result<Vec<String>, Error> {
        let path = format!("/containerd.services.{service}/{call}");
        let answer: List = self.connection.unary_in(path, call, Nothing {}, Some(namespace))?;
        Ok(answer.items.into_iter().map(|item| item.name).collect())
    }

    /// A list that comes in parts. `about` is the snapshotter.
    fn stream(&mut self, service: &str, about: &str, namespace: &str) -> Result<Vec<String>, Error> {
        let path = format!("/containerd.services.{service}/List");
        let parts: Vec<List> =
            self.connection.stream_in(path, "List", Named { name: about.to_owned() }, Some(namespace))?;
        Ok(parts.into_iter().flat_map(|part| part.items).map(|item| item.name).collect())
    }
}
