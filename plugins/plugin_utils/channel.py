# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One remote command with input, over whatever connection and become plugin the task has.

The input goes to standard input. Connections that have none (containers.podman.podman), and sudo where it insists on a
terminal, get it as a file in Ansible's own temporary directory instead, which Ansible removes after the task.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from ansible.plugins.action import ActionBase

from .answer import Reply

WANTS_TERMINAL = "you must have a tty to run sudo"


class Overdue(BaseException):
    """A remote command did not come back in time. No Exception: the ssh plugin would take it for a reason to retry."""


class Channel:
    """Runs scripts as the task's user on the task's target."""

    def __init__(self, action: ActionBase) -> None:
        self._action = action
        self._connection: Any = action._connection
        become = self._connection.become
        self._has_stdin = bool(self._connection.has_pipelining) and not getattr(become, "require_tty", False)
        self._files = 0

    def run(self, script: str, data: bytes = b"\n", seconds: float | None = None) -> Reply:
        """Runs ``script`` with ``data`` as its input; Overdue when it takes longer than ``seconds``.

        There always is input, if only a line: without any, ssh would give the script a terminal.
        """
        with _at_most(seconds):
            if not self._has_stdin:
                return self._with_file(script, data)
            with self._pipelining():
                reply = self._execute(script, data)
            if reply.rc and WANTS_TERMINAL in reply.stderr:
                self._has_stdin = False
                return self._with_file(script, data)
            return reply

    def reset(self) -> None:
        """Lets go of a connection that may be dead, so that the next command opens a new one."""
        if hasattr(self._connection, "reset"):
            self._connection.reset()

    def _execute(self, script: str, data: bytes | None) -> Reply:
        # Naming the shell keeps Ansible from appending a command of its own to the script.
        result = self._action._low_level_execute_command(script, in_data=data, sudoable=True, executable="/bin/sh")
        return Reply(int(result["rc"]), result["stdout"], result["stderr"])

    def _with_file(self, script: str, data: bytes) -> Reply:
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._action._make_tmp_path()
        self._files += 1
        path = shell.join_path(shell.tmpdir, "input-%d" % self._files)
        self._action._transfer_data(path, data)
        self._action._fixup_perms2([shell.tmpdir, path], execute=False)
        return self._execute("{ %s;}<%s" % (script.rstrip(";"), shell.quote(path)), None)

    @contextmanager
    def _pipelining(self) -> Iterator[None]:
        """Keeps the local connection from taking a terminal for the become password: input would not arrive."""
        try:
            before = self._connection.get_option("pipelining")
        except KeyError:
            yield
            return
        self._connection.set_option("pipelining", True)
        try:
            yield
        finally:
            self._connection.set_option("pipelining", before)


@contextmanager
def _at_most(seconds: float | None) -> Iterator[None]:
    """Raises Overdue in the block after ``seconds``; the task's own `timeout:`, when it is nearer, comes first."""
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    if seconds is None or 0 < left <= seconds:
        yield
        return

    def ring(_number: int, _frame: object) -> NoReturn:
        raise Overdue("no answer from the target for %d seconds" % seconds)

    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - started), 0.001))
