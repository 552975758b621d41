# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py.
"""Modules that may take long: they run by themselves and are followed."""

from __future__ import annotations

LONG = frozenset(
    [
        "aggressive_reset",
        "cluster_nodes",
        "cni_repair",
        "containerd_prepare",
        "flannel_config",
        "kubeadm_init_guarded",
        "kubeadm_join_guarded",
        "kubectl_apply",
        "node_diagnose",
        "node_drain",
        "node_packages",
        "pod_connectivity",
        "stale_node",
    ]
)
