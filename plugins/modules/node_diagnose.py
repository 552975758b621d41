#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of modules/node_diagnose: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: node_diagnose
short_description: What is wrong with a node, what it comes from, and what mends it
version_added: 0.1.0
description:
  - Looks at a node and says what is wrong with it, what that comes from and what mends it. Changes nothing.
  - Looks at CNI configuration in load order and its plugins, file systems and mounts, containerd (unit, configuration,
    CRI, image file system), kubelet (unit, drop-ins, mode, credentials, last words), the pod network (bridge, VXLAN,
    addresses, leases, firewall, kernel switches), permissions, clock and identity.
  - Names one primary cause. A full disk explains a containerd that does not start, which explains a kubelet that
    does not.
  - Works when containerd hangs, a mount hangs, or the API server is away. What cannot be looked at is named.
options:
  config_path:
    description:
      - containerd's configuration file. Left out, the one that C(containerd.service) starts with.
    type: path
  cni_conf_dir:
    description:
      - The directory of CNI configuration files.
    type: path
    default: /etc/cni/net.d
  socket:
    description:
      - containerd's socket, as a path or with unix://.
    type: str
    default: unix:///run/containerd/containerd.sock
  protected:
    description:
      - Directories with data of people, named in the report with what is mounted there.
    type: list
    elements: path
    default:
      - /srv/media
      - /mnt/media
  timeout:
    description:
      - Seconds for everything together. What hangs is given 2 of them.
    type: int
    default: 30
extends_documentation_fragment:
  - vmstation.kubejoin.native
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: There is nothing to show.
  platform:
    support: full
    description: Linux with systemd. Needs no Python on the target.
    platforms: linux
notes:
  - Each finding is a section of docs/troubleshooting.md, which its C(link) names.
  - With the kubelet's own credentials the API server is asked for this node and the time; nothing is sent to anybody
    else.
  - Thresholds for free space are the kubelet's own defaults for eviction.
seealso:
  - module: vmstation.kubejoin.containerd_prepare
  - module: vmstation.kubejoin.cni_repair
author:
  - kubejoin maintainers (@kubejoin)
"""

EXAMPLES = r"""
---
- name: What is wrong with this node
  vmstation.kubejoin.node_diagnose:
  register: diagnosis

- name: The report of a node with more data of people
  vmstation.kubejoin.node_diagnose:
    protected:
      - /srv/media
      - /srv/backup
"""

RETURN = r"""
---
msg:
  description: The primary cause and what helps, in one sentence.
  returned: always
  type: str
  sample: nothing is wrong with this node
healthy:
  description: Whether there is no finding but notices.
  returned: always
  type: bool
joined:
  description: Whether the node has the credentials and configuration of a cluster.
  returned: always
  type: bool
primary_cause:
  description: The finding to act upon first, as in RV(findings), or none.
  returned: always
  type: dict
findings:
  description: All findings, causes first.
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: Its name.
      type: str
    severity:
      description: V(critical), V(warning) or V(notice), which is something to plan for on a healthy node.
      type: str
    title:
      description: What is wrong.
      type: str
    evidence:
      description: What was seen, one line each.
      type: list
      elements: str
    cause:
      description: What that comes from.
      type: str
    remedy:
      description: What helps.
      type: str
    mended_by:
      description: The module that does it, or none.
      type: str
    link:
      description: Its section of the documentation.
      type: str
passed_over:
  description: What could not be looked at, and why.
  returned: always
  type: list
  elements: str
seen:
  description: What was looked at, as pairs of what it is and what was found.
  returned: always
  type: list
  elements: list
  sample:
    - - kernel
      - 6.1.0-40-amd64
    - - kubelet
      - active (running)
report:
  description: The report for a person, in Markdown.
  returned: always
  type: str
metrics:
  description: The findings as metrics in Prometheus' text format, for node_exporter's textfile collector.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'config_path': {'type': 'path'},
            'cni_conf_dir': {'type': 'path', 'default': '/etc/cni/net.d'},
            'socket': {'type': 'str', 'default': 'unix:///run/containerd/containerd.sock'},
            'protected': {'type': 'list', 'elements': 'path', 'default': ['/srv/media', '/mnt/media']},
            'timeout': {'type': 'int', 'default': 30},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="vmstation.kubejoin.node_diagnose is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
