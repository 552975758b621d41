#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/node_labels: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: node_labels
short_description: Give Nodes their labels and taints, and take away those that were given before
version_added: 0.1.0
description:
  - On a control plane, gives Nodes the labels and taints that they should have, and takes away those that this
    module gave before and that are not asked for any more.
  - What was given is written into the annotation C(kubejoin.io/node-labels) of the Node. Labels and taints of anybody
    else stay, also when they are asked for here as well.
options:
  nodes:
    description:
      - 'By name of the Node: C(labels), a dictionary, and C(taints), a list of C(key=value:effect) or C(key:effect).'
    type: dict
    required: true
  kubeconfig:
    description:
      - The administrator's kubeconfig.
    type: path
    default: /etc/kubernetes/admin.conf
  timeout:
    description:
      - How long all of it may take, in seconds.
    type: int
    default: 120
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Says what would be given and taken, and touches nothing.
  diff_mode:
    support: full
    description: Shows what is given and taken, by Node.
  platform:
    support: full
    description: A control plane made by kubeadm, with kubectl. Needs no Python on the target.
    platforms: linux
notes:
  - Labels that the kubelet sets itself, and taints that the cluster sets itself (C(node.kubernetes.io/)), are refused.
seealso:
  - module: vmstation.kubejoin.kubeadm_join_guarded
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: The storage node takes only what tolerates it
  vmstation.kubejoin.node_labels:
    nodes:
      storage:
        labels: {disk: hdd, example.com/rack: r1}
        taints: ["dedicated=media:NoSchedule"]
      compute: {}
"""

RETURN = r"""
---
msg:
  description: What was, or in check mode would be, given and taken.
  returned: always
  type: str
  sample: 'storage: label disk=hdd'
changes:
  description: The same, one for each Node.
  returned: when all Nodes are there
  type: list
  elements: str
missing:
  description: The Nodes that the cluster has not.
  returned: when there are some
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'nodes': {'type': 'dict', 'required': True},
            'kubeconfig': {'type': 'path', 'default': '/etc/kubernetes/admin.conf'},
            'timeout': {'type': 'int', 'default': 120},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.node_labels is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
