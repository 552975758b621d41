#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/kubeadm_join_guarded: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubeadm_join_guarded
short_description: Join this node to a cluster with kubeadm, and say why when it fails
version_added: 0.1.0
description:
  - Joins this node to a cluster with C(kubeadm join), watches the join while it runs, and says in one sentence
    why it failed when it does.
  - The diagnosis decides what happens after a failure. What no retry can help (a wrong CA, a wrong clock, versions
    that are too far apart) ends at once; what can be mended here is mended and tried again; a cleanup is made only
    where a cleanup helps.
  - A node that is joined and healthy is left alone. One that belongs to another cluster is refused.
  - Success is proved on the node and not taken from kubeadm's word.
options:
  control_plane_endpoint:
    description:
      - Address of the API server, host:port. The port may be left out when it is 6443.
    type: str
    aliases:
      - endpoint
  token:
    description:
      - Bootstrap token. Needed only when the node has to join.
    type: str
  ca_cert_hashes:
    description:
      - Hashes of the cluster's CA, sha256:<hex>. Without any, whoever answers is trusted.
    type: list
    elements: str
    default: []
    aliases:
      - ca_cert_hash
  discovery_file:
    description:
      - Kubeconfig on the node, or https URL of one, to discover the cluster with instead of the token.
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
  node_labels:
    description:
      - Labels the Node registers with.
    type: dict
    default: {}
  node_taints:
    description:
      - Taints the Node registers with, key=value:effect. Left out, kubeadm decides; an empty list means none.
    type: list
    elements: str
  ignore_preflight_errors:
    description:
      - Preflight checks of kubeadm whose errors become warnings.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds for everything together, all attempts included.
    type: int
    default: 300
  approval_timeout:
    description:
      - Seconds the cluster, or a person, may take to approve the kubelet's certificate signing request, and again
        as many to issue the certificate, within timeout. More is wanted where nothing approves it automatically.
    type: int
    default: 90
  max_retries:
    description:
      - How often the join may be tried again after the first attempt. The diagnosis decides whether it is.
    type: int
    default: 3
  on_node_conflict:
    description:
      - 'When a Ready Node of this name is in the cluster: wait until it is NotReady, or end at once so that it
        can be deleted (delete) or a human decides (fail).'
    type: str
    default: wait
    choices:
      - wait
      - delete
      - fail
  cleanup:
    description:
      - The strongest cleanup allowed between attempts, where the diagnosis says that one helps. leftovers removes
        credentials of earlier joins; gentle and aggressive are those of aggressive_reset, without images and CNI
        configuration.
    type: str
    default: aggressive
    choices:
      - leftovers
      - gentle
      - aggressive
  wait_ready:
    description:
      - Seconds to wait for the Node to be Ready after the join. It often becomes so only when the network add-on
        is there.
    type: int
    default: 0
  preserve:
    description:
      - Directories that a cleanup must not change, as in aggressive_reset.
    type: list
    elements: path
    default:
      - /srv/media
      - /mnt/media
  metrics_dir:
    description:
      - Directory of node_exporter's textfile collector, to write the result, class and seconds into.
    type: path
  log_path:
    description:
      - Directory for the logs of the attempts, kept 0600 and without secrets.
    type: path
    default: /var/log/kubejoin
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Says whether the node would be joined or mended, and touches nothing.
  diff_mode:
    support: full
    description: Shows the node's cluster and kubelet before, and what is to be done.
  platform:
    support: full
    description: Linux with systemd, kubeadm 1.22 to 1.36 and a container runtime that speaks CRI. Needs no Python
      on the target.
    platforms: linux
notes:
  - The token stands in a file for root only below C(/run), for as long as kubeadm needs to read it, and never in
    an argument list, a log or the result.
  - In check mode, and on a node that is joined, no token is needed. See M(vmstation.kubejoin.join_token) for getting
    one.
  - While the kubelet waits for its certificate, its signing request is looked at with the token's rights. The phase
    line C(waiting for approval of) names it for C(kubectl certificate approve). One that is denied ends the join
    at once.
  - O(max_retries) counts the attempts after the first. Waiting for a stale Node to become NotReady counts as none.
  - Extra words of C(--v=1) in the result's RV(stderr) are kubeadm's own progress, and are how a hopeless discovery
    is known early.
  - A failed join names its RV(failure_class). Each of them is explained in docs/failure-classes.md.
seealso:
  - module: vmstation.kubejoin.kubelet_mask
  - module: vmstation.kubejoin.join_token
  - module: vmstation.kubejoin.aggressive_reset
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: Join
  vmstation.kubejoin.kubeadm_join_guarded:
    control_plane_endpoint: 192.168.4.63:6443
    token: "{{ token.token }}"
    ca_cert_hashes: "{{ token.ca_cert_hashes }}"

- name: Join a storage node under a name of its own, with a label and a taint
  vmstation.kubejoin.kubeadm_join_guarded:
    control_plane_endpoint: cluster.home:6443
    token: "{{ token.token }}"
    ca_cert_hashes: "{{ token.ca_cert_hashes }}"
    node_name: storage
    vmstation.kubejoin.node_labels:
      disk: big
    node_taints:
      - storage=only:NoSchedule
    timeout: 600

- name: See whether this node has to join
  vmstation.kubejoin.kubeadm_join_guarded:
    control_plane_endpoint: 192.168.4.63:6443
  check_mode: true
"""

RETURN = r"""
---
msg:
  description: What became of the node, or the sentence a human needs.
  returned: always
  type: str
  sample: storage has joined
joined:
  description: Whether the node is part of the cluster.
  returned: always
  type: bool
  sample: true
node_name:
  description: The Node's name.
  returned: always
  type: str
  sample: storage
machine_id:
  description: Machine id of this node, as its kubelet tells the cluster.
  returned: always
  type: str
  sample: a31fd7e07c504f73bb14b10bb339fc84
system_uuid:
  description: System UUID of this node, as its kubelet tells the cluster.
  returned: always
  type: str
  sample: 4c4c4544-0042-3510-8052-b4c04f4e3432
prerequisites:
  description: Checks of M(vmstation.kubejoin.join_prerequisites) that were not well before the join.
  returned: after a join or a failed one
  type: list
  elements: dict
journal:
  description: The kubelet's last lines during the last attempt, without secrets.
  returned: on failure
  type: str
endpoint:
  description: The cluster, as the options name it.
  returned: always
  type: str
  sample: 192.168.4.63:6443
kubeadm_version:
  description: Version of kubeadm on this node.
  returned: always
  type: str
  sample: v1.31.2
seconds:
  description: How long it took altogether, with the waits between attempts.
  returned: after a join or a failed one
  type: float
  sample: 6.9
took:
  description: Where these seconds went, with those of looking at the node before; kubeadm's is the largest part
    by far.
  returned: after a join
  type: dict
  sample:
    observe: 0.11
    gate: 0.09
    prerequisites: 0.12
    kubeadm: 2.05
    proof: 0.02
    node: 0.14
attempts:
  description: Each attempt with its seconds, phases, log and remedy, and what it failed with.
  returned: always
  type: list
  elements: dict
  sample:
    - seconds: 6.4
      exit_status: 0
      phases:
        - name: preflight
          began: 0.0
        - name: joined
          began: 6.3
      log: /var/log/kubejoin/join-20261120T231005Z-1.log
      remedy: []
steps:
  description: What was mended on the way.
  returned: always
  type: list
  elements: str
  sample:
    - restarted containerd.service
phases:
  description: kubeadm's phases, with the second at which each began.
  returned: after a join
  type: list
  elements: dict
proof:
  description: What was found on the node after the join.
  returned: after a join or a mend
  type: dict
node:
  description: What the cluster says of this node, asked with the kubelet's own credentials; whether it exists,
    is Ready (or the reason why not), carries this machine's id, renews its lease, whether podCIDR, flannel's subnet
    and the bridge agree, and whether the placeholder of M(vmstation.kubejoin.cni_placeholder) is still to be handed
    over.
  returned: after a join
  type: dict
  sample:
    exists: true
    same_machine: true
    ready: true
    reason: KubeletReady
    pod_cidr: 10.244.1.0/24
    lease_renewed: true
stdout:
  description: The end of kubeadm's own output, of the last attempt, at most 32 KiB; the log has more.
  returned: when kubeadm ran
  type: str
stderr:
  description: The end of kubeadm's own errors and warnings, of the last attempt, at most 32 KiB.
  returned: when kubeadm ran
  type: str
failure_class:
  description: Name of what went wrong; RV(help) leads to what it means.
  returned: on failure
  type: str
  sample: token_unknown
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
evidence:
  description: The line that shows it.
  returned: on failure
  type: str
  sample: could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"
explanation:
  description: One sentence; what it means and what helps.
  returned: on failure
  type: str
help:
  description: Its section on the page of failure classes, a path in the collection.
  returned: on failure
  type: str
  sample: docs/failure-classes.md#api_no_route
next_action:
  description: What whoever called is to do; V(stop), V(refresh_token), V(delete_node), or what the module did itself
    until it ran out of retries or time.
  returned: on failure
  type: str
  sample: refresh_token
retry_safe:
  description: Whether the same join may be tried again, once that is done, without asking anybody.
  returned: on failure
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'control_plane_endpoint': {'type': 'str', 'aliases': ['endpoint']},
            'token': {'type': 'str', 'no_log': True},
            'ca_cert_hashes': {'type': 'list', 'elements': 'str', 'default': [], 'aliases': ['ca_cert_hash']},
            'discovery_file': {'type': 'str'},
            'node_name': {'type': 'str'},
            'cri_socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'kubelet_extra_args': {'type': 'dict', 'default': {}},
            'node_labels': {'type': 'dict', 'default': {}},
            'node_taints': {'type': 'list', 'elements': 'str'},
            'ignore_preflight_errors': {'type': 'list', 'elements': 'str', 'default': []},
            'timeout': {'type': 'int', 'default': 300},
            'approval_timeout': {'type': 'int', 'default': 90},
            'max_retries': {'type': 'int', 'default': 3},
            'on_node_conflict': {'type': 'str', 'default': 'wait', 'choices': ['wait', 'delete', 'fail']},
            'cleanup': {'type': 'str', 'default': 'aggressive', 'choices': ['leftovers', 'gentle', 'aggressive']},
            'wait_ready': {'type': 'int', 'default': 0},
            'preserve': {'type': 'list', 'elements': 'path', 'default': ['/srv/media', '/mnt/media']},
            'metrics_dir': {'type': 'path'},
            'log_path': {'type': 'path', 'default': '/var/log/kubejoin'},
        },
        required_one_of=[['control_plane_endpoint', 'discovery_file']],
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.kubeadm_join_guarded is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
