#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/kubelet_mask: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubelet_mask
short_description: Hold the kubelet back until kubeadm has written its configuration, or let it go
version_added: 0.1.0
description:
  - Holds the kubelet back until kubeadm has written its configuration, so that it does not start with none, fail,
    and start again every ten seconds, or start with what an earlier join left.
  - Masks the unit where systemd can. Where the unit file itself lies in C(/etc/systemd/system) masking fails, and
    a drop-in with C(ConditionPathExists=/var/lib/kubelet/config.yaml) does it.
  - Remembers whether the unit was enabled, and gives that back.
options:
  state:
    description:
      - masked holds the kubelet back and stops it; unmasked lets it go.
    type: str
    default: masked
    choices:
      - masked
      - unmasked
  unit:
    description:
      - The kubelet's unit.
    type: str
    default: kubelet.service
  force:
    description:
      - Also hold back a kubelet that is running as part of a cluster.
    type: bool
    default: false
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Says what would be done, and touches nothing.
  diff_mode:
    support: full
    description: Shows how the unit is held back, and whether it runs, before and after.
  platform:
    support: full
    description: Linux with systemd. Needs no Python on the target. The kubelet need not be installed yet.
    platforms: linux
notes:
  - A kubelet that runs as part of a cluster is left alone, so that this task changes nothing on a joined node.
    O(force) stops it nevertheless.
  - M(vmstation.kubejoin.kubeadm_join_guarded) takes the mask away at the right moment by itself. A C(kubeadm join)
    by hand needs O(state=unmasked) before it, or it waits for minutes.
  - A mask that somebody else made is taken away by O(state=unmasked) with a warning.
seealso:
  - module: vmstation.kubejoin.kubeadm_join_guarded
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: The kubelet waits for kubeadm
  vmstation.kubejoin.kubelet_mask:
    state: masked

- name: The kubelet may start
  vmstation.kubejoin.kubelet_mask:
    state: unmasked
"""

RETURN = r"""
---
msg:
  description: What holds the unit back, or why nothing does.
  returned: always
  type: str
  sample: kubelet.service is held back (mask)
unit:
  description: The unit.
  returned: always
  type: str
  sample: kubelet.service
method:
  description: How it is held back after this task; V(mask), V(gate) or V(none).
  returned: always
  type: str
  sample: mask
masked:
  description: Whether it is held back after this task.
  returned: always
  type: bool
  sample: true
enablement:
  description: What systemd said of the unit file before it was held back; empty when there is none.
  returned: always
  type: str
  sample: enabled
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'default': 'masked', 'choices': ['masked', 'unmasked']},
            'unit': {'type': 'str', 'default': 'kubelet.service'},
            'force': {'type': 'bool', 'default': False},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.kubelet_mask is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
