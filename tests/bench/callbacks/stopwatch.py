# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long each task of a play took, as lines "STOPWATCH<tab>seconds<tab>name"; a task that failed says so."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stopwatch
type: stdout
short_description: The seconds of each task.
description: From the start of a task to the start of the next one.
"""


class CallbackModule(CallbackBase):
    """Counts from the start of a task to the start of the next, or to the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "stopwatch"

    def __init__(self) -> None:
        super().__init__()
        self._running: tuple[str, float] | None = None

    def _stop(self) -> None:
        if self._running:
            name, started = self._running
            print("STOPWATCH\t%.4f\t%s" % (time.monotonic() - started, name))
        self._running = None

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """The one before is over."""
        self._stop()
        self._running = (task.get_name().strip(), time.monotonic())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """So is the last one."""
        self._stop()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """What failed was not measured."""
        print("FAILED\t%s" % result._result.get("msg"))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Nor what was not reached."""
        print("FAILED\t%s" % result._result.get("msg"))
