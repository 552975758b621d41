#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/join_token: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: join_token
short_description: A short-lived bootstrap token and the parameters of a join
version_added: 0.1.0
description:
  - On a control plane, gives a short-lived bootstrap token and the other parameters a worker needs to join.
  - A token that an earlier run made and that is valid long enough is given again, so that the second run changes
    nothing.
  - Tokens of others are neither used nor deleted.
  - With O(state=ca) it gives what identifies the cluster and looks at no token, so that the result is no secret.
options:
  state:
    description:
      - present gives a token that is valid; absent deletes the tokens with this description; ca gives what identifies
        the cluster, its address and the hash of its CA, and looks at no token.
    type: str
    default: present
    choices:
      - present
      - absent
      - ca
  ttl:
    description:
      - How long a new token is valid, such as 30m or 2h.
    type: str
    default: 30m
  reuse:
    description:
      - Give back a token made by an earlier run when it is valid long enough.
    type: bool
    default: true
  min_left:
    description:
      - How long a token must still be valid to be given back again.
    type: str
    default: 10m
  description:
    description:
      - Written on the token, and what tells ours from others'.
    type: str
    default: kubejoin
  kubeconfig:
    description:
      - The administrator's kubeconfig.
    type: path
    default: /etc/kubernetes/admin.conf
  ca_cert:
    description:
      - The cluster's CA certificate.
    type: path
    default: /etc/kubernetes/pki/ca.crt
  control_plane_endpoint:
    description:
      - Address of the API server that is given to workers. Default is that of the kubeconfig.
    type: str
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Says whether a token would be made. RV(token) is then null unless one can be used again.
  diff_mode:
    support: none
    description: A token is not shown.
  platform:
    support: full
    description: A control plane made by kubeadm 1.22 to 1.36. Needs no Python on the target.
    platforms: linux
notes:
  - With O(state=present) the result carries the token. Give the task C(no_log=true).
  - kubeadm draws the token, so that it stands in no argument list.
  - An API server that is overloaded, restarting or away for a moment is asked again, for a minute.
seealso:
  - module: vmstation.kubejoin.kubeadm_join_guarded
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: One token for all workers that have to join
  vmstation.kubejoin.join_token:
    ttl: 15m
  no_log: true

- name: What identifies the cluster, without a token
  vmstation.kubejoin.join_token:
    state: ca

- name: None is left
  vmstation.kubejoin.join_token:
    state: absent
"""

RETURN = r"""
---
msg:
  description: What was done; never the token.
  returned: always
  type: str
  sample: token abcdef is valid long enough
token:
  description: The bootstrap token. A secret.
  returned: when O(state=present)
  type: str
control_plane_endpoint:
  description: Address of the API server for workers.
  returned: always
  type: str
  sample: 192.168.4.63:6443
ca_cert_hashes:
  description: Hash of the cluster's CA.
  returned: always
  type: list
  elements: str
  sample:
    - sha256:4e9588cebf2eae777eeee59fe27faf797aa3043bb482e17304d2220f1d2a0d4f
join:
  description: The three above as one value. Contains the token.
  returned: when O(state=present)
  type: dict
server_time:
  description: The control plane's clock, in seconds since 1970.
  returned: always
  type: int
  sample: 1795222567
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'default': 'present', 'choices': ['present', 'absent', 'ca']},
            'ttl': {'type': 'str', 'default': '30m'},
            'reuse': {'type': 'bool', 'default': True},
            'min_left': {'type': 'str', 'default': '10m'},
            'description': {'type': 'str', 'default': 'kubejoin'},
            'kubeconfig': {'type': 'path', 'default': '/etc/kubernetes/admin.conf'},
            'ca_cert': {'type': 'path', 'default': '/etc/kubernetes/pki/ca.crt'},
            'control_plane_endpoint': {'type': 'str'},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.join_token is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
