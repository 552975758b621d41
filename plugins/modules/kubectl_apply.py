#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/kubectl_apply: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubectl_apply
short_description: Apply manifests with the control plane's own kubectl, which gets them on its stdin
version_added: 0.1.0
description:
  - On a control plane, applies manifests with its own C(kubectl), one after the other, and tells of each object.
  - What is applied is text on C(kubectl)'s stdin. It is in no command line, in no file that outlives the run, and
    not in the answer, so that manifests may be Secrets.
  - Compares first, with C(kubectl diff), and applies only manifests with something that differs. When any of them
    cannot be applied, none is.
  - Waits until custom resource definitions can be used before it goes on to the next manifest.
options:
  state:
    description:
      - V(applied) applies O(manifests); V(rendered) has kubectl render the kustomization in O(files), and applies
        nothing.
    type: str
    default: applied
    choices:
      - applied
      - rendered
  manifests:
    description:
      - 'What is applied, in this order: each with C(text), the YAML or JSON of one or more objects; C(file), what
        it is called in the answer; and C(server_side), whether the API server merges it, for what is too large
        for kubectl apply''s annotation.'
    type: list
    elements: dict
    default: []
  files:
    description:
      - 'The files of a kustomization, by path: their contents in base64.'
    type: dict
  entry:
    description:
      - The directory among O(files) that is rendered.
    type: str
    default: .
  kubeconfig:
    description:
      - The administrator's kubeconfig.
    type: path
    default: /etc/kubernetes/admin.conf
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
    description: Says what would become of each object. The API server itself merges, and changes nothing.
  diff_mode:
    support: full
    description: Shows what C(kubectl diff) shows, without Secrets.
  platform:
    support: full
    description: A control plane made by kubeadm, with kubectl 1.20 or later and diff. Needs no Python on the target.
    platforms: linux
notes:
  - An API server that is overloaded, restarting or away for a moment is asked again, within O(timeout).
  - Of a Secret that differs, C(--diff) shows only that it does. Anything else is shown as C(kubectl diff) has it.
  - What C(kubectl) writes while it compares and renders lies in memory that no other process sees.
seealso:
  - module: vmstation.kubejoin.cluster_nodes
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: A namespace, and what is in it
  vmstation.kubejoin.kubectl_apply:
    manifests:
      - file: namespace.yaml
        text: "{{ lookup('ansible.builtin.file', 'namespace.yaml') }}"
      - file: web.yaml
        text: "{{ lookup('ansible.builtin.template', 'web.yaml.j2') }}"

- name: A definition that is too large for kubectl apply
  vmstation.kubejoin.kubectl_apply:
    manifests:
      - file: crds.yaml
        text: "{{ lookup('ansible.builtin.file', 'crds.yaml') }}"
        server_side: true
"""

RETURN = r"""
---
msg:
  description: How many objects were, or would be, applied, or why they could not be.
  returned: always
  type: str
  sample: 2 objects were applied
objects:
  description: What became of each object that differed.
  returned: when O(state=applied) and the manifests could be compared
  type: list
  elements: dict
  contains:
    file:
      description: What its manifest is called.
      type: str
    object:
      description: What C(kubectl) calls it.
      type: str
      sample: deployment.apps/web
    state:
      description: V(created), V(configured), V(unchanged) or V(serverside-applied); in check mode what it would
        be.
      type: str
same:
  description: The manifests of which nothing differed.
  returned: when O(state=applied) and the manifests could be compared
  type: list
  elements: str
refused:
  description: The manifests that were refused, each with C(kubectl)'s words.
  returned: when O(state=applied)
  type: list
  elements: str
rendered:
  description: The text that the kustomization renders to. It may hold secrets, so the task needs C(no_log).
  returned: when O(state=rendered)
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'default': 'applied', 'choices': ['applied', 'rendered']},
            'manifests': {'type': 'list', 'elements': 'dict', 'default': [], 'no_log': True},
            'files': {'type': 'dict', 'no_log': True},
            'entry': {'type': 'str', 'default': '.'},
            'kubeconfig': {'type': 'path', 'default': '/etc/kubernetes/admin.conf'},
            'timeout': {'type': 'int', 'default': 300},
        },
        required_if=[['state', 'rendered', ['files']]],
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.kubectl_apply is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
