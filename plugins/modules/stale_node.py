#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/stale_node: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stale_node
short_description: Remove the Node object of a wiped worker, only when it is that same machine
version_added: 0.1.0
description:
  - On the control plane, removes the Node object of a worker that was wiped, so that it can join again under its
    name.
  - kubeadm refuses to join while a Ready Node of the same name is in the cluster. That may be the same machine
    before it was wiped, or another one.
  - Deletes only when machine id and system UUID are those of the machine that wants to join. Refuses a control
    plane.
  - A machine that does not exist any more can prove nothing. With O(gone) its Node is deleted when its kubelet
    has stopped talking to the cluster, and only then.
options:
  node_name:
    description:
      - Name of the Node.
    type: str
    required: true
    aliases:
      - name
  machine_id:
    description:
      - /etc/machine-id of the machine that wants to join, as kubeadm_join_guarded reports it. Needed unless O(gone).
    type: str
  system_uuid:
    description:
      - Its system UUID, as kubeadm_join_guarded reports it. Needed unless O(gone).
    type: str
  reinstalled:
    description:
      - The machine's operating system was installed anew, so that only its system UUID is the same.
    type: bool
    default: false
  gone:
    description:
      - The machine does not exist any more, and nobody can be asked who it was. Its Node is deleted only when its
        kubelet has stopped talking to the cluster.
    type: bool
    default: false
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
    description: Says whether the Node would be deleted, and touches nothing.
  diff_mode:
    support: full
    description: Shows that the Node goes.
  platform:
    support: full
    description: A control plane made by kubeadm, with kubectl. Needs no Python on the target.
    platforms: linux
notes:
  - Often nothing needs to be deleted; a Node that is gone becomes NotReady within a minute, and kubeadm joins over
    it. M(vmstation.kubejoin.kubeadm_join_guarded) waits for that unless told otherwise.
seealso:
  - module: vmstation.kubejoin.kubeadm_join_guarded
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: The wiped worker's Node goes
  vmstation.kubejoin.stale_node:
    node_name: "{{ join.node_name }}"
    machine_id: "{{ join.machine_id }}"
    system_uuid: "{{ join.system_uuid }}"
  delegate_to: "{{ groups['control_plane'][0] }}"
  when: join.next_action | default('') == 'delete_node'

- name: The Node of a machine whose disk has died goes, too
  vmstation.kubejoin.stale_node:
    node_name: storage
    gone: true
"""

RETURN = r"""
---
msg:
  description: What was done, or why not.
  returned: always
  type: str
  sample: Node storage of this same machine is deleted
deleted:
  description: Whether the Node was, or in check mode would be, deleted.
  returned: always
  type: bool
  sample: true
same_machine:
  description: Whether the Node belongs to the machine named in the options.
  returned: always
  type: bool
  sample: true
ready:
  description: The Node's Ready condition before; null when there was no Node.
  returned: always
  type: str
  sample: 'True'
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'node_name': {'type': 'str', 'required': True, 'aliases': ['name']},
            'machine_id': {'type': 'str'},
            'system_uuid': {'type': 'str'},
            'reinstalled': {'type': 'bool', 'default': False},
            'gone': {'type': 'bool', 'default': False},
            'kubeconfig': {'type': 'path', 'default': '/etc/kubernetes/admin.conf'},
        },
        required_together=[['machine_id', 'system_uuid']],
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.stale_node is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
