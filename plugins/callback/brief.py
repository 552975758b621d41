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
  - A list of lines that a play shows once for all hosts (C(run_once)) is shown as these lines.
  - A task that is tried again says so once for each host, and then every tenth time.
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
EVERY = 10  # attempts of a task between two lines that say that it is tried again
# What ansible-core 2.19 and later put in place of a traceback: the error it stands for is the result's own message.
NO_TRACEBACK = "(traceback unavailable)"


class CallbackModule(Default):  # type: ignore[misc]  # untyped
    """The default output, with failures that a person can read."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "vmstation.kubejoin.brief"

    _brief = _failed = False

    def __init__(self) -> None:
        super().__init__()
        self._waited: dict[tuple[str, str], int] = {}

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

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host could not be reached: ssh says why."""
        said = _said(result)
        self._failed, self._brief = True, self._display.verbosity == 0 and bool(said.get("msg"))
        if self._brief and "exception" in said:
            # From ansible-core 2.19 on where in the play that was, which nobody asks for whose node is off.
            said["exception"] = None
        super().v2_runner_on_unreachable(result)
        self._brief = self._failed = False

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task has ended well on one host."""
        task = _task(result)
        lines = _said(result).get("msg")
        if self._display.verbosity == 0 and _name(task) == "debug" and task.run_once and isinstance(lines, list):
            if self._last_task_banner != task._uuid:
                self._print_task_banner(task)
            self._display.display("\n".join(printable(str(line)) for line in lines))
        elif self._worth_telling(task):
            super().v2_runner_on_ok(result)

    def v2_runner_retry(self, result: Any) -> None:
        """A task has not come to its end yet and is tried again; that is waiting, and not a failure."""
        if self._display.verbosity:
            super().v2_runner_retry(result)
            return
        task, label = _task(result), self.host_label(result)
        # Counted here: what a result says of its attempts differs from one ansible-core to the next.
        attempt = self._waited[label, task._uuid] = self._waited.get((label, task._uuid), 0) + 1
        if attempt == 1 or attempt % EVERY == 0:
            most = _said(result).get("retries", 1) - 1
            self._display.display("waiting: [%s]: %s (%d of %d)" % (label, task.name, attempt, most))

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
        said = _said(result)
        name = _name(_task(result))
        # A command that was not even begun has no status: a password was missing, or there is no sudo.
        unbegun = name == "raw" and "rc" not in said
        spoken = (name in MODULES | SPOKEN or unbegun) and bool(said.get("msg"))
        self._failed, self._brief = True, spoken and self._display.verbosity == 0
        if self._brief and (unbegun or said.get("exception") == NO_TRACEBACK):
            said["exception"] = None

    def _dump_results(self, result: Mapping[str, Any], *arguments: Any, **options: Any) -> str:
        if not self._brief:
            text: str = super()._dump_results(result, *arguments, **options)
            return text
        return sentence(result)


def _task(result: Any) -> Any:
    # From ansible-core 2.23 on only the first is there, before 2.19 only the second; the same holds for `result`.
    return result.task if hasattr(result, "task") else result._task


def _said(result: Any) -> Any:
    return result.result if hasattr(result, "result") else result._result


def _name(task: Any) -> str:
    name: str = task.action.rpartition(".")[2]
    return name


def sentence(result: Mapping[str, Any]) -> str:
    """What a person wants to know of a failed task: its message, then one line for each of SHOWN that says more."""
    message = result["msg"] if isinstance(result["msg"], str) else "\n".join(map(str, result["msg"]))
    more = ["%s: %s" % (key, result[key]) for key in SHOWN if result.get(key) and str(result[key]) not in message]
    # Line ends are those of whoever wrote the message: a module of ours has written those of a name as "\\n".
    return "\n    ".join([printable(message.strip(), keep="\n"), *map(printable, more)])
