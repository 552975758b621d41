# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The local connection without standard input, as containers.podman.podman has none."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: nostdin
short_description: Local, without standard input
description: For tests.
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(Local):
    transport = "nostdin"
    has_pipelining = False

    def exec_command(self, cmd, in_data=None, sudoable=True):
        assert in_data is None, "this connection has no stdin"
        return super().exec_command("exec </dev/null; " + cmd, in_data=None, sudoable=sudoable)
