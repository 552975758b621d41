"""tests/run and the list of tests that are known to fail: red is red, and a stage in which nothing was tested is red."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
YOUNG = (datetime.date.today() - datetime.timedelta(days=2)).isoformat()
OLD = (datetime.date.today() - datetime.timedelta(days=61)).isoformat()


def call(*words: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        words, cwd=CHECKOUT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("stage", "code", "closing"),
    [
        ("green() { echo '2 passed, 0 failed'; }", 0, "2 passed, 0 failed, 0 skipped"),
        ("red() { echo '3 passed, 1 failed'; false; }", 1, "3 passed, 1 failed, 0 skipped"),
        ("silent() { true; }", 1, "0 passed, 1 failed, 0 skipped"),
        ("dies() { echo '1 passed'; false; }", 1, "1 passed, 1 failed, 0 skipped"),
        ("lies() { echo '1 passed, 1 failed'; }", 1, "1 passed, 1 failed, 0 skipped"),
        ("skips() { echo 'SKIP no such kernel'; }", 0, "0 passed, 0 failed, 1 skipped"),
    ],
)
def test_a_stage_counts_what_it_tested(tmp_path: Path, stage: str, code: int, closing: str) -> None:
    stages = tmp_path / "stages"
    stages.write_text(stage + "\n")
    name = stage.partition("(")[0]
    assert call("tests/run", name, MORE_STAGES=str(stages))[0] == code
    assert call("tests/run", name, MORE_STAGES=str(stages))[1].splitlines()[-1] == closing


def entry(since: str = YOUNG, how: str = "pytest", name: str = "test_x.py::test_y", why: str = "the kernel") -> str:
    return "\t".join((since, how, name, why)) + "\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# nothing\n\n", ""),
        (entry() * 5, ""),
        (entry(how="cargo -p host --test mounts"), ""),
        (entry() * 6, "6 entries, and 5 is the most"),
        (entry(since=OLD), "nothing is for more than 60 days"),
        (entry(since="2026-02-30"), "'2026-02-30' is not a date"),
        (entry(since="soon"), "'soon' is not a date"),
        (entry(why=""), "has no reason"),
        (entry(how="make"), "does not say how its test is run"),
    ],
)
def test_the_list_of_known_failures_is_short_and_young(tmp_path: Path, text: str, complaint: str) -> None:
    listed = tmp_path / "quarantine"
    listed.write_text(text)
    code, said = call("tests/quarantined", "check", KUBEJOIN_QUARANTINE=str(listed))
    assert (code, complaint in said) == (1 if complaint else 0, True), said


def test_a_known_failure_is_left_out_of_its_suite_and_shown_on_its_own(tmp_path: Path) -> None:
    listed = tmp_path / "quarantine"
    listed.write_text(entry(how="cargo -p cri_api --test numbers", name="no_such_crate") + entry())
    assert call("tests/quarantined", "cargo", KUBEJOIN_QUARANTINE=str(listed)) == (0, "no_such_crate\n")
    assert call("tests/quarantined", "pytest", KUBEJOIN_QUARANTINE=str(listed)) == (0, "test_x.py::test_y\n")
