#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/node_packages: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: node_packages
short_description: A machine has what a Kubernetes node needs, of one version, from repositories that are trusted
version_added: 0.1.0
description:
  - Makes a bare machine one that can join a Kubernetes cluster. It gets containerd with runc, CNI plugins, crictl,
    and kubeadm, kubelet and kubectl of one version, held back from upgrades, and the programs that these call.
  - Starts no service. containerd comes up when it has a CNI configuration, which is the work of M(vmstation.kubejoin.cni_placeholder)
    and M(vmstation.kubejoin.containerd_prepare).
  - Asks the repositories in a scratch directory first. A wrong or expired signature, a version that is not there,
    or a package that cannot be installed is told before anything on the machine has changed, and in check mode,
    too.
  - Without O(kubernetes_version) nothing is installed, and what is missing is named.
options:
  kubernetes_version:
    description:
      - Release of kubeadm, kubelet and kubectl, such as V(1.36), or V(1.36.2) for that very one. Without it nothing
        is installed, and what is missing is named.
    type: str
  containerd:
    description:
      - Where containerd comes from when the machine has none. V(distribution) is its own package, V(repository)
        is C(containerd.io) of O(containerd_repository), V(present) installs none and wants one that is there.
    type: str
    default: distribution
    choices:
      - distribution
      - repository
      - present
  kubernetes_repository:
    description:
      - 'Repository of Kubernetes, laid out as pkgs.k8s.io is: the address above C(core:/stable:), or one that ends
        with C(stable) and has a folder per release, or the folder of the packages itself (C(.../deb/)). C(http://),
        C(https://) or C(file:///).'
    type: str
    default: https://pkgs.k8s.io
  kubernetes_key:
    description:
      - 'The key which that repository is signed with: an address, an absolute path on the machine, or the key as
        text. Default is C(Release.key) of the repository.'
    type: str
  containerd_repository:
    description:
      - 'Repository that has C(containerd.io): C(ADDRESS), or C(ADDRESS SUITE COMPONENT...). Without a suite it
        is the distribution''s code name, with the component C(stable).'
    type: str
  containerd_key:
    description:
      - The key which that repository is signed with, given as O(kubernetes_key) is.
    type: str
  packages:
    description:
      - Further packages that are to be installed.
    type: list
    elements: str
    default: []
  hold:
    description:
      - Whether kubeadm, kubelet and kubectl, and containerd.io, are held back from upgrades.
    type: bool
    default: true
  state:
    description:
      - V(absent) removes kubeadm, kubelet, kubectl, crictl and the repository's CNI plugins from a machine that
        is in no cluster; containerd stays.
    type: str
    default: present
    choices:
      - present
      - absent
  allow_downgrade:
    description:
      - Whether an older version than the one that is installed may be put in its place.
    type: bool
    default: false
  cluster_version:
    description:
      - Version of the control plane of the cluster that the machine is for. What cannot join it is refused before
        anything is fetched.
    type: str
  required:
    description:
      - Whether a machine that would still lack kubeadm, kubelet or containerd is a failure, instead of a warning.
    type: bool
    default: false
  timeout:
    description:
      - Seconds for everything together, waiting for another package manager included.
    type: int
    default: 900
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Reads the repositories' indexes into memory, lists what would come, and touches nothing.
  diff_mode:
    support: full
    description: Shows the files of sources and keys, and the packages, before and after.
  platform:
    support: full
    description: Debian 12 and 13, Ubuntu 22.04 and 24.04; Fedora, RHEL and what is made from it, with dnf. Elsewhere
      it names what is missing. Needs no Python.
    platforms: linux
notes:
  - The source is C(/etc/apt/sources.list.d/kubejoin-kubernetes.sources), in deb822 form with C(Signed-By), its
    key lies in C(/etc/apt/keyrings). Sources of Kubernetes that are dead, or for another release, are switched
    off in their own files and named.
  - Waits for another package manager, naming the process that holds the lock, and finishes what dpkg was interrupted
    in. Configuration files that were edited are kept. Packages are downloaded before the first is unpacked.
  - Services are kept from starting by C(policy-rc.d), which is in force for this apt alone and holds nobody back
    when a killed run leaves it. A policy of the administrator is not touched.
  - A version that cannot join O(cluster_version), and a machine that is in a cluster with another version, are
    refused before a repository is asked. This upgrades no cluster.
seealso:
  - module: vmstation.kubejoin.cni_placeholder
  - module: vmstation.kubejoin.containerd_prepare
  - module: vmstation.kubejoin.join_prerequisites
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: The newest 1.36 and Debian's containerd
  vmstation.kubejoin.node_packages:
    kubernetes_version: "1.36"

- name: From a mirror of one's own, with its key
  vmstation.kubejoin.node_packages:
    kubernetes_version: "1.36.2"
    kubernetes_repository: https://mirror.example.org/kubernetes
    kubernetes_key: "{{ lookup('ansible.builtin.file', 'mirror.asc') }}"

- name: containerd of its makers
  vmstation.kubejoin.node_packages:
    kubernetes_version: "1.36"
    containerd: repository
    containerd_repository: https://mirror.example.org/linux/debian
    containerd_key: https://mirror.example.org/linux/debian/gpg
"""

RETURN = r"""
---
msg:
  description: The state in one sentence.
  returned: always
  type: str
  sample: 'Kubernetes 1.36.2 is installed: 14 packages have come'
packages:
  description: The packages of a node, and those that have come, each with its version.
  returned: always
  type: dict
  sample:
    kubeadm: 1.36.2-1.1
    containerd: 1.7.24~ds1-6
missing:
  description: What a node needs and this one does not have.
  returned: always
  type: list
  elements: str
  sample:
    - kubeadm
    - kubelet
    - containerd
steps:
  description: What was done, or in check mode would be done.
  returned: always
  type: list
  elements: str
  sample:
    - 'switch off the source https://apt.kubernetes.io/: nothing is served there any more'
    - install kubeadm 1.36.2-1.1
    - hold back kubeadm, kubelet, kubectl
plan_ends:
  description: Whether packages would come, without which nothing that follows can be planned. M(vmstation.kubejoin.sequence)
    ends there.
  returned: in check mode, when it is so
  type: bool
  sample: true
distribution:
  description: The distribution, as it calls itself.
  returned: always
  type: str
  sample: Debian GNU/Linux 12 (bookworm)
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'kubernetes_version': {'type': 'str'},
            'containerd': {'type': 'str', 'default': 'distribution', 'choices': ['distribution', 'repository', 'present']},
            'kubernetes_repository': {'type': 'str', 'default': 'https://pkgs.k8s.io'},
            'kubernetes_key': {'type': 'str'},
            'containerd_repository': {'type': 'str'},
            'containerd_key': {'type': 'str'},
            'packages': {'type': 'list', 'elements': 'str', 'default': []},
            'hold': {'type': 'bool', 'default': True},
            'state': {'type': 'str', 'default': 'present', 'choices': ['present', 'absent']},
            'allow_downgrade': {'type': 'bool', 'default': False},
            'cluster_version': {'type': 'str'},
            'required': {'type': 'bool', 'default': False},
            'timeout': {'type': 'int', 'default': 900},
        },
        required_if=[['containerd', 'repository', ['containerd_repository', 'containerd_key']]],
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.node_packages is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
