#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/node_drain: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: node_drain
short_description: Take the pods off a node, and say what keeps it from being empty
version_added: 0.1.0
description:
  - On a control plane, keeps new pods off a node and takes those that it has away, through the eviction API, which
    heeds PodDisruptionBudgets.
  - Pods of a DaemonSet and those that the kubelet runs from files are left alone, as C(kubectl drain) does with
    C(--ignore-daemonsets).
  - What would be lost is refused before anything is touched, each pod with the reason. What stands in the way while
    it runs is named when O(timeout) is over.
options:
  node_name:
    description:
      - Name of the Node.
    type: str
    required: true
    aliases:
      - name
  state:
    description:
      - V(drained) keeps new pods off the node and evicts those it has; V(cordoned) only keeps new ones off; V(uncordoned)
        lets them in again.
    type: str
    default: drained
    choices:
      - drained
      - cordoned
      - uncordoned
  machine_id:
    description:
      - /etc/machine-id of the machine that is meant, as kubeadm_join_guarded reports it. A Node of another machine
        is refused.
    type: str
  system_uuid:
    description:
      - Its system UUID. A Node of another machine is refused.
    type: str
  delete_emptydir_data:
    description:
      - Evict pods with an emptyDir, too. What is in it is lost.
    type: bool
    default: false
  force:
    description:
      - Evict pods that no controller made, too. Nothing makes them anew.
    type: bool
    default: false
  timeout:
    description:
      - Seconds until the last pod has to be gone.
    type: int
    default: 300
  kubeconfig:
    description:
      - The administrator's kubeconfig.
    type: path
    default: /etc/kubernetes/admin.conf
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Names the pods that would go, those that a budget keeps for now, and what is refused. Touches nothing.
  diff_mode:
    support: full
    description: Shows the pods that leave the node.
  platform:
    support: full
    description: A control plane made by kubeadm, with kubectl. Needs no Python on the target.
    platforms: linux
notes:
  - A Node whose kubelet has stopped talking to the cluster is refused while it has pods, because none of them would
    end.
  - After O(timeout) the Node stays cordoned, so that the next run goes on from there.
seealso:
  - module: vmstation.kubejoin.stale_node
  - module: vmstation.kubejoin.aggressive_reset
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: Nothing runs on w1 any more
  vmstation.kubejoin.node_drain:
    node_name: w1
    timeout: 120

- name: w1 is used again
  vmstation.kubejoin.node_drain:
    node_name: w1
    state: uncordoned
"""

RETURN = r"""
---
msg:
  description: How many pods left, or what keeps the node from being empty.
  returned: always
  type: str
  sample: 'Node w1 is drained: 2 pods leave it'
node_name:
  description: The Node.
  returned: always
  type: str
there:
  description: Whether the cluster has such a Node.
  returned: when it was not refused
  type: bool
evicted:
  description: The pods that the API server took away, or in check mode would be asked to, as C(namespace/name).
  returned: when it was not refused
  type: list
  elements: str
kept:
  description: The pods that stay, a DaemonSet's and the kubelet's own.
  returned: when it was not refused
  type: list
  elements: str
blocked:
  description: What keeps the node from being empty.
  returned: always
  type: list
  elements: dict
  contains:
    pod:
      description: The pod, as C(namespace/name).
      type: str
    reason:
      description: V(no_controller), V(local_storage), V(disruption_budget), V(ending), or V(refused) by the API
        server for another reason.
      type: str
    why:
      description: The same for people, with the option that allows it.
      type: str
refused:
  description: Why nothing was done (V(another_machine), V(node_silent), V(blocked)), or that it was not done in
    time (V(late)).
  returned: on failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'node_name': {'type': 'str', 'required': True, 'aliases': ['name']},
            'state': {'type': 'str', 'default': 'drained', 'choices': ['drained', 'cordoned', 'uncordoned']},
            'machine_id': {'type': 'str'},
            'system_uuid': {'type': 'str'},
            'delete_emptydir_data': {'type': 'bool', 'default': False},
            'force': {'type': 'bool', 'default': False},
            'timeout': {'type': 'int', 'default': 300},
            'kubeconfig': {'type': 'path', 'default': '/etc/kubernetes/admin.conf'},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.node_drain is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
