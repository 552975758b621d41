#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/cni_repair: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cni_repair
short_description: Mend the pod bridge of a joined node, and say what was wrong with it
version_added: 0.1.0
description:
  - Mends the pod network of a joined node, where pods hang on a bridge (flannel, the C(bridge) plugin). Finds a
    bridge that is missing, down or has an address that is not this node's, pods whose links are gone, down or not
    attached, pods with addresses of another network, flannel's VXLAN missing or down, stale address leases, a placeholder
    that was never handed over, and a kubelet that a killed repair left held back.
  - Before that it mends what the bridge comes from. A file that hides the real configuration is put aside, with
    a copy; plugins of the distribution are linked to where the runtime looks; and where flannel's file, its plugin
    or its subnet is missing, or its subnet is not the Node's podCIDR, flannel's pod on this node is made anew.
    When that pod does not come up, the error quotes its log.
  - The node's address is compared with what flannel was given or the Node object says, prefix included. An address
    that merely begins like the cluster's network is not right.
  - Pods whose own addresses are right stay alive. The bridge is made again under them, its address exchanged, their
    links attached. Only pods with an address of another network, or without a link, are recreated, through the
    container runtime and with the kubelet held back; see O(recreate_pods).
  - Does nothing on a healthy node, and nothing on a node whose network makes no bridge (Calico, Cilium). Looks
    again after mending, and fails when something is still wrong.
options:
  pod_cidr:
    description:
      - The addresses of this node's pods, such as V(10.244.1.0/24). By default what flannel was given (C(/run/flannel/subnet.env)),
        else what the Node object says.
    type: str
    aliases:
      - pod_network_cidr_of_node
  recreate_pods:
    description:
      - Whether pods with addresses of another network may be recreated. Otherwise they are reported in RV(left)
        and everything that needs no restart is mended.
    type: bool
    default: true
  socket:
    description:
      - The container runtime's socket.
    type: str
    default: unix:///run/containerd/containerd.sock
  kubelet_unit:
    description:
      - The kubelet's unit.
    type: str
    default: kubelet.service
  containerd_unit:
    description:
      - The container runtime's unit.
    type: str
    default: containerd.service
  backup_dir:
    description:
      - Where CNI state is copied to before it is cleared.
    type: path
    default: /var/lib/kubejoin/backup
  timeout:
    description:
      - How long the repair may take altogether, in seconds.
    type: int
    default: 180
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Finds, lists what would be done, and touches nothing.
  diff_mode:
    support: full
    description: Shows the findings before and the steps after.
  platform:
    support: full
    description: Linux with containerd or another runtime that speaks CRI. Needs no Python on the target.
    platforms: linux
notes:
  - Leases and attachment records are copied below O(backup_dir) before they are deleted.
  - A lease younger than 30 seconds is never stale, because containerd lists a sandbox only when its network is
    up. While there are such leases without a sandbox, the module waits for one or the other.
  - What M(vmstation.kubejoin.node_diagnose) finds, too, has the same C(id) there, and a section on the troubleshooting
    page.
seealso:
  - module: vmstation.kubejoin.cni_placeholder
  - module: vmstation.kubejoin.pod_connectivity
  - module: vmstation.kubejoin.node_diagnose
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: The pod network of this node is as it has to be
  vmstation.kubejoin.cni_repair:

- name: See what is wrong, and do not restart any pod
  vmstation.kubejoin.cni_repair:
    recreate_pods: false
  register: repair

- name: A node whose cluster does not answer
  vmstation.kubejoin.cni_repair:
    pod_cidr: 10.244.2.0/24
    timeout: 300
"""

RETURN = r"""
---
msg:
  description: The first finding, or that nothing is wrong.
  returned: always
  type: str
  sample: 'bridge_address_wrong: cni0 has 10.244.0.1/16 instead of 10.244.2.1/24 (/run/flannel/subnet.env)'
healthy:
  description: Whether nothing was wrong before this run.
  returned: always
  type: bool
  sample: false
findings:
  description: What was wrong, causes before their consequences.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The finding's name.
      type: str
      sample: pods_unattached
    evidence:
      description: What was seen.
      type: str
      sample: pod default/web not attached to the bridge
    effect:
      description: What that means for pods.
      type: str
      sample: 'these pods reach nobody: Destination Host Unreachable'
    remedy:
      description: What mends it.
      type: str
      sample: attach their links
    link:
      description: Its section on the troubleshooting page.
      type: str
      sample: docs/troubleshooting.md#pods_unattached
steps:
  description: What was done, or in check mode would be done, in order.
  returned: always
  type: list
  elements: str
  sample:
    - take 10.244.0.1/16 from cni0
    - give cni0 10.244.2.1/24
left:
  description: What is wrong and was not touched, with the reason.
  returned: always
  type: list
  elements: str
  sample: []
pod_cidr:
  description: The network this node's pods have to be in; null when nobody knows.
  returned: always
  type: str
  sample: 10.244.2.0/24
pod_cidr_source:
  description: Who says so.
  returned: always
  type: str
  sample: /run/flannel/subnet.env
bridge:
  description: The bridge of the network in force; null when it makes none.
  returned: always
  type: str
  sample: cni0
backup:
  description: Where leases and records were copied to; null when none was deleted.
  returned: when something was done
  type: str
  sample: /var/lib/kubejoin/backup/cni-1795217402
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'pod_cidr': {'type': 'str', 'aliases': ['pod_network_cidr_of_node']},
            'recreate_pods': {'type': 'bool', 'default': True},
            'socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'kubelet_unit': {'type': 'str', 'default': 'kubelet.service'},
            'containerd_unit': {'type': 'str', 'default': 'containerd.service'},
            'backup_dir': {'type': 'path', 'default': '/var/lib/kubejoin/backup'},
            'timeout': {'type': 'int', 'default': 180},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.cni_repair is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
