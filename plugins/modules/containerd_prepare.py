#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/containerd_prepare: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: containerd_prepare
short_description: containerd is configured for Kubernetes, running, and answering over CRI
version_added: 0.1.0
description:
  - Makes containerd right for Kubernetes and proves it. The cgroup driver is systemd, the CRI plugin is not disabled,
    the pause image and the directory of CNI plugins are those asked for, and crictl's configuration names the socket.
  - Edits C(config.toml) in place, for configuration versions 1 to 4 and for the files it imports. Order, comments
    and unknown keys stay. The configuration is never regenerated, which would lose the distribution's plugin directory,
    registry mirrors and storage root.
  - Restarts containerd only when something changed, when it runs with another configuration than the one in its
    file, or when it does not answer over CRI. Then waits until it answers, and checks that the filesystem for images
    has capacity.
  - Refuses to start containerd while there is no CNI configuration. CNI comes first.
options:
  config_path:
    description:
      - containerd's configuration file. Left out, the one that C(containerd.service) starts with, or C(/etc/containerd/config.toml)
        when it names none; another than that is refused. Files it imports are edited too when the value in force
        lives there.
    type: path
  systemd_cgroup:
    description:
      - Whether runc leaves cgroups to systemd. Must agree with kubelet's C(cgroupDriver).
    type: bool
    default: true
  sandbox_image:
    description:
      - The pause image. Left as it is when not given.
    type: str
  cni_bin_dir:
    description:
      - The directory of CNI plugins. V(auto) finds the one that has them all, preferring C(/opt/cni/bin). Left
        as it is when not given.
    type: str
  cni_conf_dir:
    description:
      - The directory of CNI configuration files.
    type: path
    default: /etc/cni/net.d
  restrict_oom_score_adj:
    description:
      - Keeps containerd from lowering a pod's OOM score below its own, which it may not do inside a container.
        Left as it is when not given.
    type: bool
  crictl_config:
    description:
      - crictl's configuration, which tells it and kubeadm where the socket is. An empty value leaves it alone.
    type: path
    default: /etc/crictl.yaml
  socket:
    description:
      - containerd's socket, as a path or with unix://.
    type: str
    default: unix:///run/containerd/containerd.sock
  require_cni_config:
    description:
      - 'Refuse to start or restart containerd when there is no valid CNI configuration: CNI comes first.'
    type: bool
    default: true
  start:
    description:
      - Whether to start containerd, or restart it when something changed. V(false) only writes files.
    type: bool
    default: true
  timeout:
    description:
      - Seconds for everything together.
    type: int
    default: 60
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: Shows the edits and whether containerd would be restarted, and touches nothing.
  diff_mode:
    support: full
    description: Shows each file before and after.
  platform:
    support: full
    description: Linux with containerd 1.4 or later under systemd. Needs no Python on the target.
    platforms: linux
notes:
  - What was edited is proved by having C(containerd config dump) read it before containerd is restarted.
  - When containerd does not come up with an edited configuration, the previous one is put back, containerd is started
    with that, and the edited one is kept beside it with the ending C(.rejected).
  - A syntax error in the configuration is refused with its line and column, and nothing is touched.
  - CRI is spoken directly over the socket. Neither crictl nor ctr is needed, or run.
seealso:
  - module: vmstation.kubejoin.cni_placeholder
  - module: vmstation.kubejoin.kubelet_mask
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: containerd is ready for kubeadm
  vmstation.kubejoin.containerd_prepare:

- name: The CNI plugins are where they are, the pause image is our own
  vmstation.kubejoin.containerd_prepare:
    cni_bin_dir: auto
    sandbox_image: registry.example.org/pause:3.9

- name: Only the files, before the package is started for the first time
  vmstation.kubejoin.containerd_prepare:
    start: false
    require_cni_config: false
"""

RETURN = r"""
---
msg:
  description: The state in one sentence.
  returned: always
  type: str
  sample: containerd 1.6.20~ds1 answers over CRI v1 and has the pod network cbr0
steps:
  description: What was done, or in check mode would be done.
  returned: always
  type: list
  elements: str
  sample:
    - '/etc/containerd/config.toml: set SystemdCgroup of runtime runc to true'
    - 'restart containerd: its configuration changed'
config_version:
  description: The version of the main configuration file.
  returned: always
  type: int
  sample: 2
restart_needed:
  description: With O(start=false), whether containerd has to be restarted for its configuration to be in force.
  returned: always
  type: bool
containerd_version:
  description: The version of the containerd that answers.
  returned: when containerd answers
  type: str
  sample: 1.6.20~ds1
cri:
  description: What containerd says of itself.
  returned: when containerd answers
  type: dict
  contains:
    api:
      description: The CRI version spoken, v1 or v1alpha2.
      type: str
    runtime_ready:
      description: Whether it can run containers.
      type: bool
    network_ready:
      description: Whether it has loaded a CNI configuration.
      type: bool
    cni_load_status:
      description: OK, or why it has not.
      type: str
    network:
      description: The name of the pod network in force.
      type: str
    plugin_dirs:
      description: Where it looks for CNI plugins.
      type: list
      elements: str
    systemd_cgroup:
      description: Whether its default runtime leaves cgroups to systemd.
      type: bool
image_filesystem:
  description: The filesystem that holds images. CRI names the directory, statvfs tells its capacity.
  returned: when containerd answers
  type: dict
  contains:
    path:
      description: The directory.
      type: str
    type:
      description: The kind of filesystem.
      type: str
    bytes:
      description: Its capacity.
      type: int
    available:
      description: Bytes that may still be written.
      type: int
    used_by_images:
      description: Bytes used by images.
      type: int
    inodes:
      description: Its inodes, zero where they are made as needed.
      type: int
    inodes_available:
      description: Inodes left.
      type: int
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'config_path': {'type': 'path'},
            'systemd_cgroup': {'type': 'bool', 'default': True},
            'sandbox_image': {'type': 'str'},
            'cni_bin_dir': {'type': 'str'},
            'cni_conf_dir': {'type': 'path', 'default': '/etc/cni/net.d'},
            'restrict_oom_score_adj': {'type': 'bool'},
            'crictl_config': {'type': 'path', 'default': '/etc/crictl.yaml'},
            'socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'require_cni_config': {'type': 'bool', 'default': True},
            'start': {'type': 'bool', 'default': True},
            'timeout': {'type': 'int', 'default': 60},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.containerd_prepare is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
