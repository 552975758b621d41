//! The machine as such: its identity, its clock, its permissions.

use super::{critical, warning};
use crate::kind::Kind;
use node::code::Code;

pub(super) static KINDS: &[Kind] = &[
    critical(
        Code::ClockOff,
        "the clock differs from the control plane's",
        "certificates and tokens seem expired or not yet valid; mostly no time synchronisation after a long time off",
        "install and enable a time service (systemd-timesyncd or chrony) and wait until it has set the clock",
    ),
    critical(
        Code::MachineIdMissing,
        "the machine has no machine-id",
        "an image was made with an empty /etc/machine-id and systemd could not write one",
        "run systemd-machine-id-setup, then restart the kubelet",
    ),
    critical(
        Code::MachineIdDuplicate,
        "another node has the same machine-id",
        "both were cloned from one image with its machine-id in it; the network add-on and the cluster mistake one for the other",
        "on one of them: remove /etc/machine-id, run systemd-machine-id-setup, reset the node and join it again",
    ),
    critical(
        Code::InotifyExhausted,
        "the machine is out of inotify instances",
        "fs.inotify.max_user_instances (128 by default) is used up: containerd's CRI plugin and the kubelet cannot watch their files and stop",
        "sysctl fs.inotify.max_user_instances=8192, and name it in /etc/sysctl.d; in a container it is the host's limit",
    ),
    warning(
        Code::ClockUnsynchronized,
        "the clock is not synchronised",
        "no time service is running, so the clock will drift until certificates and tokens are refused",
        "install and enable a time service (systemd-timesyncd or chrony)",
    )
    .explained_by(&[Code::ClockOff]),
    warning(
        Code::PermissionsWrong,
        "files of Kubernetes have wrong owners or modes",
        "somebody, or a script, changed them: credentials that others can read, or directories that root cannot use",
        "set them as the evidence says; new credentials are needed when others could read them",
    ),
];
