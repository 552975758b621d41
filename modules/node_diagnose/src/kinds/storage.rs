//! Disks, file systems and mounts.

use super::{critical, warning};
use crate::kind::Kind;
use node::code::Code;

pub(super) static KINDS: &[Kind] = &[
    critical(
        Code::FilesystemReadOnly,
        "a file system that Kubernetes writes to is read-only",
        "the kernel remounts a file system read-only after an error of the disk (errors=remount-ro), or it is mounted so",
        "look for disk errors in dmesg, check the disk, then remount it read-write or reboot",
    ),
    critical(
        Code::FilesystemFull,
        "a file system that Kubernetes writes to is full",
        "neither containerd nor the kubelet can write its state, and images cannot be pulled",
        "free space there: old logs and images of other programs first",
    ),
    critical(
        Code::InodesExhausted,
        "a file system that Kubernetes writes to has no inodes left",
        "very many small files, mostly in caches or mail queues; df shows free space all the same",
        "find the directory with the most files (du --inodes) and clean it up",
    ),
    critical(
        Code::MountHangs,
        "a mounted file system does not answer",
        "the server behind it is gone, or a daemon that serves it died: whatever touches it hangs, a reset or the kubelet included",
        "bring the server back, or unmount it with umount -f when nobody needs what is on it",
    ),
    critical(
        Code::OverlayImpossible,
        "containerd's overlay snapshotter cannot work here",
        "the kernel has no overlay file system, or /var/lib/containerd itself lies on an overlay or a network file system",
        "load the kernel module overlay, or put /var/lib/containerd on a disk of its own",
    ),
    warning(
        Code::FilesystemLow,
        "a file system is below the kubelet's eviction threshold",
        "the kubelet reports DiskPressure and evicts pods below 10 % of the node's or 15 % of the images' file system, or 5 % of its inodes",
        "free space there, or set other thresholds (evictionHard) in the kubelet's configuration",
    )
    .explained_by(&[Code::FilesystemFull, Code::InodesExhausted]),
    warning(
        Code::MountsLeftBehind,
        "mounts of an earlier join are left below Kubernetes' directories",
        "a reset that did not unmount them, or was interrupted; kubeadm up to 1.28 deletes through such mounts",
        "reset the node with aggressive_reset, which unmounts first and never deletes through a mount",
    )
    .mended_by("aggressive_reset"),
];
