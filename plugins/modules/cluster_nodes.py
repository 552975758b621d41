#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/cluster_nodes: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cluster_nodes
short_description: Wait until Nodes of the cluster are Ready, and say which are not and why
version_added: 0.1.0
description:
  - On a control plane, waits until Nodes are Ready, and says which are not and why. Changes nothing.
  - Names those that are waited for while it waits, as phases.
options:
  nodes:
    description:
      - 'Names of the Nodes to wait for. Left out or empty: all that the cluster has.'
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds to wait for the last of them; 0 looks once.
    type: int
    default: 180
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
    description: Looks once and does not wait; a node that is not Ready is no failure then.
  diff_mode:
    support: none
    description: There is nothing to show.
  platform:
    support: full
    description: A control plane made by kubeadm 1.22 to 1.36. Needs no Python on the target.
    platforms: linux
notes:
  - A Node that is not there is waited for five seconds alone. A kubelet registers it when it starts, and never
    later.
  - An API server that is overloaded, restarting or away for a moment is asked again, within O(timeout).
seealso:
  - module: vmstation.kubejoin.kubeadm_join_guarded
  - module: vmstation.kubejoin.node_diagnose
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: All nodes of the cluster are Ready
  vmstation.kubejoin.cluster_nodes:

- name: These two are, within a minute
  vmstation.kubejoin.cluster_nodes:
    nodes: [w1, w2]
    timeout: 60
"""

RETURN = r"""
---
msg:
  description: How many are Ready, or which are not and why.
  returned: always
  type: str
  sample: 3 of 3 nodes are Ready
nodes:
  description: The Nodes of the cluster, control planes first.
  returned: when the cluster answers
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    control_plane:
      description: Whether it carries a control plane's label.
      type: bool
    ready:
      description: Whether it is Ready.
      type: bool
    reason:
      description: Why it is not.
      type: str
    version:
      description: The kubelet's version.
      type: str
    address:
      description: Its InternalIP.
      type: str
    machine_id:
      description: The machine's /etc/machine-id.
      type: str
    system_uuid:
      description: The machine's system UUID.
      type: str
not_ready:
  description: Those that were waited for and are not Ready, or not there, each with C(name) and C(reason).
  returned: when the cluster answers
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'nodes': {'type': 'list', 'elements': 'str', 'default': []},
            'timeout': {'type': 'int', 'default': 180},
            'kubeconfig': {'type': 'path', 'default': '/etc/kubernetes/admin.conf'},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.cluster_nodes is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
