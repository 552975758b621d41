//! CNI: configuration files and plugins.

use super::{critical, warning};
use crate::kind::Kind;
use node::code::Code;

pub(super) static KINDS: &[Kind] = &[
    critical(
        Code::CniConfigMissing,
        "there is no CNI configuration",
        "the network add-on has not installed its file: its DaemonSet does not run on this node (yet)",
        "wait for the add-on's pod, or look why it does not run; before a join, cni_placeholder puts a file there",
    )
    .mended_by("cni_repair"),
    critical(
        Code::CniConfigInvalid,
        "the first CNI configuration file is invalid",
        "containerd loads the first file by name only, and when that is invalid it loads none",
        "mend or remove the file that the evidence names",
    )
    .mended_by("cni_repair"),
    critical(
        Code::CniLoopbackOnly,
        "the CNI configuration in force gives pods a loopback only",
        "the first file by name has nothing but the loopback plugin, and shadows any network behind it",
        "remove it: containerd adds the loopback by itself",
    )
    .mended_by("cni_repair"),
    critical(
        Code::CniPlaceholderShadows,
        "the placeholder stands in front of the real CNI configuration",
        "containerd loads the first file by name only: pods get addresses of the placeholder's network, which every node hands out",
        "hand over to the real network with cni_placeholder state=handover, which recreates the pods that have such addresses",
    )
    .mended_by("cni_placeholder"),
    critical(
        Code::CniConfigLeftover,
        "the CNI configuration in force is of a network that does not run on this node",
        "it was left behind when that network was removed, or its agent has not started; pods fail with its plugin's words",
        "move the file that the evidence names out of the directory, or bring that network back",
    )
    .mended_by("cni_repair"),
    critical(
        Code::CniConfigForeign,
        "the CNI configuration in force is another program's",
        "containerd takes the first file by name, and podman's, nerdctl's or containerd's own sample stands before that of the pod network: pods get addresses that no other node knows",
        "give that file a name that sorts behind the network's, such as 87-podman.conflist, or remove it when nobody uses it; then cni_repair recreates the pods that have its addresses",
    )
    .mended_by("cni_repair"),
    critical(
        Code::CniPluginsMissing,
        "CNI plugins that the configuration names are not installed",
        "the programs are not in the directories where containerd looks: not installed, or bin_dir points elsewhere",
        "install them (Debian: containernetworking-plugins), or let containerd_prepare set cni_bin_dir=auto",
    )
    .mended_by("cni_repair"),
    critical(
        Code::CniPluginBroken,
        "a CNI plugin that the configuration names is there and does not run",
        "a copy that was cut off, a program for another architecture, a mount with noexec, or another version of CNI",
        "install it anew (Debian: containernetworking-plugins), or let the network add-on's pod do so",
    )
    .mended_by("cni_repair"),
    critical(
        Code::CniNotLoaded,
        "containerd has not loaded the CNI configuration that is there",
        "it passes over a file that was renamed in from another directory (containerd#11715), or its directory was removed under it",
        "restart containerd, or write the file anew within the directory as cni_placeholder does",
    )
    .mended_by("containerd_prepare")
    .explained_by(&[Code::CniConfigMissing, Code::CniConfigInvalid, Code::CniLoopbackOnly]),
    warning(
        Code::CniPlaceholderLeft,
        "the placeholder is still the only CNI configuration of a joined node",
        "the network add-on has not installed its file, and pods get addresses that other nodes hand out too",
        "make flannel's pod on this node anew, which installs its file, then hand over to it: cni_repair does both",
    )
    .mended_by("cni_repair"),
];
