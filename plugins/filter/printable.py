# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter `printable`: text of anybody's as it may stand on a terminal or a page."""

from __future__ import annotations

from typing import Any

from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.printable import printable

DOCUMENTATION = r"""
name: printable
short_description: Text without characters that write on the terminal of whoever reads it
version_added: 0.1.0
author: kubejoin maintainers (@kubejoin)
description:
  - Shows control characters, line ends, marks of text direction and whatever else is not printable as Python writes them.
options:
  _input:
    description: The text.
    type: str
    required: true
  keep:
    description: Characters that stay all the same, such as a line end.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Show a name that is anybody's
  ansible.builtin.debug:
    msg: "{{ file_name | vmstation.kubejoin.printable }}"
"""

RETURN = r"""
_value:
  description: The text, in printable characters.
  type: str
"""


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """Its name."""
        return {"printable": printable}
