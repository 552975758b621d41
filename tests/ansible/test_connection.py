"""Connections that give a command no standard input: the input goes in a file that is gone afterwards."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from support.controller import Controller

TASKS = """
- name: cold
  probe: {text: one, environment: [A, HOME]}
  environment: {A: "it's"}
- name: warm
  probe: {text: two}
- name: long
  aggressive_reset: {phases: [a, b], seconds: 1.5, text: three}
- name: killed
  probe: {die: SIGKILL}
  ignore_errors: true
"""


def test_a_connection_without_stdin(controller: Controller) -> None:
    controller.inventory.write_text("here ansible_connection=nostdin\n")
    run = controller.play(TASKS, "-vvv", "-e", "kubejoin_progress=true")
    assert run.rc == 0, run.output
    assert [run[name]["text"] for name in ("cold", "warm", "long")] == ["one", "two", "three"]
    assert run["cold"]["environment"] == {"A": "it's", "HOME": str(controller.home)}
    assert run["killed"]["rc"] == 137 and "signal 9" in run["killed"]["msg"]
    assert re.search(r"here \| aggressive_reset \| \d:\d\d b", run.output), run.output
    assert list((controller.home / ".ansible/tmp").iterdir()) == []


def test_programs_of_a_release_are_used_from_where_they_were_unpacked(controller: Controller, tmp_path: Path) -> None:
    """As the collection lays them out, and as an archive for one architecture does."""
    for place in ("x86_64/kubejoin", "kubejoin"):
        brought = tmp_path / place.replace("/", "-")
        (brought / place).parent.mkdir(parents=True)
        shutil.copy(controller.tree.binary(), brought / place)
        run = controller.adhoc("probe", "text=arrived", KUBEJOIN_BINARIES=str(brought))
        assert run.only["text"] == "arrived", run.output
    empty = controller.adhoc("probe", "text=arrived", KUBEJOIN_BINARIES=str(tmp_path / "nothing"))
    assert "carries no program in %s/nothing" % tmp_path in empty.only["msg"], empty.output
