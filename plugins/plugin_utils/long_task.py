# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follows a module that runs by itself on the target: phases as they begin, lost connections picked up again.

The job is started once and only once. From then on each look is a command of its own, which waits on the target for
news; one that fails or does not come back is repeated on a new connection until the limit is over. After the same
limit the target ends the job by itself, so that both sides agree when nobody is there any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import NamedTuple

from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

from . import launch_script
from .answer import Reply
from .channel import Channel, Overdue
from .launch_script import GONE
from .target_script import MARK

LOOK = 10  # seconds that one look waits for news
SLACK = 15  # seconds more before it counts as lost
PAUSES = (0.5, 1, 2, 4)  # seconds between attempts to reach the target again; the last repeats
STILL = 30.0  # seconds of silence after which the phase is shown again

NOT_THERE = "the task is not on the target: it was never started, or the target restarted"

display = Display()


class News(NamedTuple):
    """What one look found: the new phases, and the module's end if it has come."""

    phases: list[tuple[float, str]]
    end: Reply | None


class Progress:
    """Shows phases with the time since the start, one line each."""

    def __init__(self, host: str, module: str, quiet: bool) -> None:
        self._label = "%s | %s" % (host, module)
        self._quiet = quiet
        self._started = time.monotonic()
        self._shown = self._started
        self._phase = "running"

    def tell(self, news: News) -> None:
        """Shows what is new, and at times that the last phase still lasts."""
        for seconds, self._phase in news.phases:
            self._show(seconds, self._phase)
        now = time.monotonic()
        if news.end is None and now - self._shown >= STILL:
            self._show(now - self._started, "still: " + self._phase)

    def lost(self, why: str) -> None:
        """Shows that the connection is gone, for the moment."""
        self._show(time.monotonic() - self._started, "connection lost, the task goes on; trying again (%s)" % why)

    def _show(self, seconds: float, text: str) -> None:
        self._shown = time.monotonic()
        if not self._quiet:
            display.display("%s | %d:%02d %s" % (self._label, seconds // 60, seconds % 60, text))


class LongTask:
    """One job on one target, from its first look to its answer."""

    def __init__(self, channel: Channel, run: str, limit: int, progress: Progress) -> None:
        self._channel = channel
        self._run = run
        self._limit = limit
        self._progress = progress
        self._known = 0

    def wait(self, start: Callable[[], Reply]) -> Reply:
        """Starts the job and gives the module's own reply, once it has ended."""
        try:
            started = start()
            news = self._read(started)
        except AnsibleConnectionFailure as error:
            news = self._started(error)
        else:
            if news is None:
                return started  # it could not be made a job: this is its answer
            if news.end is not None:
                return news.end
        while news.end is None:
            news = self._look()
        try:
            self._channel.run(launch_script.clear(self._run), seconds=SLACK)
        except (AnsibleConnectionFailure, Overdue):
            pass  # the target clears up by itself
        return news.end

    def _started(self, error: AnsibleConnectionFailure) -> News:
        """The job, if it is there although the command that starts it has failed; one look, no more."""
        try:
            reply = self._channel.run(self._follow(), seconds=LOOK + SLACK)
        except (AnsibleConnectionFailure, Overdue):
            raise error from None
        news = self._read(reply)
        if news is None and reply.rc == GONE:
            raise AnsibleConnectionFailure("%s (%s)" % (NOT_THERE, error)) from None
        if news is None:
            raise error
        return news

    def _follow(self) -> str:
        return launch_script.follow(self._run, self._known, self._limit, LOOK)

    def _look(self) -> News:
        since = time.monotonic()
        attempt = 0
        while True:
            try:
                reply = self._channel.run(self._follow(), seconds=LOOK + SLACK)
            except (AnsibleConnectionFailure, Overdue) as error:
                if time.monotonic() - since > self._limit:
                    raise AnsibleConnectionFailure(
                        "the connection was lost while the task ran, and could not be had again for %d seconds: %s"
                        % (self._limit, error)
                    ) from None
                if attempt == 0:
                    self._progress.lost(str(error).strip().splitlines()[-1])
                time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
                attempt += 1
                self._reset()
                continue
            news = self._read(reply)
            if news is not None:
                return news
            if reply.rc == GONE:
                raise AnsibleConnectionFailure(NOT_THERE)
            return News([], reply)

    def _reset(self) -> None:
        try:
            self._channel.reset()
        except Exception as error:  # whatever a connection plugin may raise: the next command will tell
            display.vvv("resetting the connection: %s" % error)

    def _read(self, reply: Reply) -> News | None:
        """Takes apart what `show` printed; None when it printed nothing."""
        lines = reply.stdout.splitlines()
        state = next((i for i, line in enumerate(lines) if line.startswith((MARK + " RUNNING", MARK + " DONE"))), None)
        if state is None:
            return None
        phases = [line for line in lines[:state] if line.strip()]
        self._known += len(phases)
        news = [phase for phase in map(_phase, phases) if phase]
        end = None
        if "DONE" in lines[state]:
            split = lines.index(MARK + " STDERR")
            out, err = lines[state + 1 : split], lines[split + 1 :]
            end = Reply(int(lines[state].split()[-1]), "\n".join(out), "\n".join(err))
        self._progress.tell(News(news, end))
        return News(news, end)


def _phase(line: str) -> tuple[float, str] | None:
    try:
        said = json.loads(line)
        return float(said["seconds"]), str(said["phase"])
    except (ValueError, KeyError, TypeError):
        return None
