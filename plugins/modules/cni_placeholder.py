#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/cni_placeholder: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cni_placeholder
short_description: A CNI configuration is there before containerd starts
version_added: 0.1.0
description:
  - Puts a CNI configuration into C(/etc/cni/net.d) before containerd is started, so that containerd and kubelet
    never report C(no network config found in /etc/cni/net.d) while a node joins.
  - Never writes over a working CNI configuration and never puts a placeholder in front of one. containerd loads
    only the first file by name, so a placeholder in front of flannel's file gives pods addresses that are not this
    node's.
  - Hands over to the real network once its configuration is there, with O(state=handover). The placeholder goes,
    its pods are recreated, its bridge and address leases are removed, and the runtime confirms which network is
    in force. Pods of the real network are left alone.
  - Makes the configuration and plugin directories, and links the distribution's CNI plugins into the plugin directory
    where they are missing.
options:
  state:
    description:
      - 'Whether the configuration is to be there. V(present) never replaces or shadows a working CNI; V(absent)
        removes only what this module wrote. V(handover) waits until the real configuration is there, then removes
        the placeholder and everything made from it: pods with placeholder addresses are recreated, its bridge and
        address leases go, and the runtime confirms which network is in force.'
    type: str
    default: present
    choices:
      - present
      - absent
      - handover
  profile:
    description:
      - 'V(bridge) is a complete network of its own for a node without any. V(flannel) is flannel''s own configuration:
        pods wait for flannel instead of getting an address that is not theirs, which is right for workers.'
    type: str
    default: bridge
    choices:
      - bridge
      - flannel
  path:
    description:
      - The file. Defaults to C(/etc/cni/net.d/00-placeholder.conflist) for V(profile=bridge) and C(/etc/cni/net.d/10-flannel.conflist)
        for V(profile=flannel).
    type: path
  name:
    description:
      - The network's name, which names its address leases in C(/var/lib/cni/networks).
    type: str
    default: cni0
  bridge:
    description:
      - The bridge that V(profile=bridge) makes.
    type: str
    default: cni0
  subnet:
    description:
      - The network V(profile=bridge) takes pod addresses from.
    type: str
    default: 10.244.0.0/16
    aliases:
      - pod_network_cidr
  cni_version:
    description:
      - The version of the CNI specification the file follows.
    type: str
    default: 0.3.1
    choices:
      - 0.1.0
      - 0.2.0
      - 0.3.0
      - 0.3.1
      - 0.4.0
      - 1.0.0
      - 1.1.0
  plugin_dir:
    description:
      - The directory of CNI plugins that is made when missing.
    type: path
    default: /opt/cni/bin
  plugin_source:
    description:
      - Where the distribution keeps its CNI plugins. Those missing in O(plugin_dir) are linked from here, so that
        one directory has both them and what a network adds. An empty value links nothing.
    type: path
    default: /usr/lib/cni
  socket:
    description:
      - The container runtime's socket, for V(state=handover).
    type: str
    default: unix:///run/containerd/containerd.sock
  timeout:
    description:
      - How long V(state=handover) may take altogether, in seconds.
    type: int
    default: 120
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Shows what would be made, linked, written or deleted, and touches nothing.
  diff_mode:
    support: full
    description: Shows the file before and after.
  platform:
    support: full
    description: Linux with containerd or another runtime that reads CNI configuration. Needs no Python on the target.
    platforms: linux
notes:
  - The file is written under a temporary name in the same directory and renamed, which a running containerd notices;
    a file renamed into the directory from elsewhere goes unnoticed by containerd 1.6.
  - A configuration that only gives pods their loopback is not a working CNI.
seealso:
  - module: vmstation.kubejoin.containerd_prepare
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: A CNI configuration is there before containerd starts
  vmstation.kubejoin.cni_placeholder:
    subnet: 10.244.0.0/16

- name: Workers wait for flannel instead of handing out addresses of their own
  vmstation.kubejoin.cni_placeholder:
    profile: flannel

- name: The placeholder goes as soon as flannel is there
  vmstation.kubejoin.cni_placeholder:
    state: handover
    timeout: 180
"""

RETURN = r"""
---
msg:
  description: What is in force, or why nothing was written.
  returned: always
  type: str
  sample: /etc/cni/net.d/10-flannel.conflist configures a CNI already, no placeholder is needed
path:
  description: The file this task is about.
  returned: with O(state=present) and O(state=absent)
  type: str
  sample: /etc/cni/net.d/00-placeholder.conflist
steps:
  description: What was done, or in check mode would be done.
  returned: always
  type: list
  elements: str
  sample:
    - make directory /etc/cni/net.d
    - write /etc/cni/net.d/00-placeholder.conflist
network:
  description: The network that containerd confirmed to be in force.
  returned: when O(state=handover) handed over
  type: str
  sample: cbr0
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'default': 'present', 'choices': ['present', 'absent', 'handover']},
            'profile': {'type': 'str', 'default': 'bridge', 'choices': ['bridge', 'flannel']},
            'path': {'type': 'path'},
            'name': {'type': 'str', 'default': 'cni0'},
            'bridge': {'type': 'str', 'default': 'cni0'},
            'subnet': {'type': 'str', 'default': '10.244.0.0/16', 'aliases': ['pod_network_cidr']},
            'cni_version': {
                'type': 'str',
                'default': '0.3.1',
                'choices': ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
            },
            'plugin_dir': {'type': 'path', 'default': '/opt/cni/bin'},
            'plugin_source': {'type': 'path', 'default': '/usr/lib/cni'},
            'socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'timeout': {'type': 'int', 'default': 120},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.cni_placeholder is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
