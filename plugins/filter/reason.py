# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a task failed or a host could not be reached, as one line for a table or a sentence."""

from __future__ import annotations

import re
from typing import Any

DOCUMENTATION = """
name: reason
short_description: Why a task failed or a host could not be reached, in one line
version_added: 0.1.0
author: kubejoin maintainers (@kubejoin)
description:
  - Gives the last line of what ssh, sudo or a shell said, without what Ansible puts before and between.
  - The message of a module of this collection is one line already, and stays as it is.
options:
  _input:
    description: The C(msg) of a registered result.
    type: str
    required: true
"""

EXAMPLES = """
- name: Say why the node cannot be reached
  ansible.builtin.fail:
    msg: "{{ answer.msg | default('') | vmstation.kubejoin.reason }}"
  when: answer is unreachable
"""

RETURN = """
_value:
  description: One line; C(no reason was given) when there is none.
  type: str
"""

# What ansible-core says before ssh's own words, from 2.15 to 2.19 and later.
BEFORE = re.compile(
    r"^(Task failed: )?(Failed to connect to the host via ssh: |Data could not be sent to remote host[^:]*: )?"
)


def reason(text: Any) -> str:
    """The last line that says something: ssh puts its reason below banners and warnings."""
    lines = [BEFORE.sub("", line.strip()) for line in str(text).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """Its name."""
        return {"reason": reason}
