# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user sets: the task's options as one line of JSON, and the variables that steer this plugin."""

from __future__ import annotations

import datetime
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from .answer import Refusal

RECONNECT = 120  # seconds for which a long task may be out of reach
SHORTEST = 30  # below this one slow look would already be the end


@dataclass(frozen=True)
class Settings:
    """The variables named ``kubejoin_*``, checked."""

    cache_dir: str | None
    reconnect_timeout: int
    progress: bool | None

    @classmethod
    def read(cls, variables: Mapping[str, Any], templar: Any) -> Settings:
        """Reads them from a task's variables."""

        def value(name: str) -> Any:
            given = variables.get("kubejoin_" + name)
            return None if given is None else templar.template(given)

        return cls(_directory(value("cache_dir")), _limit(value("reconnect_timeout")), _flag(value("progress")))

    def quiet(self, no_log: bool) -> bool:
        """Whether phases are not shown: by wish, for a secret's sake, or because nobody is watching."""
        if no_log:
            return True
        return not (_watched() if self.progress is None else self.progress)


def encode(options: Mapping[str, Any]) -> bytes:
    """One line of ASCII. Vault values, dates and Ansible's own kinds of text and number become what they stand for."""
    try:
        return json.dumps(options, default=_plain, allow_nan=False).encode("ascii")
    except (ValueError, RecursionError) as error:
        raise Refusal("an option cannot be written as JSON, which has no infinity and no loops: %s" % error) from None


def _plain(value: object) -> object:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (Sequence, set, frozenset)) and not hasattr(value, "vault"):
        return list(value)
    return str(value)  # a vault value decrypts itself here


def _directory(value: object) -> str | None:
    if value is None or value == "":
        return None
    path = str(value)
    if not path.startswith(("/", "~/")):
        raise Refusal("kubejoin_cache_dir is %r; it must be an absolute path or begin with ~/" % path)
    return path.rstrip("/")


def _limit(value: object) -> int:
    if value is None:
        return RECONNECT
    try:
        seconds = int(str(value))
    except ValueError:
        seconds = 0
    if seconds < SHORTEST:
        raise Refusal("kubejoin_reconnect_timeout is %r; it must be a number of seconds from %d on" % (value, SHORTEST))
    return seconds


def _flag(value: object) -> bool | None:
    if value is None:
        return None
    try:
        return bool(boolean(value))
    except TypeError:
        raise Refusal("kubejoin_progress is %r; it must be true or false" % (value,)) from None


def _watched() -> bool:
    """Whether the play writes to a terminal. A task's own output is closed since ansible-core 2.19, so ask its parent's."""
    if os.environ.get("CI"):
        return False
    for path in ("/proc/%d/fd/1" % os.getppid(), "/dev/fd/1"):
        try:
            # A file that the play writes to would be cut off by opening it to write.
            if not stat.S_ISCHR(os.stat(path).st_mode):
                return False
            terminal = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            return os.isatty(terminal)
        finally:
            os.close(terminal)
    return False
