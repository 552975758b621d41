//! What the kubelet says in its journal, and what kubeadm says while it waits for it.
//!
//! The journal is evidence, not the judge of standalone mode: a kubelet is standalone when, and only when, it was
//! started without `--kubeconfig`, which is read from its command line. An old journal line condemns no good join.

use super::Action::{Clean, FixKubelet, RaiseLimits, Retry, Wait};
use super::Place::{Error, Kubelet, Output};
use super::{Row, hopeless, mendable, says, symptom};

const SERVER: &str = "cmd/kubelet/app/server.go";
const START: &str = "cmd/kubeadm/app/phases/kubelet/kubelet.go";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    mendable("kubelet_not_startable", FixKubelet,
        "systemd refused to start the kubelet, so kubeadm waits in vain: the unit is masked, or its files have an error",
        &[says(Output, 22, 36, "[kubelet-start] WARNING: unable to start the kubelet service: [{}]", "run: kubeadm 1.22.6 with the unit masked")]),
    hopeless("kubelet_unit_missing",
        "there is no kubelet.service on this node: install the kubelet's package",
        &[says(Output, 22, 36, "couldn't detect a kubelet service, can't make sure the kubelet is running properly", START)]),
    mendable("standalone", FixKubelet,
        "the kubelet was started without --kubeconfig and so manages no Node: the kubeadm drop-in of kubelet.service is missing, broken or shadowed by one in /etc/systemd/system",
        &[says(Kubelet, 22, 36, "Standalone mode, no API client", SERVER),
          says(Kubelet, 22, 36, "Kubelet is running in standalone mode, will skip API server sync", "pkg/kubelet/kubelet.go"),
          says(Kubelet, 22, 36, "No API server defined - no node status update will be sent", "pkg/kubelet/kubelet.go"),
          says(Kubelet, 22, 36, "kubeclient not set, assuming standalone kubelet", "pkg/volume/csi/csi_plugin.go"),
          says(Kubelet, 22, 36, "Skipping CSINode initialization, kubelet running in standalone mode", "pkg/volume/csi/csi_plugin.go")]),
    mendable("bootstrap_credentials_gone", Clean,
        "the kubelet has neither its own credentials nor the bootstrap file, which kubeadm deletes when it ends: an earlier join broke off, and the node has to join again",
        &[says(Kubelet, 22, 36, "unable to load bootstrap kubeconfig: stat {}: no such file or directory", "geerlingguy/ansible-role-kubernetes#34; pkg/kubelet/certificate/bootstrap/bootstrap.go")]),
    hopeless("kubelet_flag_unknown",
        "this kubelet does not know one of the flags it is started with: a flag of another release stands in kubeadm-flags.env, /etc/default/kubelet or a drop-in",
        &[says(Kubelet, 22, 36, "failed to parse kubelet flag: unknown flag: {}", SERVER),
          says(Kubelet, 22, 36, "\"command failed\" err=\"unknown flag: {}", "k8s.io/component-base/cli")]),
    hopeless("kubelet_config_invalid",
        "the kubelet rejects its configuration: correct the cluster's kubelet-config or the extra arguments",
        &[says(Kubelet, 22, 36, "failed to validate kubelet configuration, error: invalid configuration: ", SERVER),
          says(Kubelet, 22, 36, "failed to load kubelet config file, path: {}, error: failed to decode", SERVER)]),
    mendable("inotify_exhausted", RaiseLimits,
        "the kernel has no inotify instances or watches left: raise fs.inotify.max_user_instances and fs.inotify.max_user_watches",
        &[says(Kubelet, 22, 36, "inotify_init: too many open files", "kubernetes/kubernetes#46230 and others"),
          says(Kubelet, 22, 36, "inotify_add_watch {}: no space left on device", "inotify(7): the watch limit")]),
    hopeless("csr_denied",
        "the cluster denied the certificate this kubelet asked for: see the approvers on the control plane (`kubectl get csr`)",
        &[says(Kubelet, 22, 36, "certificate signing request {} is denied", "client-go/util/certificate/csr"),
          says(Kubelet, 22, 36, "certificate signing request is denied", "client-go/util/certificate/csr")]),
    symptom("csr_pending", Retry,
        "the kubelet asked for its certificate and nobody has approved it: the controller manager is down, or its approver is switched off (`kubectl get csr` on the control plane)",
        &[says(Kubelet, 22, 36, "Waiting for client certificate to be issued", "pkg/kubelet/certificate/bootstrap/bootstrap.go"),
          says(Kubelet, 22, 36, "timed out waiting for the certificate to be signed", "client-go/util/certificate/csr"),
          says(Error, 31, 36, "failed while waiting for TLS bootstrap: ", "cmd/kubeadm/app/cmd/phases/join/kubelet.go")]),
    hopeless("registration_forbidden",
        "the API server does not let this kubelet register its Node: the name differs from its certificate's, or a label it sets is reserved",
        &[says(Kubelet, 22, 36, "Unable to register node with API server\" err=\"nodes \\\"{}\\\" is forbidden: ", "pkg/kubelet/kubelet_node_status.go"),
          says(Kubelet, 22, 36, "unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels", "cmd/kubelet/app/options/options.go")]),
    symptom("kubelet_lost_api", Retry,
        "the kubelet cannot reach the API server any more, though discovery could",
        &[says(Kubelet, 22, 36, "\"Failed to connect to apiserver\" err=", "pkg/kubelet/certificate/bootstrap/bootstrap.go"),
          says(Kubelet, 22, 36, "\"Unable to register node with API server\" err=\"Post ", "pkg/kubelet/kubelet_node_status.go")]),
    symptom("kubelet_crashing", Retry,
        "the kubelet ends again and again soon after its start: its journal tells why",
        &[says(Kubelet, 22, 36, "Main process exited, code=exited, status={}/FAILURE", "systemd"),
          says(Kubelet, 22, 36, "Main process exited, code=dumped, status=", "systemd"),
          says(Kubelet, 22, 36, "Start request repeated too quickly", "systemd")]),
    symptom("kubelet_config_absent", Wait,
        "the kubelet was started before kubeadm had written its configuration: normal before a join, and held back by the gate",
        &[says(Kubelet, 22, 36, "failed to load Kubelet config file {}, error failed to read kubelet config file", SERVER),
          says(Kubelet, 22, 36, "failed to load kubelet config file, path: {}, error: failed to load Kubelet config file {}no such file or directory", SERVER)]),
    symptom("kubelet_unhealthy", Retry,
        "the kubelet did not become healthy while kubeadm waited: its journal tells why",
        &[says(Error, 31, 36, "failed while waiting for the kubelet to start: The HTTP call equal to 'curl -sSL http://{}/healthz' returned", "kubevirt CI, kubeadm 1.34"),
          says(Error, 31, 36, "The HTTP call equal to 'curl -sSL http://{}/healthz' returned", "cmd/kubeadm/app/util/apiclient/wait.go"),
          says(Output, 22, 30, "[kubelet-check] The HTTP call equal to 'curl -sSL http://localhost:10248/healthz' failed with error: ", "run: kubeadm 1.22.6, containerd stopped"),
          says(Output, 22, 30, "[kubelet-check] The HTTP call equal to 'curl -sSL http://localhost:10248/healthz' returned HTTP code ", "cmd/kubeadm/app/util/apiclient/wait.go"),
          says(Output, 31, 36, "[kubelet-check] The kubelet is not healthy after ", "cmd/kubeadm/app/util/apiclient/wait.go")]),
    symptom("kubeadm_timed_out", Retry,
        "kubeadm gave up waiting for the kubelet to join: the other findings and the kubelet's journal tell why",
        &[says(Error, 22, 30, "error execution phase kubelet-start: timed out waiting for the condition", "cmd/kubeadm/app/cmd/phases/join/kubelet.go"),
          says(Error, 27, 36, "error execution phase kubelet-start: context deadline exceeded", "cmd/kubeadm/app/cmd/phases/join/kubelet.go"),
          says(Error, 31, 36, "error execution phase kubelet-wait-bootstrap: context deadline exceeded", "cmd/kubeadm/app/cmd/phases/join/kubelet.go")]),
];
