# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gets the program to where the task runs, once per target, user and version, and runs a script there.

Warm is one command: the options go in, the answer comes out. Cold is two: the first says MISS and which machine it
is, the second brings the program along. Where a place turns out to be full the next one is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

from . import binaries, target_script
from .answer import Refusal, Reply
from .channel import Channel
from .target_script import CUT, MARK, MISS, NO_ROOM, NOWHERE

display = Display()


class Delivery:
    """The way to the program on one target."""

    def __init__(self, channel: Channel, host: str, cache: str | None, remote_tmp: str | None) -> None:
        self._channel = channel
        self._host = host
        self._cache = cache
        self._remote_tmp = remote_tmp

    def run(self, run: str, options: bytes, environment: bytes | None) -> Reply:
        """Runs the shell text ``run`` where the program is; ``options`` and ``environment`` are one line each."""
        carried = binaries.carried()
        read = target_script.read_lines(environment is not None)
        lines = (b"" if environment is None else environment + b"\n") + options + b"\n"
        reply = self._channel.run(target_script.warm(carried, self._places(), read, run), lines)
        miss = _said(reply, MISS, "MISS")
        if miss is None:
            return _complete(reply)
        binary = binaries.for_machine(carried, miss)
        display.vv("sending %s (%d bytes, %s)" % (binary.file_name, binary.size, binary.arch), host=self._host)
        payload = lines + binary.read()
        skip = 0
        while True:
            script = target_script.cold(carried, binary, self._places(skip), read, run)
            reply = self._channel.run(script, payload)
            full = _said(reply, NO_ROOM, "NO_ROOM")
            if full is None:
                break
            number, place = full.split(" ", 1)
            display.vv("no room for %d bytes in %s" % (binary.size, place), host=self._host)
            skip = int(number)
        reasons = _said(reply, NOWHERE, "NOWHERE")
        if reasons is not None:
            raise Refusal(
                "no directory on the target can take the program (%d kB): %s; set kubejoin_cache_dir to one that can"
                % (binary.size // 1024 + 1, reasons.rstrip(", ") or "every one is full")
            )
        return _complete(reply)

    def _places(self, skip: int = 0) -> str:
        return target_script.places(self._cache, self._remote_tmp, skip)


def environment_line(environment: Mapping[str, Any]) -> bytes | None:
    """The task's `environment:` as one line of assignments in front of a command; None when there is none.

    It travels on standard input, unlike a builtin module's: a proxy's password is nobody's business.
    """
    words = []
    for name, value in environment.items():
        if not name.isidentifier() or not name.isascii():
            raise Refusal("environment: %r cannot be the name of a variable" % name)
        # N is a line end: the line itself must stay one.
        words.append("%s=%s" % (name, _quote(str(value)).replace("\n", "'\"$N\"'")))
    return " ".join(words).encode("utf-8", "surrogateescape") if words else None


def _quote(text: str) -> str:
    return "'%s'" % text.replace("'", "'\"'\"'")


def _said(reply: Reply, rc: int, word: str) -> str | None:
    """What a script's own line says after ``word``; None when the exit status or the line is another."""
    if reply.rc != rc:
        return None
    for line in reply.stdout.splitlines():
        if line.startswith("%s %s" % (MARK, word)):
            return line[len(MARK) + len(word) + 2 :].strip()
    return None


def _complete(reply: Reply) -> Reply:
    if _said(reply, CUT, "CUT") is not None:
        raise AnsibleConnectionFailure(
            "the connection broke before the task had arrived on the target; nothing was started"
        )
    return reply
