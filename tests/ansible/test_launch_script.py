"""A long module runs by itself: followed, ended, left alone and picked up, by the shells that targets have."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils import launch_script

from support.target import Target
from support.tree import PROBE

LIMIT = 30


@pytest.fixture
def job(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(launch_script, "JOB_PLACES", str(target.shared))
    monkeypatch.setattr(launch_script, "_FIND", launch_script._FIND.replace("/run /dev/shm /tmp", str(target.shared)))
    target.program = PROBE.read_bytes()
    target.cold()
    return Job(target, tmp_path / "note")


class Job:
    """One run of the probe as a job."""

    def __init__(self, target: Target, note: Path) -> None:
        self.target = target
        self.note = note
        self.run = uuid.uuid4().hex
        self.directory = target.shared / ("kubejoin-" + self.run)

    def start(self, limit: int = LIMIT, **options: object) -> list[str]:
        line = json.dumps({"note": str(self.note), **options}).encode() + b"\n"
        done = self.target.warm(line, launch_script.job(self.run, "aggressive_reset", limit))
        assert done.returncode == 0 and done.stderr == b"", done
        return done.stdout.decode().splitlines()

    def look(self, known: int = 0, seconds: int = 10) -> list[str]:
        done = self.target.run(launch_script.follow(self.run, known, LIMIT, seconds))
        return [line for line in done.stdout.decode().splitlines() if line.strip()]

    def words(self) -> list[str]:
        return [line.split()[0] for line in self.note.read_text().splitlines()] if self.note.exists() else []

    def processes(self) -> list[str]:
        wanted = b"KUBEJOIN_RUN=" + self.run.encode()
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if wanted in environ.read_bytes():
                    found.append(environ.parent.name)
            except OSError:
                continue
        return found


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not within %s s" % seconds
        time.sleep(0.05)


def phases(lines: list[str]) -> list[str]:
    return [json.loads(line)["phase"] for line in lines if line.startswith('{"seconds"')]


def test_one_that_turns_out_short_answers_at_once_and_leaves_nothing(job: Job) -> None:
    took = []
    for _ in range(4):
        job.run = uuid.uuid4().hex
        job.directory = job.target.shared / ("kubejoin-" + job.run)
        began = time.monotonic()
        lines = job.start(text="hello")
        took.append(time.monotonic() - began)
    # The shortest: what a busy machine adds to the others is not the script's doing.
    assert min(took) < 1.5
    assert lines[0] == "KUBEJOIN DONE 0" and json.loads(lines[1])["text"] == "hello", lines
    assert not job.directory.exists()


def test_phases_arrive_as_they_begin_and_the_answer_at_the_end(job: Job) -> None:
    lines = job.start(phases=["one", "two", "three"], seconds=1.5, text="done")
    assert phases(lines) == ["one", "two"] and lines[-1] == "KUBEJOIN RUNNING"
    lines = job.look(known=2)
    assert phases(lines) == ["three"] and lines[-1] == "KUBEJOIN RUNNING"
    lines = job.look(known=3)
    assert lines[0] == "KUBEJOIN DONE 0" and json.loads(lines[1])["text"] == "done"
    # An answer that got lost on the way can be asked for again.
    assert job.look(known=3) == lines
    job.target.run(launch_script.clear(job.run))
    assert not job.directory.exists() and job.words() == ["started", "finished"]
    assert job.look() == ["KUBEJOIN GONE"]


def test_the_job_is_a_session_of_its_own_and_its_directory_is_private(job: Job) -> None:
    job.start(phases=["one"], seconds=5)
    (process,) = job.processes()
    assert os.getsid(int(process)) == int(process) != os.getsid(0)
    assert oct(job.directory.stat().st_mode & 0o7777) == "0o700"
    command = Path("/proc", process, "cmdline").read_bytes().split(b"\0")
    assert command[1:3] == [b"aggressive_reset", b"-"]
    job.target.run(launch_script.end(job.run))


def test_a_start_that_is_repeated_starts_nothing_twice(job: Job) -> None:
    assert job.start(phases=["one"], seconds=4)[-1] == "KUBEJOIN RUNNING"
    assert job.start(phases=["one"], seconds=4)[-1] == "KUBEJOIN RUNNING"
    assert job.look(known=1)[0] == "KUBEJOIN DONE 0" and job.words() == ["started", "finished"]


def test_ending_lets_the_module_undo_and_leaves_nothing(job: Job) -> None:
    job.start(phases=["one"], seconds=30)
    job.target.run(launch_script.end(job.run))
    assert job.words() == ["started", "ended"] and not job.processes() and not job.directory.exists()


def test_one_that_nobody_asks_for_any_more_ends_by_itself(job: Job) -> None:
    job.start(limit=2, phases=["one"], seconds=30)
    until(lambda: not job.directory.exists())
    assert job.words() == ["started", "ended"] and not job.processes()


def test_an_answer_that_nobody_fetches_is_cleared_up(job: Job) -> None:
    job.start(limit=3, phases=["one"], seconds=2.5)
    until(lambda: job.words() == ["started", "finished"])
    until(lambda: not job.directory.exists())


def uptime() -> int:
    """In whole seconds, as the scripts count it."""
    return int(float(Path("/proc/uptime").read_text().split()[0]))


def test_a_follower_that_is_cut_off_shortens_the_lease(job: Job) -> None:
    job.start(phases=["one"], seconds=30)
    follower = job.target.start(launch_script.follow(job.run, 1, 120, 20))
    until((job.directory / "lease").exists)
    assert follower.stdout is not None
    before = uptime()
    follower.stdout.close()
    follower.wait(60)
    # The follower wrote when it asked last, moved back by all but the grace, on a busy machine some time ago.
    assert before <= int((job.directory / "lease").read_text()) + 120 - launch_script.GRACE <= uptime()
    job.target.run(launch_script.end(job.run))


def test_a_job_that_is_killed_reports_how(job: Job) -> None:
    assert job.start(die="SIGKILL")[0] == "KUBEJOIN DONE 137"
