# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's own screen output, except that a failed task of this collection is its sentence, not 60 lines of YAML.

Tasks of which nobody wants to read that they went well are left out: checked arguments of roles, and includes.
"""

from __future__ import annotations

DOCUMENTATION = """
name: brief
type: stdout
short_description: A failed task is one sentence, and what helps
description:
  - Ansible's default output, except for failed tasks of this collection's modules, of M(ansible.builtin.fail),
    M(ansible.builtin.assert) and M(ansible.builtin.validate_argument_spec). Of those it shows the message, the class of the
    failure, its evidence, what to do next and where more is kept.
  - Leaves out that a role's arguments were right, and that tasks were included.
  - Everything a task returned is shown with C(-v), and is in registered results in any case.
version_added: 0.1.0
requirements:
  - set as stdout callback in the configuration (C(stdout_callback = vmstation.kubejoin.brief))
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.printable import printable

MODULES = frozenset(path.stem for path in (Path(__file__).parents[1] / "modules").glob("*.py"))
# Their message is what the author of a play wrote for a person.
SPOKEN = frozenset(["assert", "fail", "validate_argument_spec"])
# Shown below the sentence, in this order, where a result has them.
SHOWN = ("failure_class", "evidence", "next_action", "help", "evidence_bundle")
# What ansible-core 2.19 and later put in place of a traceback: the error it stands for is the result's own message.
NO_TRACEBACK = "(traceback unavailable)"


class CallbackModule(Default):  # type: ignore[misc]  # untyped
    """The default output, with failures that a person can read."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "vmstation.kubejoin.brief"

    _brief = _failed = False

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task has failed on one host."""
        self._begin(result)
        super().v2_runner_on_failed(result, ignore_errors)
        self._brief = self._failed = False

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """One item of a loop has failed."""
        self._begin(result)
        super().v2_runner_item_on_failed(result)
        self._brief = self._failed = False

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task has ended well on one host."""
        if self._worth_telling(_task(result)):
            super().v2_runner_on_ok(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task was left out on one host."""
        if self._worth_telling(_task(result)):
            super().v2_runner_on_skipped(result)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Tasks were included."""
        if self._display.verbosity:
            super().v2_playbook_on_include(included_file)

    def _print_task_banner(self, task: Any) -> None:
        if self._failed or self._worth_telling(task):
            super()._print_task_banner(task)

    def _worth_telling(self, task: Any) -> bool:
        silent = isinstance(task, TaskInclude) or _name(task) == "validate_argument_spec"
        return self._display.verbosity > 0 or not silent

    def _begin(self, result: Any) -> None:
        said = result.result if hasattr(result, "result") else result._result
        spoken = _name(_task(result)) in MODULES | SPOKEN and bool(said.get("msg"))
        self._failed, self._brief = True, spoken and self._display.verbosity == 0
        if self._brief and said.get("exception") == NO_TRACEBACK:
            said["exception"] = None

    def _dump_results(self, result: Mapping[str, Any], *arguments: Any, **options: Any) -> str:
        if not self._brief:
            text: str = super()._dump_results(result, *arguments, **options)
            return text
        return sentence(result)


def _task(result: Any) -> Any:
    # From ansible-core 2.23 on only the first is there, before 2.19 only the second; the same holds for `result`.
    return result.task if hasattr(result, "task") else result._task


def _name(task: Any) -> str:
    name: str = task.action.rpartition(".")[2]
    return name


def sentence(result: Mapping[str, Any]) -> str:
    """What a person wants to know of a failed task: its message, then one line for each of SHOWN that says more."""
    message = result["msg"] if isinstance(result["msg"], str) else "\n".join(map(str, result["msg"]))
    more = ["%s: %s" % (key, result[key]) for key in SHOWN if result.get(key) and str(result[key]) not in message]
    # Line ends are those of whoever wrote the message: a module of ours has written those of a name as "\\n".
    return "\n    ".join([printable(message.strip(), keep="\n"), *map(printable, more)])
