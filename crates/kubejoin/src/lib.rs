//! Every module there is. Written by docs/registry.py out of the folders of modules/.

use ansible::Module;

/// In the order of their names.
pub static MODULES: &[&Module] = &[
    &aggressive_reset::MODULE,
    &cluster_nodes::MODULE,
    &cni_placeholder::MODULE,
    &cni_repair::MODULE,
    &containerd_prepare::MODULE,
    &containerd_upgrade::MODULE,
    &flannel_config::MODULE,
    &join_prerequisites::MODULE,
    &join_token::MODULE,
    &kubeadm_init_guarded::MODULE,
    &kubeadm_join_guarded::MODULE,
    &kubectl_apply::MODULE,
    &kubelet_mask::MODULE,
    &node_diagnose::MODULE,
    &node_drain::MODULE,
    &node_labels::MODULE,
    &node_packages::MODULE,
    &pod_connectivity::MODULE,
    &stale_node::MODULE,
];
