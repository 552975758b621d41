# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller does for a sequence: its steps are templated by Ansible, run and judged by the program on the target.

Here is only what the controller alone knows: the tags that were asked for, and `module_defaults`. What is written wrongly
goes on as it is, because the program says what would be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NAME = "sequence"
COLLECTION = "vmstation.kubejoin."
KEYWORDS = frozenset(["name", "when", "check_mode", "no_log", "tags"])


def modules(options: Mapping[str, Any]) -> set[str]:
    """The names of the modules that its steps call."""
    steps = options.get("steps")
    if not isinstance(steps, (list, tuple)):
        return set()
    return {_short(name) for step in steps if isinstance(step, Mapping) for name in _called(step)}


def complete(options: dict[str, Any], task: Any, templar: Any, variables: Mapping[str, Any]) -> None:
    """Leaves out the steps that the tags do not choose, and gives each module its defaults."""
    steps = options.get("steps")
    if not isinstance(steps, (list, tuple)):
        return
    only, skip = set(variables.get("ansible_run_tags") or ["all"]), set(variables.get("ansible_skip_tags") or [])
    used = {tag for step in steps if isinstance(step, Mapping) for tag in _tags(step)}
    # A tag of the task that no step has of its own is one of all of them, as a block's is of its tasks.
    inherited = set(task.tags or []) - used
    defaults = _Defaults(task, templar)
    options["steps"] = [
        _completed(step, inherited, only, skip, defaults) if isinstance(step, Mapping) else step for step in steps
    ]


class _Defaults:
    """The play's `module_defaults`, which Ansible applies to tasks alone."""

    def __init__(self, task: Any, templar: Any) -> None:
        self._by_name: dict[str, Any] = {}
        for one in task.module_defaults or []:
            self._by_name.update(one)
        self._by_name = templar.template(self._by_name) if self._by_name else {}
        self._groups = task.get_play()._action_groups if self._by_name else {}

    def of(self, module: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a module: those of its groups, its own, and those that are given."""
        action = COLLECTION + module
        options: dict[str, Any] = {}
        for group in self._groups.get(action, []):
            options.update(self._by_name.get("group/" + group) or {})
        options.update(self._by_name.get(action) or {})
        options.update(given)
        return options


def _completed(
    step: Mapping[str, Any], inherited: set[str], only: set[str], skip: set[str], defaults: _Defaults
) -> dict[str, Any]:
    completed = {key: value for key, value in step.items() if key != "tags"}
    own = set(_tags(step))
    if own and not _chosen(own | inherited, only, skip):
        completed["when"] = False
    for name in _called(step):
        if step[name] is None or isinstance(step[name], Mapping):
            completed[name] = defaults.of(_short(name), step[name] or {})
    return completed


def _chosen(tags: set[str], only: set[str], skip: set[str]) -> bool:
    """As ansible.playbook.taggable decides for a task."""
    runs = "always" in tags or bool(tags & only) or ("never" not in tags and bool(only & {"all", "tagged"}))
    left_out = bool(tags & skip) or "tagged" in skip or ("all" in skip and ("always" not in tags or "always" in skip))
    return runs and not left_out


def _tags(step: Mapping[str, Any]) -> Iterable[str]:
    tags = step.get("tags") or []
    return [tag.strip() for tag in tags.split(",")] if isinstance(tags, str) else [str(tag) for tag in tags]


def _called(step: Mapping[str, Any]) -> list[str]:
    return [key for key in step if key not in KEYWORDS]


def _short(name: str) -> str:
    return str(name).removeprefix(COLLECTION)
