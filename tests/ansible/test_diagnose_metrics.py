"""The metrics go into a directory that may belong to their reader, who may be somebody else's: root follows nothing there."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import skip

TASKS = Path(__file__).resolve().parents[2] / "roles/diagnose/tasks/main.yml"
NOBODY = 65534


def command(directory: Path, text: str) -> str:
    """The task's own words, with its two variables filled in."""
    tasks = yaml.safe_load(TASKS.read_text())
    words = next(task["ansible.builtin.raw"] for task in tasks if "ansible.builtin.raw" in task)
    coded = base64.b64encode(text.encode()).decode()
    filled = words.replace("{{ diagnose_textfile_directory | quote }}", "'%s'" % directory)
    filled = filled.replace("{{ diagnose_seen.metrics | b64encode }}", coded)
    assert "{{" not in filled
    return filled


@pytest.fixture
def reachable() -> Iterator[Path]:
    """pytest's own directories are closed to other users."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


@pytest.mark.parametrize("planted", ["kubejoin.prom", "kubejoin.prom.new", "both"])
def test_a_link_planted_by_the_reader_is_replaced_and_not_written_through(reachable: Path, planted: str) -> None:
    if os.getuid() != 0:
        skip("planting a link as another user needs root")
    victim, directory = reachable / "victim", reachable / "textfile"
    victim.write_text("root's own")
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    for name in ["kubejoin.prom", "kubejoin.prom.new"] if planted == "both" else [planted]:
        subprocess.run(["ln", "-s", victim, directory / name], check=True, user=NOBODY)
    subprocess.run(["/bin/sh", "-c", command(directory, "kubejoin_up 1\n")], check=True)
    assert victim.read_text() == "root's own"
    assert (directory / "kubejoin.prom").read_text() == "kubejoin_up 1\n"
    assert not (directory / "kubejoin.prom").is_symlink()
    assert not [path for path in directory.iterdir() if path.name.startswith(".")]


def test_a_directory_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", command(tmp_path / "none", "x")], check=False, capture_output=True, cwd=tmp_path
    )
    assert done.returncode != 0
    assert not list(tmp_path.iterdir())
