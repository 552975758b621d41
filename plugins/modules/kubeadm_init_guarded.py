#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/kubeadm_init_guarded: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubeadm_init_guarded
short_description: Make this machine the first control plane of a cluster with kubeadm, once
version_added: 0.1.0
description:
  - Makes this machine the first control plane of a cluster with C(kubeadm init), once.
  - A control plane that is there and healthy is left alone; one whose C(kubeadm init) was cut off after that is
    finished. One that does not answer, or that has data or manifests and no C(admin.conf), is refused, because
    its etcd holds somebody's cluster.
options:
  control_plane_endpoint:
    description:
      - A name or address that stays when control planes come and go, host:port. Default is this machine's address.
    type: str
  advertise_address:
    description:
      - The address at which the API server is reached. Default is that of the default route.
    type: str
    aliases:
      - apiserver_advertise_address
  pod_network_cidr:
    description:
      - Addresses for pods. Default is 10.244.0.0/16, or what a cluster that is there has; one that it does not
        have is refused.
    type: str
  service_cidr:
    description:
      - Addresses for services. Default is 10.96.0.0/12, or what a cluster that is there has; one that it does not
        have is refused.
    type: str
  kubernetes_version:
    description:
      - Version of the control plane, such as 1.31.2, or 1.31 for the kubeadm of that release that is installed.
        Default is that of kubeadm, so that nothing is asked for on the Internet. One that a cluster which is there
        does not have is refused.
    type: str
  node_name:
    description:
      - Name of the Node. Default is the host's name in lower case.
    type: str
  cri_socket:
    description:
      - Socket of the container runtime.
    type: str
    default: unix:///run/containerd/containerd.sock
  kubelet_extra_args:
    description:
      - Flags for the kubelet, without the leading dashes.
    type: dict
    default: {}
  node_taints:
    description:
      - Taints of the Node, key=value:effect. Left out, kubeadm keeps pods off control planes; an empty list lets
        them on.
    type: list
    elements: str
  ignore_preflight_errors:
    description:
      - Preflight checks of kubeadm whose errors become warnings.
    type: list
    elements: str
    default: []
  skip_phases:
    description:
      - Phases of kubeadm init to leave out, such as addon/kube-proxy.
    type: list
    elements: str
    default: []
  cluster_config:
    description:
      - Merged into the ClusterConfiguration, in the form of the kubeadm API version in use.
    type: dict
    default: {}
  kubelet_config:
    description:
      - Merged into the KubeletConfiguration of the whole cluster.
    type: dict
    default: {}
  kube_proxy_config:
    description:
      - Merged into the KubeProxyConfiguration of the whole cluster.
    type: dict
    default: {}
  timeout:
    description:
      - Seconds for everything together.
    type: int
    default: 600
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Says whether the machine would be initialised, and touches nothing.
  diff_mode:
    support: full
    description: Shows that a control plane would come to be.
  platform:
    support: full
    description: Linux with systemd, kubeadm 1.22 to 1.36 and a container runtime that speaks CRI. Needs no Python
      on the target.
    platforms: linux
notes:
  - kubeadm's own bootstrap token is made to live for 15 minutes only, and is not shown. M(vmstation.kubejoin.join_token)
    makes those that are used.
  - The version is kubeadm's own unless given, so that kubeadm asks nobody on the Internet which is newest.
  - A failed init names its RV(failure_class). Each of them is explained in docs/failure-classes.md.
seealso:
  - module: vmstation.kubejoin.join_token
  - module: vmstation.kubejoin.flannel_config
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: Make a control plane
  vmstation.kubejoin.kubeadm_init_guarded:
    control_plane_endpoint: 192.168.4.63:6443

- name: Make one that also runs pods, on a node with cgroup v1
  vmstation.kubejoin.kubeadm_init_guarded:
    node_taints: []
    kubelet_config:
      failCgroupV1: false
    cluster_config:
      networking:
        dnsDomain: home.arpa
"""

RETURN = r"""
---
msg:
  description: What became of the machine, or the sentence a human needs.
  returned: always
  type: str
  sample: this machine is the first control plane now
control_plane_endpoint:
  description: Address of the API server, host:port; null before it is made.
  returned: always
  type: str
  sample: 192.168.4.63:6443
ca_cert_hash:
  description: Hash of the cluster's CA, as workers pin it; null before it is made.
  returned: always
  type: str
  sample: sha256:4e9588cebf2eae777eeee59fe27faf797aa3043bb482e17304d2220f1d2a0d4f
node_name:
  description: The Node's name.
  returned: always
  type: str
  sample: cp1
kubeadm_version:
  description: Version of kubeadm on this machine.
  returned: always
  type: str
  sample: v1.31.2
stdout:
  description: kubeadm's own output, without tokens.
  returned: when kubeadm ran
  type: str
stderr:
  description: kubeadm's own errors and warnings.
  returned: when kubeadm ran
  type: str
failure_class:
  description: Name of what went wrong; RV(help) leads to what it means.
  returned: on failure
  type: str
  sample: swap_on
  choices:
    - anonymous_auth_off
    - api_closes
    - api_no_route
    - api_overloaded
    - api_refused
    - api_timeout
    - apparmor_missing
    - bootstrap_credentials_gone
    - bootstrap_signer_down
    - bridge_address_conflict
    - bridge_netfilter
    - ca_hash_malformed
    - ca_mismatch
    - certificate_key_wrong
    - certificate_unfit
    - certificates_gone
    - certificates_missing
    - cgroup_driver_mismatch
    - cgroup_v1_refused
    - cgroups_missing
    - clock_ahead_or_certificate_expired
    - clock_behind
    - cluster_config_missing
    - cluster_info_forbidden
    - cluster_info_malformed
    - cluster_info_missing
    - cni_directory_removed
    - cni_plugin_cannot_run
    - cni_plugin_missing
    - cni_versions
    - config_experimental
    - config_rejected
    - config_too_old
    - container_id_exists
    - control_plane
    - control_plane_crashing
    - control_plane_unhealthy
    - credentials_rejected
    - cri_unimplemented
    - csr_denied
    - csr_failed
    - csr_not_issued
    - csr_pending
    - csr_unapproved
    - discovery_file_invalid
    - discovery_url_fails
    - disk_full
    - endpoint_is_own
    - endpoint_name_unknown
    - etcd_learner
    - etcd_member_exists
    - etcd_unhealthy
    - flannel_needs_br_netfilter
    - flannel_not_running
    - half_made
    - hostname_invalid
    - image_filesystem_invalid
    - image_pull_failed
    - inotify_exhausted
    - ip_forward
    - joined_elsewhere
    - kernel_defaults
    - kernel_unsupported
    - kubeadm_crashed
    - kubeadm_missing
    - kubeadm_timed_out
    - kubelet_cannot_run
    - kubelet_certificate_expired
    - kubelet_config_absent
    - kubelet_config_invalid
    - kubelet_config_map_missing
    - kubelet_crashing
    - kubelet_feature_gate
    - kubelet_file_missing
    - kubelet_flag_unknown
    - kubelet_lost_api
    - kubelet_missing
    - kubelet_not_startable
    - kubelet_state_stale
    - kubelet_unhealthy
    - kubelet_unit_missing
    - leftover_files
    - node_deleted
    - node_exists
    - node_ip_invalid
    - node_lookup_failed
    - node_not_registered
    - node_of_another
    - node_renamed
    - node_too_small
    - not_root
    - not_tls
    - out_of_time
    - pod_cidr_unassigned
    - port_in_use
    - port_taken
    - program_missing
    - proxy_fails
    - proxy_forbids
    - proxy_invalid
    - proxy_name_unknown
    - proxy_refused
    - proxy_unreachable
    - proxy_wants_login
    - read_only
    - registration_forbidden
    - runc_missing
    - runtime_down
    - runtime_not_ready
    - runtime_too_old
    - sandbox_image_missing
    - sandbox_name_reserved
    - settings_differ
    - several_runtimes
    - standalone
    - subordinate_ids
    - swap_on
    - tls_refused
    - token_forbidden
    - token_rejected
    - token_secret_wrong
    - token_unknown
    - unknown
    - unknown_authority
    - version_skew
    - wrong_san
explanation:
  description: One sentence; what it means and what helps.
  returned: on failure
  type: str
help:
  description: Its section on the page of failure classes, a path in the collection.
  returned: on failure
  type: str
  sample: docs/failure-classes.md#api_no_route
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'control_plane_endpoint': {'type': 'str'},
            'advertise_address': {'type': 'str', 'aliases': ['apiserver_advertise_address']},
            'pod_network_cidr': {'type': 'str'},
            'service_cidr': {'type': 'str'},
            'kubernetes_version': {'type': 'str'},
            'node_name': {'type': 'str'},
            'cri_socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'kubelet_extra_args': {'type': 'dict', 'default': {}},
            'node_taints': {'type': 'list', 'elements': 'str'},
            'ignore_preflight_errors': {'type': 'list', 'elements': 'str', 'default': []},
            'skip_phases': {'type': 'list', 'elements': 'str', 'default': []},
            'cluster_config': {'type': 'dict', 'default': {}},
            'kubelet_config': {'type': 'dict', 'default': {}},
            'kube_proxy_config': {'type': 'dict', 'default': {}},
            'timeout': {'type': 'int', 'default': 600},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.kubeadm_init_guarded is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
