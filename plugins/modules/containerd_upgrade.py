#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/containerd_upgrade: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: containerd_upgrade
short_description: containerd goes to a newer release, is proved to work, and comes back to the old one when it
  does not
version_added: 0.1.0
description:
  - Takes containerd to a newer release, such as from 1.6 or 1.7 to 2.x, proves that everything that was there is
    there, and brings the old one back when it is not.
  - Before anything is touched, what is offered is checked by its SHA-256, unpacked, and has to run here. The configuration
    is converted, the main file and each file it imports in its own place, to the version of the new release, with
    its comments. The new containerd reads the result, and what would not be as it was is written down. Check mode
    shows all of it.
  - Then copies, for the way back; the kubelet and containerd are stopped, programs and configuration put in, and
    containerd started. Pods keep running in their shims meanwhile.
  - The proof. It answers over CRI, is the version that was to come, has every setting that was in force before
    under its new name, the same network, every sandbox, container and image, a new pod gets an address, and the
    Node is Ready and says the new version. Anything less brings the old programs, unit and configuration back,
    and the answer says which part failed.
  - A run that was killed is finished by the next one, forwards, or backwards when it was on its way back.
options:
  source:
    description:
      - Where the new containerd is. V(package) is the newest that apt offers of the package that containerd came
        with; otherwise an absolute path or an C(http://) or C(https://) address of a C(.deb), or of a release archive
        (C(.tar.gz)), for which O(sha256) is needed.
    type: str
    default: package
  sha256:
    description:
      - SHA-256 of O(source), 64 hexadecimal digits.
    type: str
  runc:
    description:
      - 'Where a new runc is: an absolute path or an address of a C(.deb), or of the program itself, which goes
        to C(/usr/local/sbin). Without it runc stays.'
    type: str
  runc_sha256:
    description:
      - SHA-256 of O(runc), 64 hexadecimal digits.
    type: str
  allow_shared:
    description:
      - Whether to go on when somebody else than Kubernetes has containers in this containerd, such as Docker or
        nerdctl. They keep running, but are not proved.
    type: bool
    default: false
  allow_restarts:
    description:
      - 'Whether pods may be ended and made anew: those whose sandbox the new containerd takes for a leaked one.
        They are named in either case; V(false) refuses.'
    type: bool
    default: true
  socket:
    description:
      - containerd's socket, as a path or with unix://.
    type: str
    default: unix:///run/containerd/containerd.sock
  timeout:
    description:
      - Seconds for everything together. The way back has its own five minutes.
    type: int
    default: 600
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Shows the versions, each file before and after, and what is refused. Touches nothing.
  diff_mode:
    support: full
    description: Shows the versions, and each configuration file before and after.
  platform:
    support: full
    description: Linux with containerd 1.6 or later under systemd. Needs no Python on the target.
    platforms: linux
notes:
  - Refused before anything is touched are a wrong hash, another architecture, a program that does not run on this
    machine, an older version, settings that only a person can decide about, shims that containerd 2 does not speak
    with, a kubelet that speaks no CRI v1, a containerd that others use too, and a disk without room for the copies.
  - containerd 1.6.20 reads the metadata database that 2.1.9 has written (seen both ways). Pods that were made under
    2.x are not taken over by 1.x. The kubelet makes them anew after the way back.
  - containerd 1.7 and later end a pod when they start whose sandbox has no process in its cgroup. Such pods are
    named beforehand.
  - Pods are not moved elsewhere by this module; the role does that with M(vmstation.kubejoin.node_drain).
seealso:
  - module: vmstation.kubejoin.containerd_prepare
  - module: vmstation.kubejoin.node_drain
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: The newest that apt has of the package that containerd came with
  vmstation.kubejoin.containerd_upgrade:

- name: A package that was brought here
  vmstation.kubejoin.containerd_upgrade:
    source: /srv/containerd.io_2.3.1-1_amd64.deb
    sha256: 0d1c9b0fd1a9c2c6a0b4a8f6a8b8c8b5cf6a2f3a9f0e1d2c3b4a5968778695a4

- name: The release archive of its makers, beside the package
  vmstation.kubejoin.containerd_upgrade:
    source: https://downloads.example.org/containerd-2.3.1-linux-amd64.tar.gz
    sha256: 0d1c9b0fd1a9c2c6a0b4a8f6a8b8c8b5cf6a2f3a9f0e1d2c3b4a5968778695a4
"""

RETURN = r"""
---
msg:
  description: What became of containerd, or why it is as it was.
  returned: always
  type: str
  sample: containerd 1.6.20~ds1 became 2.1.9+unknown in 8.4 s, and is proved
from:
  description: The version that was here.
  returned: when it was not refused
  type: str
  sample: 1.6.20~ds1
to:
  description: The version that was to come; what is here when there was nothing to do.
  returned: when it was not refused
  type: str
  sample: 2.1.9+unknown
would_change:
  description: Whether there was something to do.
  returned: when it was not refused
  type: bool
offered:
  description: The version that is offered.
  returned: when it was not refused, and no earlier run was interrupted
  type: str
runc:
  description: The version of runc that is here.
  returned: when it was not refused, and no earlier run was interrupted
  type: str
package:
  description: The package that containerd came with.
  returned: when it was not refused, and no earlier run was interrupted
  type: str
others:
  description: Who else has something in this containerd, as C(namespace (what)).
  returned: when it was not refused, and no earlier run was interrupted
  type: list
  elements: str
deprecations:
  description: What containerd itself says is used and will be gone, from 1.7 on.
  returned: when it was not refused, and no earlier run was interrupted
  type: list
  elements: str
pods:
  description: How many pods ran.
  returned: when it was not refused, and no earlier run was interrupted
  type: int
images:
  description: How many images there were.
  returned: when it was not refused, and no earlier run was interrupted
  type: int
config_changes:
  description: What is changed in the configuration, a sentence each, with the file.
  returned: when there was something to do
  type: list
  elements: str
drop_ins:
  description: Files that the main one imports, with whose they are, their version, and the runtimes they define.
  returned: when there was something to do
  type: list
  elements: str
restarts:
  description: Pods that the new containerd ends, and the kubelet makes anew, as C(namespace/name).
  returned: when there was something to do
  type: list
  elements: str
copies:
  description: Where the copies of what was here lie.
  returned: when it was not refused
  type: str
steps:
  description: What was done.
  returned: when something was done
  type: list
  elements: str
went_back:
  description: Whether the old containerd is back, and answers.
  returned: when something was done
  type: bool
failed_proof:
  description: The part of the proof that failed, one of V(answers), V(version), V(settings), V(network), V(sandboxes),
    V(containers), V(images), V(new_pod) and V(node).
  returned: when something was done
  type: str
seconds:
  description: Seconds from stopping the kubelet to the end.
  returned: when something was done
  type: float
seconds_not_ready:
  description: Seconds for which the cluster saw the Node not Ready, at most; 0 when it saw it Ready all the time.
  returned: when something was done
  type: float
restarted:
  description: Pods that were ended, as C(namespace/name).
  returned: when something was done
  type: list
  elements: str
refused:
  description: Why nothing was done, one of V(older), V(undecided), V(old_shims), V(kubelet_too_old), V(shared),
    V(restarts), V(packages), V(other_package), V(no_space) and V(unfinished).
  returned: on failure, when it was refused by the plan
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'source': {'type': 'str', 'default': 'package'},
            'sha256': {'type': 'str'},
            'runc': {'type': 'str'},
            'runc_sha256': {'type': 'str'},
            'allow_shared': {'type': 'bool', 'default': False},
            'allow_restarts': {'type': 'bool', 'default': True},
            'socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'timeout': {'type': 'int', 'default': 600},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.containerd_upgrade is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
