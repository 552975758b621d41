#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/join_prerequisites: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: join_prerequisites
short_description: Check what a join needs of this node, and mend what is safe to mend
version_added: 0.1.0
description:
  - Checks what a join needs of this node, one thing at a time; memory, disk and inodes, swap, clock, kernel modules
    and sysctls, cgroups, inotify limits, programs and versions, the kubelet's unit and drop-ins, leftovers of an
    earlier join, the container runtime and its agreement with the kubelet, ports and their owners, firewalls, the
    proxy variables and the address that the Node will get, and the API server with its TLS, CA, clock and token.
  - Reads only, unless O(fix=true), which mends what is safe to mend and reports each as a change.
options:
  control_plane_endpoint:
    description:
      - Address of the API server, host:port. Without it nothing is asked of the cluster.
    type: str
    aliases:
      - endpoint
  ca_cert_hashes:
    description:
      - Hashes the cluster's CA must have, sha256:<hex>.
    type: list
    elements: str
    default: []
    aliases:
      - ca_cert_hash
  token_id:
    description:
      - The public half of the bootstrap token, to see whether the cluster knows it.
    type: str
  control_plane_version:
    description:
      - Version of the control plane, for the versions' distance.
    type: str
  cri_socket:
    description:
      - Socket of the container runtime.
    type: str
    default: unix:///run/containerd/containerd.sock
  node_name:
    description:
      - Name the Node is to have. Default is the host's name in lower case.
    type: str
  fix:
    description:
      - 'Mend what is safe to mend: kernel modules, sysctls, the kubelet''s drop-in, a stopped runtime.'
    type: bool
    default: false
  scope:
    description:
      - 'V(kernel) looks at the kernel alone, and whether the next boot sets it up, too: modules, forwarding, bridges,
        cgroups, inotify limits, and swap with O(swap=off). For a node that is only being prepared.'
    type: str
    default: all
    choices:
      - all
      - kernel
  swap:
    description:
      - 'With V(off), swap that is on or comes back at the next boot fails, and O(fix) switches it off for good:
        in C(/etc/fstab), its units, and in compressed memory. Nothing else ever switches swap off.'
    type: str
    default: keep
    choices:
      - keep
      - 'off'
  pod_cidrs:
    description:
      - Networks of the cluster's pods. With one of IPv6 among them IPv6 forwarding is checked, too, and O(fix)
        sets it so that default routes of router advertisements stay.
    type: list
    elements: str
    default: []
  fail_on:
    description:
      - Which result of a check fails the task.
    type: str
    default: fail
    choices:
      - fail
      - warn
      - never
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Says what O(fix=true) would mend, and touches nothing.
  diff_mode:
    support: full
    description: Shows what is to be mended.
  platform:
    support: full
    description: Linux with systemd. Needs no Python on the target.
    platforms: linux
notes:
  - The API server's TLS, CA, clock and version are checked with C(kubectl) when that is installed. Without it these
    checks warn, and the join finds out.
  - Never mended here are firewall, packages, the clock, and files of an earlier join; swap only with O(swap=off).
seealso:
  - module: vmstation.kubejoin.kubeadm_join_guarded
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: Is this node ready to join?
  vmstation.kubejoin.join_prerequisites:
    control_plane_endpoint: 192.168.4.63:6443

- name: Make it so, as far as that is safe
  vmstation.kubejoin.join_prerequisites:
    control_plane_endpoint: 192.168.4.63:6443
    fix: true
    fail_on: never
- name: Prepare the kernel of a node for good, and switch swap off
  vmstation.kubejoin.join_prerequisites:
    scope: kernel
    swap: "off"
    fix: true
"""

RETURN = r"""
---
msg:
  description: A summary, or the first check that is not well.
  returned: always
  type: str
  sample: '28 checks: 27 ok, 1 warn, 0 fail'
ready:
  description: Whether no check fails.
  returned: always
  type: bool
  sample: true
checks:
  description: Each check with its name, status (V(ok), V(warn), V(fail)), what was found, what is wanted, and how
    to mend it.
  returned: always
  type: list
  elements: dict
  sample:
    - name: ip_forward
      status: fail
      found: '0'
      wanted: '1'
      mend: sysctl -w net.ipv4.ip_forward=1, and the same in /etc/sysctl.d
failed_checks:
  description: Names of the checks that fail.
  returned: always
  type: list
  elements: str
  sample:
    - ip_forward
warned_checks:
  description: Names of the checks that warn.
  returned: always
  type: list
  elements: str
  sample:
    - swap
steps:
  description: What was mended.
  returned: always
  type: list
  elements: str
  sample:
    - set net.ipv4.ip_forward to 1
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'control_plane_endpoint': {'type': 'str', 'aliases': ['endpoint']},
            'ca_cert_hashes': {'type': 'list', 'elements': 'str', 'default': [], 'aliases': ['ca_cert_hash']},
            'token_id': {'type': 'str', 'no_log': True},
            'control_plane_version': {'type': 'str'},
            'cri_socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'node_name': {'type': 'str'},
            'fix': {'type': 'bool', 'default': False},
            'scope': {'type': 'str', 'default': 'all', 'choices': ['all', 'kernel']},
            'swap': {'type': 'str', 'default': 'keep', 'choices': ['keep', 'off']},
            'pod_cidrs': {'type': 'list', 'elements': 'str', 'default': []},
            'fail_on': {'type': 'str', 'default': 'fail', 'choices': ['fail', 'warn', 'never']},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.join_prerequisites is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
