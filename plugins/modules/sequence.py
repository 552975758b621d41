#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of crates/ansible: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sequence
short_description: Several modules of this collection in order, in one round trip, until one fails
version_added: 0.1.0
description:
  - Runs several modules of this collection in the order that they are written in, in one process on the target
    and over one round trip, and stops at the first that fails.
  - Says of each step what the module by itself would say. A failure reads as that of a single task, too. The fields
    of the step that failed are those of the whole, with RV(failed_step) and RV(not_run).
  - Checks the options of all steps before the first is run, so that a mistake in the last leaves the machine as
    it was.
options:
  steps:
    description:
      - 'Modules of this collection in order. Each is a dictionary as a task is written: the name of the module
        with its options, and beside it C(name), C(when), C(check_mode), C(no_log) and C(tags) if wanted.'
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Every step is run in check mode.
  diff_mode:
    support: full
    description: Shows the differences of all steps, in order.
  platform:
    support: full
    description: Linux with systemd. Needs no Python on the target.
    platforms: linux
notes:
  - Beside its module a step may have C(name), for people; C(when), which must be true or false, such as C("{{ wanted
    }}"), because all of it is templated before the first step runs; C(check_mode), with which it only looks, and
    what it would do does not count as RV(changed); C(no_log), which leaves nothing of its result but whether it
    has changed something or failed, and why.
  - C(tags) of a step choose it as those of a task do. The task needs the same tags to be run at all. A tag of the
    task that no step has of its own chooses all of them.
  - A step cannot use the result of one before it. What has to be decided in between is two sequences.
  - In check mode it ends early, without failing, at a step after which the next ones have nothing to look at, such
    as packages that would come. RV(plan_ends) says so.
  - Defaults of C(module_defaults) reach the modules of its steps. A secret of one step is masked in the results
    of all.
seealso:
  - module: vmstation.kubejoin.cni_placeholder
  - module: vmstation.kubejoin.containerd_prepare
  - module: vmstation.kubejoin.kubelet_mask
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: A CNI configuration before containerd starts, and the kubelet held back
  vmstation.kubejoin.sequence:
    steps:
      - vmstation.kubejoin.cni_placeholder: {profile: flannel}
        tags: cni
      - vmstation.kubejoin.containerd_prepare: {systemd_cgroup: true}
        tags: containerd
      - name: Hold the kubelet back
        vmstation.kubejoin.kubelet_mask: {state: masked}
  tags: [cni, containerd]
"""

RETURN = r"""
---
msg:
  description: What the steps that have changed something say, or the sentence of the one that failed.
  returned: always
  type: str
  sample: 'cni_placeholder: wrote /etc/cni/net.d/10-flannel.conflist'
steps:
  description: The result of each step that was run or left out, as the module by itself returns it, with C(module)
    and C(name).
  returned: always
  type: list
  elements: dict
  sample:
    - module: kubelet_mask
      name: null
      changed: false
      msg: kubelet is held back
failed_step:
  description: The module of the step that failed.
  returned: failure
  type: str
  sample: containerd_prepare
not_run:
  description: The modules of the steps after the one that failed, or that nothing could be planned after.
  returned: always
  type: list
  elements: str
  sample:
    - kubelet_mask
plan_ends:
  description: Whether check mode ended early, because what a step would do has to be there before the next one
    can look.
  returned: in check mode, when it is so
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'steps': {'type': 'list', 'elements': 'dict', 'required': True, 'no_log': True},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.sequence is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
