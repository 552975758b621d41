#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/flannel_config: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: flannel_config
short_description: flannel's manifest and net-conf.json, rolled out and watched
version_added: 0.1.0
description:
  - Renders flannel's objects from options and from the cluster, shows how they differ from what is in the cluster,
    applies them through kubectl and waits until flannel runs on every node.
  - The pod network is read from the cluster, so it cannot differ from what kubeadm was told.
  - When a rollout does not come up in time, the objects that were there before are put back.
options:
  kubeconfig:
    description:
      - The kubeconfig of a cluster administrator.
    type: path
    default: /etc/kubernetes/admin.conf
  network:
    description:
      - The pod network. Read from the cluster (C(podSubnet) in kubeadm's ConfigMap) unless given; one that is not
        the cluster's is refused.
    type: str
    aliases:
      - pod_network_cidr
  backend:
    description:
      - How packets travel between nodes. Windows nodes need V(vxlan).
    type: str
    default: vxlan
    choices:
      - vxlan
      - host-gw
      - wireguard
  vni:
    description:
      - The VXLAN network identifier. V(4096) when the cluster has Windows nodes, which accept nothing below it;
        V(1) otherwise.
    type: int
  port:
    description:
      - The VXLAN's UDP port. V(4789) when the cluster has Windows nodes, which accept no other; V(8472) otherwise.
    type: int
  mtu:
    description:
      - The MTU of the pod network; flannel takes it from the interface unless given.
    type: int
  iface:
    description:
      - The interface, or its address, that carries pod traffic; the one of the default route unless given.
    type: str
  nftables:
    description:
      - 'Whether flannel masquerades with nftables instead of iptables: V(auto) does as the cluster''s kube-proxy
        does. flannel calls it experimental.'
    type: str
    default: auto
    choices:
      - auto
      - enabled
      - disabled
  healthz_port:
    description:
      - The port on every node at which flannel answers the kubelet's probes; V(0) goes without. Before flannel
        0.28.9 there are none.
    type: int
    default: 8081
  namespace:
    description:
      - Where flannel's objects are.
    type: str
    default: kube-flannel
  image:
    description:
      - flannel's image; a site without a way to the Internet names its own.
    type: str
    default: ghcr.io/flannel-io/flannel:v0.28.9
  cni_plugin_image:
    description:
      - The image that brings flannel's CNI plugin.
    type: str
    default: ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3
  image_pull_policy:
    description:
      - When images are pulled.
    type: str
    default: IfNotPresent
    choices:
      - IfNotPresent
      - Always
      - Never
  wait:
    description:
      - Wait until flannel runs on every node. When it does not, what was there before is put back.
    type: bool
    default: true
  timeout:
    description:
      - How long all of it may take, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Compares with the cluster and applies nothing.
  diff_mode:
    support: full
    description: Shows every object that differs, as JSON, reduced to the fields this module sets.
  platform:
    support: full
    description: Linux control planes of kubeadm clusters from 1.22. Needs no Python on the target.
    platforms: linux
notes:
  - Runs on a control plane, with the kubeconfig of an administrator.
  - An image whose tag names an older release is installed as that release is, without C(install-conf) before 0.28.6
    and without probes before 0.28.9.
  - flanneld reads its configuration at start only, so a changed configuration restarts the DaemonSet, one node
    at a time.
seealso:
  - module: vmstation.kubejoin.cni_placeholder
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: flannel runs on every node
  vmstation.kubejoin.flannel_config:

- name: flannel of an air-gapped site, over the storage network's interface
  vmstation.kubejoin.flannel_config:
    image: registry.example/flannel:v0.28.9
    cni_plugin_image: registry.example/flannel-cni-plugin:v1.9.1-flannel3
    iface: eth1
"""

RETURN = r"""
---
msg:
  description: Whether anything differed.
  returned: always
  type: str
  sample: flannel is as it should be
differences:
  description: Each object that differed, with the first field that did.
  returned: always
  type: list
  elements: str
  sample:
    - 'ConfigMap/kube-flannel-cfg: data.net-conf.json'
net_conf:
  description: flannel's net-conf.json.
  returned: always
  type: dict
  sample:
    Network: 10.244.0.0/16
    EnableNFTables: false
    Backend:
      Type: vxlan
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'kubeconfig': {'type': 'path', 'default': '/etc/kubernetes/admin.conf'},
            'network': {'type': 'str', 'aliases': ['pod_network_cidr']},
            'backend': {'type': 'str', 'default': 'vxlan', 'choices': ['vxlan', 'host-gw', 'wireguard']},
            'vni': {'type': 'int'},
            'port': {'type': 'int'},
            'mtu': {'type': 'int'},
            'iface': {'type': 'str'},
            'nftables': {'type': 'str', 'default': 'auto', 'choices': ['auto', 'enabled', 'disabled']},
            'healthz_port': {'type': 'int', 'default': 8081},
            'namespace': {'type': 'str', 'default': 'kube-flannel'},
            'image': {'type': 'str', 'default': 'ghcr.io/flannel-io/flannel:v0.28.9'},
            'cni_plugin_image': {'type': 'str', 'default': 'ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3'},
            'image_pull_policy': {'type': 'str', 'default': 'IfNotPresent', 'choices': ['IfNotPresent', 'Always', 'Never']},
            'wait': {'type': 'bool', 'default': True},
            'timeout': {'type': 'int', 'default': 300},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.flannel_config is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
