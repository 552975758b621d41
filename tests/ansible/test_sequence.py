"""Several modules in one round trip: what each step answers, where it stops, and that nothing of it is less than a task."""

from __future__ import annotations

import re
import signal
import subprocess
from typing import Any

import pytest
from test_long_task import NOTE, gone, until

from support.controller import Controller, interrupted
from support.node import Node

THREE = """
- name: three
  sequence:
    steps:
      - probe: {text: a}
      - name: the second
        vmstation.kubejoin.probe: {text: b, changed: true}
      - aggressive_reset: {text: c, value: 3}
"""


def said(result: Any, key: str) -> list[Any]:
    """What each step says."""
    return [step.get(key) for step in result["steps"]]


def test_steps_run_in_order_in_one_round_trip_with_a_result_each(controller: Controller) -> None:
    controller.play(THREE)
    run = controller.play(THREE, "-vvv")
    three = run["three"]
    assert run.remote_commands() == 1, run.output
    assert three.verdict == "ok" and three["changed"] is True and three["not_run"] == []
    assert said(three, "module") == ["probe", "probe", "aggressive_reset"] and said(three, "text") == ["a", "b", "c"]
    assert said(three, "name") == [None, "the second", None] and said(three, "changed") == [False, True, False]
    assert three["msg"].startswith("the second: ") and three["steps"][2]["value"] == 3
    assert len({step["argv"][0] for step in three["steps"]}) == 1 and three["steps"][0]["argv"][1:] == ["sequence", "-"]


def test_a_failure_in_the_middle_stops_it_and_reads_like_a_single_tasks(controller: Controller) -> None:
    tasks = """
    - name: stops
      sequence:
        steps:
          - probe: {text: a, changed: true}
          - probe: {fail: as asked}
          - probe: {text: never, note: %s}
      ignore_errors: true
    """
    never = controller.work / "never"
    stops = controller.play(tasks % never)["stops"]
    assert stops.verdict == "failed" and (stops["msg"], stops["failure_class"]) == ("as asked", "asked_for")
    assert stops["failed_step"] == "probe" and stops["not_run"] == ["probe"] and not never.exists()
    assert stops["changed"] is True and said(stops, "text") == ["a", None] and said(stops, "failed") == [None, True]


def test_wrong_steps_are_refused_before_the_first_is_run(controller: Controller) -> None:
    note = controller.work / "note"
    for steps, words in (
        ([], "option steps is empty"),
        (["probe"], "option steps"),
        ([{"probee": {}}], "did you mean probe?"),
        ([{"probe": {}, "when": "perhaps"}], 'when of probe is "perhaps": it must be true or false'),
        ([{"probe": {}, "aggressive_reset": {}}], "a step is one module"),
        ([{"name": "nothing"}], "step 1: it names no module"),
        ([{"probe": [1]}], "what probe is given must be a dictionary of its options"),
        ([{"probe": {"txt": "x"}}], "step 1 (probe): Unsupported parameters"),
        ([{"aggressive_reset": {"seconds": "long"}}], "step 1 (aggressive_reset): option seconds"),
        ([{"sequence": {"steps": []}}], "is neither a module of this collection"),
    ):
        asked = {"steps": [{"probe": {"note": str(note)}}, *steps]} if steps else {"steps": steps}
        run = controller.adhoc("sequence", asked).only
        right = re.sub("step 1", "step 2", words)
        assert run.verdict == "failed" and right in run["msg"], run["msg"]
    assert not note.exists()


def test_check_mode_and_diff_are_those_of_the_steps(controller: Controller) -> None:
    tasks = """
    - name: all of it
      sequence:
        steps:
          - probe: {changed: true}
          - {name: only a look, probe: {changed: true}, check_mode: true}
          - probe: {text: c}
    - name: only looks
      sequence:
        steps:
          - {probe: {changed: true}, check_mode: "{{ 1 == 1 }}"}
    """
    real = controller.play(tasks, "--diff")
    assert said(real["all of it"], "check") == [False, True, False]
    assert real["only looks"]["changed"] is False and real["only looks"]["steps"][0]["changed"] is True
    # Ansible shows the differences of a task that has changed something.
    assert len(real["all of it"]["diff"]) == 3 and real.output.count("-old\n+new") == 3, real.output
    assert len(real["only looks"]["diff"]) == 1
    checked = controller.play(tasks, "--check")
    assert said(checked["all of it"], "check") == [True] * 3 and checked["only looks"]["changed"] is True
    assert "diff" not in checked["all of it"].result


def test_a_secret_of_one_step_is_masked_in_all_and_a_hidden_step_says_nothing(controller: Controller) -> None:
    tasks = """
    - name: masked
      sequence:
        steps:
          - probe: {text: "it was {{ lookup('env', 'SESAME') }}"}
          - probe: {secret: "{{ lookup('env', 'SESAME') }}", text: "x{{ lookup('env', 'SESAME') }}x"}
          - {probe: {text: "{{ lookup('env', 'COVERT') }}", phases: ["{{ lookup('env', 'COVERT') }}"]}, no_log: true}
    - name: refused
      sequence:
        steps: [{probe: {secret: "{{ lookup('env', 'SESAME') }}"}}, {probe: {seconds: "{{ lookup('env', 'SESAME') }}"}}]
      ignore_errors: true
    - name: hidden and failed
      sequence:
        steps:
          - probe: {text: "{{ lookup('env', 'COVERT') }}", value: "{{ lookup('env', 'COVERT') }}", fail: the reason}
            no_log: true
      ignore_errors: true
    - name: all hidden
      sequence:
        steps: [{probe: {text: "{{ lookup('env', 'COVERT') }}"}}]
      no_log: true
    """
    more = {"ANSIBLE_INJECT_INVOCATION": "1", "SESAME": "hushhush-1", "COVERT": "covert"}
    run = controller.play(tasks, "-vvv", "--diff", "-e", "kubejoin_progress=true", **more)
    assert "hushhush-1" not in run.output and "covert" not in run.output, run.output
    masked = run["masked"]
    assert said(masked, "text") == ["it was ********", "x********x", None]
    assert masked["steps"][2]["censored"] and len(masked["diff"]) == 2
    assert run["hidden and failed"]["msg"] == "the reason" and run["hidden and failed"].verdict == "failed"


def test_tags_and_conditions_choose_steps_as_they_choose_tasks(controller: Controller) -> None:
    tasks = """
    - name: tagged
      tags: [cni, containerd, mine]
      vars: {wanted: false}
      sequence:
        steps:
          - {probe: {text: cni}, tags: cni}
          - {probe: {text: containerd}, tags: [containerd]}
          - {probe: {text: never}, when: "{{ wanted }}"}
          - {probe: {text: both}}
    """

    def ran(*arguments: str) -> list[Any]:
        return [text for text in said(controller.play(tasks, *arguments)["tagged"], "text") if text]

    assert ran() == ["cni", "containerd", "both"]
    assert ran("--tags", "cni") == ["cni", "both"]
    assert ran("--tags", "mine") == ["cni", "containerd", "both"]
    skipped = controller.play("- {name: none, sequence: {steps: [{probe: {nonsense: 1}, when: false}]}}")["none"]
    assert skipped.verdict == "skipped" and skipped["steps"][0]["skipped"] is True


def test_module_defaults_reach_the_steps(controller: Controller) -> None:
    keywords = "module_defaults:\n  vmstation.kubejoin.probe: {text: '{{ 1 + 1 }}', value: default}\n"
    tasks = "- {name: defaults, sequence: {steps: [{probe: {value: given}}, {probe: }, {aggressive_reset: {}}]}}"
    defaults = controller.play(tasks, keywords=keywords)["defaults"]
    assert said(defaults, "text") == ["2", "2", None] and said(defaults, "value") == ["given", "default", None]


def test_phases_are_followed_and_say_which_step_it_is(controller: Controller) -> None:
    steps = [
        {"probe": {"phases": ["one"], "seconds": 0.1}},
        {"name": "last", "aggressive_reset": {"phases": ["two"], "seconds": 2.5}},
    ]
    run = controller.adhoc("sequence", {"steps": steps}, "-e", "kubejoin_progress=true")
    lines = [
        re.sub(r"\d:\d\d", "TIME", line) for line in run.output.splitlines() if line.startswith("here | sequence |")
    ]
    assert lines == ["here | sequence | TIME probe: one", "here | sequence | TIME last: two"], run.output


SLOW = [{"probe": {"text": "before", "changed": True}}, {"aggressive_reset": {"phases": ["one"], "seconds": 60, "note": NOTE}},
        {"probe": {"note": NOTE}}]  # fmt: skip


def test_the_timeout_of_a_task_ends_the_step_that_runs_and_no_other_begins(remote: Controller, node: Node) -> None:
    run = remote.play("- {name: slow, timeout: 12, sequence: {steps: %s}}" % SLOW, hosts="node")
    assert run["slow"].verdict == "failed" and "12" in str(run["slow"].result), run.output
    assert node.words(NOTE) == ["started", "ended"] and not node.sh("ls -d /run/kubejoin-* 2>/dev/null || true").strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_step_that_runs_and_no_other_begins(remote: Controller, node: Node, number: int) -> None:
    playbook = remote.work / "slow.yml"
    playbook.write_text("- hosts: node\n  gather_facts: false\n  tasks:\n    - sequence: {steps: %s}\n" % SLOW)
    process = subprocess.Popen(
        remote.command("ansible-playbook", str(playbook)), env=remote.environ(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    until(lambda: node.words(NOTE) == ["started"])
    output = interrupted(process, number)
    until(lambda: node.words(NOTE) == ["started", "ended"] and gone(node))
    assert b"Traceback" not in output, output
