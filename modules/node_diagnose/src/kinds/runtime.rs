//! The container runtime.

use super::{critical, notice, warning};
use crate::kind::Kind;
use node::code::Code;

const DISK: &[Code] = &[Code::FilesystemFull, Code::FilesystemReadOnly, Code::InodesExhausted];

pub(super) static KINDS: &[Kind] = &[
    critical(
        Code::ContainerdMissing,
        "containerd is not installed",
        "there is no containerd.service and no containerd program",
        "install it (Debian: apt-get install containerd)",
    ),
    critical(
        Code::ContainerdConfigInvalid,
        "containerd's configuration cannot be read",
        "a syntax error, an import that does not exist, or a version that is unknown: containerd will not start with it",
        "mend the line that the evidence names",
    ),
    critical(
        Code::ContainerdMasked,
        "containerd's unit is masked",
        "somebody masked it, so that nothing can start it",
        "systemctl unmask containerd, then start it",
    ),
    critical(
        Code::ContainerdFailed,
        "containerd does not start",
        "its journal has the reason, which the evidence quotes",
        "mend what the evidence names; containerd_prepare mends the configuration and proves that it starts",
    )
    .mended_by("containerd_prepare")
    .explained_by(&[Code::FilesystemFull, Code::FilesystemReadOnly, Code::InodesExhausted, Code::ContainerdConfigInvalid]),
    critical(
        Code::ContainerdStopped,
        "containerd is not running",
        "it was stopped, or is not enabled at boot",
        "start it, and enable it: systemctl enable --now containerd",
    )
    .mended_by("containerd_prepare")
    .explained_by(&[Code::ContainerdConfigInvalid, Code::ContainerdMasked]),
    critical(
        Code::ContainerdHung,
        "containerd accepts connections and does not answer",
        "it is stopped by a signal, out of file descriptors, or waits for a disk that does not answer",
        "look at the disk, then restart containerd; its containers go on running",
    )
    .mended_by("containerd_prepare")
    .explained_by(&[Code::MountHangs, Code::FilesystemFull, Code::FilesystemReadOnly]),
    critical(
        Code::ContainerdSocketMissing,
        "containerd runs, and its socket is not where it is looked for",
        "somebody deleted the socket under it, or its configuration names another one",
        "restart containerd, or give its configuration the socket that the kubelet uses",
    )
    .mended_by("containerd_prepare")
    .explained_by(&[Code::ContainerdConfigInvalid]),
    critical(
        Code::CriDisabled,
        "containerd's CRI plugin is disabled",
        "the package of docker.com ships disabled_plugins = [\"cri\"]: containerd runs, and no kubelet can use it",
        "take cri out of disabled_plugins and restart containerd",
    )
    .mended_by("containerd_prepare"),
    critical(
        Code::CriNotLoaded,
        "containerd's CRI plugin did not load",
        "its configuration has a value that the plugin refuses; the evidence quotes the journal",
        "mend what the evidence names and restart containerd",
    )
    .mended_by("containerd_prepare")
    .explained_by(&[Code::CriDisabled, Code::ContainerdConfigInvalid, Code::InotifyExhausted]),
    critical(
        Code::RuntimeNotReady,
        "containerd says that it is not ready",
        "the condition RuntimeReady is false",
        "read containerd's journal, and restart it",
    )
    .mended_by("containerd_prepare")
    .explained_by(DISK),
    critical(
        Code::ImageFilesystemUnusable,
        "the file system for images cannot be used",
        "CRI names its directory and statvfs finds no capacity there, or it was deleted under containerd, with the layers of every image",
        "reset the node with aggressive_reset level=aggressive, which removes /var/lib/containerd, and join it again",
    )
    .mended_by("aggressive_reset")
    .explained_by(DISK),
    critical(
        Code::SandboxImageMissing,
        "containerd cannot get its sandbox (pause) image, so no pod starts",
        "this node has no way to the image's registry, and the image is not here: a site without registry, a name that is not resolved, a proxy that containerd does not know",
        "import the image (ctr --namespace k8s.io images import FILE), mirror its registry, or give containerd_prepare a sandbox_image that is here",
    )
    .explained_by(DISK),
    critical(
        Code::SandboxFailing,
        "containerd cannot start the sandboxes of new pods",
        "its journal has the reason, which the evidence quotes",
        "mend what the evidence names",
    )
    .explained_by(&[Code::FilesystemFull, Code::FilesystemReadOnly, Code::InodesExhausted, Code::CgroupDriverMismatch, Code::SandboxImageMissing, Code::CniPluginsMissing, Code::CniPluginBroken, Code::CniConfigLeftover, Code::AddressesExhausted, Code::KubeletFileMissing]),
    critical(
        Code::CgroupDriverMismatch,
        "kubelet and containerd use different cgroup drivers",
        "the kubelet's cgroupDriver and containerd's SystemdCgroup disagree, so no pod starts",
        "set SystemdCgroup = true in containerd's configuration and restart it",
    )
    .mended_by("containerd_prepare"),
    warning(
        Code::ContainerdConfigNotInForce,
        "containerd runs with another configuration than the one in its file",
        "the file was edited and containerd was not restarted",
        "restart containerd, at a time when its pods may be disturbed",
    )
    .mended_by("containerd_prepare"),
    warning(
        Code::ContainerdConfigPassedOver,
        "containerd passes over a part of its configuration",
        "a drop-in that no file imports, a section under the name of another version, one that a later file replaces, or a key that this containerd no longer has: it starts, and does not do what is written there",
        "write it where the evidence says; containerd config dump shows what is in force",
    ),
    notice(
        Code::RuntimeTooOldSoon,
        "this containerd is to be replaced by a newer one",
        "the containerd project no longer looks after it, or Kubernetes asks for a newer one, now or at the date in the evidence",
        "plan the move to a containerd that is looked after, node by node, before Kubernetes is upgraded",
    ),
];
