#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/aggressive_reset: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aggressive_reset
short_description: Take a node out of its cluster, and lose nothing that is not Kubernetes' own
version_added: 0.1.0
description:
  - Takes a node out of its cluster, so that it can join again, and loses nothing that is not Kubernetes' own.
  - Two levels. V(gentle) undoes a join. V(aggressive) removes everything of Kubernetes, containerd's state, links,
    routes and firewall rules included.
  - In doubt it keeps and names. Entries of Kubernetes' directories that are not known to be its own stay, see O(unknown);
    a mount of something else there is kept, or refused, unless Kubernetes of this node is seen at work in it, and
    then emptied only of what is known, see O(own_paths).
  - Deletes from a fixed list of directories only, and never through a mount or a symbolic link. What is mounted
    below one of them is unmounted first; where that is not possible, that directory is left alone, the rest is
    done, and the task fails naming the mount and who holds it.
  - Does not run C(kubeadm reset), which deletes through mounts it could not unmount. Only leaving etcd is left
    to kubeadm.
  - Compares the preserved directories, the mounts, and other people's firewall rules and routes before and after.
    If anything is missing, the task fails.
options:
  level:
    description:
      - gentle undoes a join and keeps containerd, its images, the CNI configuration, links and the firewall. aggressive
        removes everything of Kubernetes.
    type: str
    default: aggressive
    choices:
      - gentle
      - aggressive
  preserve:
    description:
      - Directories that must not change. The module refuses to start when one of them lies under or over anything
        it deletes, also through a link or a bind mount, and compares them before and after.
    type: list
    elements: path
    default:
      - /srv/media
      - /mnt/media
  scope:
    description:
      - 'Only these parts. Default: all that the level has. kubelet and containerd imply pods.'
    type: list
    elements: str
    choices:
      - pods
      - kubelet
      - kubernetes
      - cni
      - network
      - firewall
      - containerd
      - etcd
      - units
      - kubectl
      - temporary
  allow_control_plane:
    description:
      - Also reset a node that runs a control plane or has etcd data. That ends the cluster when it is the only
        one.
    type: bool
    default: false
  allow_other_kubernetes:
    description:
      - 'Also reset a node on which k3s, k0s, rke2 or microk8s is at work: its pods end and its network goes.'
    type: bool
    default: false
  pod_networks:
    description:
      - Networks of pods, such as 10.244.0.0/16, beyond those that the node itself tells. Links, routes and rules
        that are kept because nothing proves them to be Kubernetes' are its own when they are about one of these.
    type: list
    elements: str
    default: []
  containerd_config:
    description:
      - repair enables CRI in containerd's configuration and leaves cgroups to systemd, as containerd_prepare does,
        and changes nothing else in it. keep leaves it alone. Level aggressive only, and only where containerd is
        not shared.
    type: str
    default: repair
    choices:
      - repair
      - keep
  unknown:
    description:
      - 'What becomes of entries of /etc/kubernetes, /var/lib/kubelet, /var/lib/cni, /etc/cni/net.d and containerd''s
        directories that are not known to be Kubernetes'' own: notes, backups, policies, other people''s configuration.
        keep leaves and names them; delete deletes them, too.'
    type: str
    default: keep
    choices:
      - keep
      - delete
  own_paths:
    description:
      - Directories that are Kubernetes' own although something else is mounted there (/var/lib/kubelet), or a link
        leads there (/data/kubelet). Without it a mount of something else is kept unless Kubernetes of this node
        is seen at work in it or the machine mounts it there when it starts, and a directory that has another name,
        or is reached through a link, is refused.
    type: list
    elements: path
    default: []
  timeout:
    description:
      - Seconds for all of it.
    type: int
    default: 300
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Shows what would be removed, and touches nothing.
  diff_mode:
    support: full
    description: Shows what is there of Kubernetes before, and what is left of it.
  platform:
    support: full
    description: Linux with systemd and containerd. Needs no Python on the target.
    platforms: linux
notes:
  - Refuses, before anything is stopped, when somebody uses what lies in one of the directories (a disk image, an
    overlay's layer, a swap file, a virtual machine's disk, a directory mounted elsewhere), naming both and how
    to end that.
  - Refuses, before anything is stopped, when a preserved path lies under or over something to be deleted, also
    through a link, a bind mount, a loop device or an overlay; when one of its directories leads elsewhere through
    a link; on a control plane; and where k3s, k0s, rke2 or microk8s is at work.
  - Links, chains, routes and network namespaces are Kubernetes' own by what they are made of, never by their names.
    What is called like Kubernetes' and is not proved is kept and named in RV(kept); see O(pod_networks).
  - root's kubeconfig is never deleted. The entries of this cluster, by server and CA, are taken out of it, and
    a dated copy stays beside it.
  - Killed at any moment, it is finished by its next run.
  - Docker, podman, nerdctl and their containers survive, also when they share containerd.
  - The CNI plugins in C(/opt/cni/bin) stay. So does the configuration of containerd, except that aggressively CRI
    is enabled and cgroups are left to systemd, see O(containerd_config). One that is no TOML is kept as C(config.toml.rejected)
    and replaced.
seealso:
  - module: vmstation.kubejoin.kubeadm_join_guarded
  - module: vmstation.kubejoin.stale_node
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: A node that failed to join is clean again
  vmstation.kubejoin.aggressive_reset:

- name: Only undo the join, and keep containerd with its images
  vmstation.kubejoin.aggressive_reset:
    level: gentle

- name: The node also exports /tank, which must not change
  vmstation.kubejoin.aggressive_reset:
    preserve:
      - /srv/media
      - /mnt/media
      - /tank

- name: Only what the network plugins left behind
  vmstation.kubejoin.aggressive_reset:
    scope:
      - cni
      - network
      - firewall

- name: The kubelet works on a data disk, to which a link leads
  vmstation.kubejoin.aggressive_reset:
    own_paths:
      - /data/kubelet

- name: Also what nobody knows in Kubernetes' directories
  vmstation.kubejoin.aggressive_reset:
    unknown: delete

- name: The end of a control plane
  vmstation.kubejoin.aggressive_reset:
    allow_control_plane: true
"""

RETURN = r"""
---
msg:
  description: What was removed, or why the task was refused or has failed.
  returned: always
  type: str
  sample: removed 2 pods, 6 mounts, 119 files and directories (10.4 MiB), 3 links; aggressive level
steps:
  description: What was done, in order; in check mode what would be.
  returned: when not refused
  type: list
  elements: str
  sample:
    - stop kubelet
    - remove pods
    - unmount below /var/lib/kubelet
    - delete /var/lib/kubelet
removed:
  description: Each directory or file that was deleted from, with the number of entries and the size on disk.
  returned: when not refused
  type: list
  elements: str
  sample:
    - '/var/lib/kubelet: 812 entries, 4.1 MiB'
unmounted:
  description: Mount points that are gone.
  returned: when not refused
  type: list
  elements: str
pods:
  description: Pods that were removed, as namespace/name.
  returned: when not refused
  type: list
  elements: str
images:
  description: Images that were removed from Kubernetes' namespace one by one, because containerd is shared and
    was not wiped.
  returned: when not refused
  type: list
  elements: str
processes:
  description: Processes of pods and of the kubelet that were ended, as name (pid).
  returned: when not refused
  type: list
  elements: str
links:
  description: Network links that were deleted.
  returned: when not refused
  type: list
  elements: str
routes:
  description: Routes that were deleted.
  returned: when not refused
  type: list
  elements: str
firewall:
  description: What was deleted from each table of the firewall.
  returned: when not refused
  type: list
  elements: str
drop_ins:
  description: Drop-ins of the kubelet that were deleted, each with the reason.
  returned: when not refused
  type: list
  elements: str
containerd_config:
  description: What was changed in the configuration of containerd, file by file.
  returned: when not refused
  type: list
  elements: str
  sample:
    - '/etc/containerd/config.toml: set SystemdCgroup of runtime runc to true'
kubeconfig:
  description: What was taken out of root's kubeconfig, and where the copy of it is.
  returned: when not refused
  type: list
  elements: str
  sample:
    - '/root/.kube/config: entries of this cluster: cluster kubernetes, user admin; it was kept as /var/backups/kubejoin/20261126T231500Z/root/.kube/config'
failed_units:
  description: Units whose failure was forgotten.
  returned: when not refused
  type: list
  elements: str
kept:
  description: What was left although it lies in the way, each with the reason.
  returned: when not refused
  type: list
  elements: str
  sample:
    - '/etc/cni/net.d/87-podman-bridge.conflist: it is not the CNI network of Kubernetes'
    - 'link cni0: not only pods are connected to it: eth1'
unknown:
  description: Entries of Kubernetes' directories that nobody knows, with size and age. They are kept with O(unknown=keep).
  returned: when not refused
  type: list
  elements: str
  sample:
    - '/var/lib/kubelet/notes.txt: 212 B, 41 days old, not known to be Kubernetes'' (unknown: delete deletes it)'
backup:
  description: Where copies of configuration that was deleted, and of root's kubeconfig, are, when there are any.
  returned: when not refused
  type: str
  sample: /var/backups/kubejoin/20261126T231500Z
preserved:
  description: The preserved directories after the reset, and whether they are as they were.
  returned: when not refused
  type: list
  elements: dict
  sample:
    - path: /srv/media
      exists: true
      entries: 48211
      bytes: 912680550400
      samples: 64
      unchanged: true
problems:
  description: What could not be done, or is not as it was. The task fails when there is any.
  returned: when not refused
  type: list
  elements: str
resumed:
  description: When an earlier run was interrupted, when it began and the last step it had begun.
  returned: when not refused
  type: dict
refused:
  description: Every reason for refusing.
  returned: when refused
  type: list
  elements: str
level:
  description: The level that was done; that of an interrupted run when that was higher.
  returned: when not refused
  type: str
parts:
  description: The parts that were done, separated by commas.
  returned: when not refused
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'level': {'type': 'str', 'default': 'aggressive', 'choices': ['gentle', 'aggressive']},
            'preserve': {'type': 'list', 'elements': 'path', 'default': ['/srv/media', '/mnt/media']},
            'scope': {
                'type': 'list',
                'elements': 'str',
                'choices': [
                    'pods',
                    'kubelet',
                    'kubernetes',
                    'cni',
                    'network',
                    'firewall',
                    'containerd',
                    'etcd',
                    'units',
                    'kubectl',
                    'temporary',
                ],
            },
            'allow_control_plane': {'type': 'bool', 'default': False},
            'allow_other_kubernetes': {'type': 'bool', 'default': False},
            'pod_networks': {'type': 'list', 'elements': 'str', 'default': []},
            'containerd_config': {'type': 'str', 'default': 'repair', 'choices': ['repair', 'keep']},
            'unknown': {'type': 'str', 'default': 'keep', 'choices': ['keep', 'delete']},
            'own_paths': {'type': 'list', 'elements': 'path', 'default': []},
            'timeout': {'type': 'int', 'default': 300},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.aggressive_reset is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
