# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns the signals that end a task's process into an exception, so that the remote work can be ended first.

Since ansible-core 2.19 Ctrl-C reaches a task as a signal that ends it on the spot; before, as KeyboardInterrupt. When
ansible itself is killed, versions before 2.19 leave the task's process behind: the kernel is asked to tell it.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1

# What signal.signal() takes and gives back.
Handler = Any


class Interrupted(BaseException):
    """The task was told to end."""

    def __init__(self, number: int) -> None:
        super().__init__("ended by signal %d" % number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raises Interrupted in the block for a signal, which is delivered again, as Ansible wants it, after the block."""

    def stop(number: int, _frame: object) -> NoReturn:
        # After Ctrl-C Ansible ends within moments, and of that the kernel tells as well: a second signal before the
        # clearing-up has begun would keep it from beginning.
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    _when_parent_dies(signal.SIGTERM)
    try:
        yield
    except Interrupted as interrupted:
        _restore(before)
        os.kill(os.getpid(), interrupted.number)
        raise
    finally:
        _when_parent_dies(0)
        _restore(before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Lets the block finish: a second Ctrl-C must not cut the clearing-up that the first one started."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


def _restore(before: Mapping[signal.Signals, Handler]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


def _when_parent_dies(number: int) -> None:
    """Asks for a signal then; 0 takes it back. Linux only, elsewhere nothing is asked."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    except (AttributeError, OSError):
        pass
