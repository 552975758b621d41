#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/pod_connectivity: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: pod_connectivity
short_description: Prove from inside existing pods that they reach each other, DNS and the outside
version_added: 0.1.0
description:
  - Proves from inside existing pods that they reach each other, pods of other nodes, the cluster's DNS and the
    outside. Enters the network namespaces of running sandboxes and makes the checks itself, so nothing is pulled
    and no pod needs to have any program.
  - When a check fails, names the hop that breaks it, which is the pod's link, the bridge, a route, the VXLAN, the
    iptables rule or policy that drops it, missing masquerading, a path that carries less than the pods' MTU, or
    the target.
  - Changes nothing. On a node with less than two pods it makes sandboxes for the time of the checks, see O(temporary_sandbox).
options:
  peers:
    description:
      - 'Pods of other nodes: addresses, or the entries of RV(pods) from a run on those nodes.'
    type: list
    elements: raw
    default: []
  targets:
    description:
      - 'What every pod has to reach besides: V(tcp://10.244.0.19:8096), V(http://10.244.0.19:8096/health), V(icmp://10.244.0.19),
        V(dns://10.96.0.10/kubernetes.default.svc.cluster.local). Names are asked of O(dns_server).'
    type: list
    elements: str
    default: []
  outside:
    description:
      - What every pod has to reach outside the cluster, written as in O(targets). V(gateway) is this node's default
        gateway, which answers a pod only when its address is masqueraded. What this node itself does not reach
        is skipped.
    type: list
    elements: str
    default:
      - gateway
  sources:
    description:
      - Only from these pods, as C(namespace/name). By default from at most O(max_sources) of them.
    type: list
    elements: str
    default: []
  max_sources:
    description:
      - From how many pods of this node.
    type: int
    default: 3
  max_targets:
    description:
      - To how many other pods of this node, and to how many of O(peers).
    type: int
    default: 10
  dns_server:
    description:
      - The cluster's DNS server. Defaults to C(clusterDNS) of the kubelet's configuration; an empty value asks
        nobody.
    type: str
  dns_name:
    description:
      - The name it is asked for. Defaults to C(kubernetes.default.svc) in the kubelet's C(clusterDomain).
    type: str
  mtu:
    description:
      - Whether to send packets as large as a pod's link carries, too.
    type: bool
    default: true
  temporary_sandbox:
    description:
      - Whether to make up to two sandboxes for the time of the checks when this node has not two pods. Nothing
        is pulled; never in check mode.
    type: bool
    default: true
  fail:
    description:
      - Whether a check that fails fails the task.
    type: bool
    default: true
  check_timeout:
    description:
      - How long one check may take, in seconds.
    type: float
    default: 2
  timeout:
    description:
      - How long everything may take altogether, in seconds.
    type: int
    default: 120
  socket:
    description:
      - The container runtime's socket.
    type: str
    default: unix:///run/containerd/containerd.sock
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Makes all checks, but no sandbox.
  diff_mode:
    support: none
    description: Nothing is changed.
  platform:
    support: full
    description: Linux with containerd or another runtime that speaks CRI. Needs no Python on the target.
    platforms: linux
notes:
  - To check across nodes, run it on all nodes first, and then with O(peers) set to what the other nodes returned
    in RV(pods).
  - A check that fails with silence is tried once more before it counts.
seealso:
  - module: vmstation.kubejoin.cni_repair
  - module: vmstation.kubejoin.node_diagnose
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: Pods of this node reach each other, DNS and the outside
  vmstation.kubejoin.pod_connectivity:

- name: This web server answers every pod of its node
  vmstation.kubejoin.pod_connectivity:
    targets:
      - http://10.244.0.19:8096/

- name: Look without failing, also at pods of another node
  vmstation.kubejoin.pod_connectivity:
    peers:
      - ip: 10.244.1.5
        name: default/web
        node: w1
    fail: false
  register: connectivity
"""

RETURN = r"""
---
msg:
  description: How many checks passed, or the first that failed and its hop.
  returned: always
  type: str
  sample: '1 of 7 checks failed; first http from default/debug to http://10.244.0.19:8096/ (forward: iptables-nft
    in filter: -P FORWARD DROP)'
reachable:
  description: Whether checks were made and all of them passed.
  returned: always
  type: bool
  sample: true
matrix:
  description: Every check.
  returned: always
  type: list
  elements: dict
  contains:
    from:
      description: The pod it was made from.
      type: str
      sample: default/debug
    from_ip:
      description: Its address.
      type: str
      sample: 10.244.0.20
    to:
      description: What was to be reached.
      type: str
      sample: default/jellyfin
    to_ip:
      description: Its address.
      type: str
      sample: 10.244.0.19
    place:
      description: Where that is, V(same_node), V(other_node), V(named) or V(outside).
      type: str
      sample: same_node
    check:
      description: How, V(icmp), V(icmp_mtu), V(tcp), V(http) or V(dns).
      type: str
      sample: icmp
    ok:
      description: Whether it was reached.
      returned: unless skipped
      type: bool
      sample: true
    ms:
      description: The time of the answer in milliseconds.
      returned: when it was reached
      type: float
      sample: 0.12
    skipped:
      description: Why the check was not made.
      returned: when it was not made
      type: str
      sample: this node itself does not reach it
    error:
      description: What the socket said.
      returned: when it was not reached
      type: str
      sample: Destination Host Unreachable
    hop:
      description: Where it breaks.
      returned: when it was not reached
      type: str
      sample: veth
    evidence:
      description: What was seen there.
      returned: when it was not reached
      type: str
      sample: vdebug of default/debug is attached to no bridge
    remedy:
      description: What would mend it.
      returned: when it was not reached
      type: str
      sample: cni_repair attaches it
failures:
  description: The entries of RV(matrix) that were not reached.
  returned: always
  type: list
  elements: dict
  sample: []
pods:
  description: The pods of this node that can be checked, for O(peers) on other nodes.
  returned: always
  type: list
  elements: dict
  sample:
    - name: default/debug
      ip: 10.244.0.20
      node: w1
left_out:
  description: What was not checked, and why.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'peers': {'type': 'list', 'elements': 'raw', 'default': []},
            'targets': {'type': 'list', 'elements': 'str', 'default': []},
            'outside': {'type': 'list', 'elements': 'str', 'default': ['gateway']},
            'sources': {'type': 'list', 'elements': 'str', 'default': []},
            'max_sources': {'type': 'int', 'default': 3},
            'max_targets': {'type': 'int', 'default': 10},
            'dns_server': {'type': 'str'},
            'dns_name': {'type': 'str'},
            'mtu': {'type': 'bool', 'default': True},
            'temporary_sandbox': {'type': 'bool', 'default': True},
            'fail': {'type': 'bool', 'default': True},
            'check_timeout': {'type': 'float', 'default': 2},
            'timeout': {'type': 'int', 'default': 120},
            'socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.pod_connectivity is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
