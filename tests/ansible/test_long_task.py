"""A long task is followed, survives a lost connection, and ends when the play does."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.controller import Controller, interrupted
from support.node import Node

NOTE = "/tmp/note"


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    """A deadline costs nothing when all is well, so it is one that a busy machine keeps, too."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not within %s s" % seconds
        time.sleep(0.1)


def begun(node: Node) -> bool:
    return node.words(NOTE) == ["started"]


def followed(node: Node) -> bool:
    """A long task has begun, and the controller follows it: it keeps the lease."""
    return node.words(NOTE) == ["started"] and bool(node.sh("cat /run/kubejoin-*/lease 2>/dev/null || true").strip())


def gone(node: Node) -> bool:
    """Nothing of a run is left: no process, no directory."""
    return "reset -" not in node.command_lines() and not node.sh("ls -d /run/kubejoin-* 2>/dev/null || true").strip()


def test_phases_are_shown_with_their_time_when_asked_for_and_not_without_a_terminal(controller: Controller) -> None:
    options = {"phases": ["load the config", "wait for the kubelet"], "seconds": 1.2}
    shown = controller.adhoc("aggressive_reset", options, "-e", "kubejoin_progress=true")
    lines = [line for line in shown.output.splitlines() if "|" in line][:2]
    assert [re.sub(r"\d:\d\d", "TIME", line) for line in lines] == [
        "here | aggressive_reset | TIME load the config",
        "here | aggressive_reset | TIME wait for the kubelet",
    ]
    assert "wait for" not in controller.adhoc("aggressive_reset", options).output.split("SUCCESS")[0]
    hidden = controller.play(
        "- {name: hidden, no_log: true, aggressive_reset: {phases: [covert], seconds: 2}}",
        "-e",
        "kubejoin_progress=true",
    )
    assert "covert" not in hidden.output


def test_phases_are_shown_on_a_terminal(controller: Controller) -> None:
    command = controller.command(
        "ansible", "here", "-m", "aggressive_reset", "-a", '{"phases": ["one"], "seconds": 2.2}'
    )
    quoted = " ".join("'%s'" % word for word in command)
    done = subprocess.run(
        ["script", "-qec", quoted, "/dev/null"], env=controller.environ(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert re.search(r"here \| aggressive_reset \| \d:\d\d one", done.stdout), done.stdout


def test_a_file_that_the_play_writes_to_keeps_what_is_in_it(controller: Controller, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = controller.command("ansible", "here", "-m", "aggressive_reset", "-a", '{"phases": ["one"]}')
    with log.open("w") as stream:
        stream.write("what came before\n")
        stream.flush()
        subprocess.run(
            command, env=controller.environ(), stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.DEVNULL,
            timeout=240, check=True,
        )  # fmt: skip
    assert log.read_text().startswith("what came before\nhere | ")


@pytest.mark.parametrize("module", ["probe", "aggressive_reset"])
def test_the_timeout_of_a_task_ends_the_remote_work(remote: Controller, node: Node, module: str) -> None:
    run = remote.play(
        "- {name: slow, timeout: 12, %s: {phases: [one], seconds: 60, note: %s}}" % (module, NOTE), hosts="node"
    )
    # By Ansible's own clock, of which a busy machine needs some before the task has begun.
    assert run["slow"].verdict == "failed" and "12" in str(run["slow"].result), run.output
    assert node.words(NOTE) == ["started", "ended"] and gone(node)


@pytest.mark.parametrize("module", ["probe", "aggressive_reset"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_remote_work(remote: Controller, node: Node, module: str, number: int) -> None:
    command = remote.command(
        "ansible", "node", "-m", module, "-a", '{"phases": ["one"], "seconds": 60, "note": "%s"}' % NOTE
    )
    process = subprocess.Popen(
        command, env=remote.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    until(lambda: followed(node) if module == "aggressive_reset" else begun(node))
    output = interrupted(process, number)
    until(lambda: node.words(NOTE) == ["started", "ended"] and gone(node))
    assert b"Traceback" not in output, output


def test_a_controller_that_vanishes_leaves_nothing_running(remote: Controller, node: Node) -> None:
    command = remote.command(
        "ansible", "node", "-m", "aggressive_reset", "-e", "kubejoin_reconnect_timeout=30",
        "-a", '{"phases": ["one"], "seconds": 90, "note": "%s"}' % NOTE,
    )  # fmt: skip
    process = subprocess.Popen(command, env=remote.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    until(lambda: followed(node))
    subprocess.run(["pkill", "-KILL", "-f", str(remote.work)], check=False)
    process.kill()
    process.wait()
    until(lambda: node.words(NOTE) == ["started", "ended"] and gone(node))


def test_a_network_that_is_gone_for_twenty_seconds_does_not_fail_the_task(remote: Controller, node: Node) -> None:
    options = {"phases": ["one", "two", "three"], "seconds": 8, "note": NOTE, "text": "arrived"}
    cutter = threading.Thread(target=lambda: (until(lambda: followed(node)), node.cut(20)))
    cutter.start()
    run = remote.adhoc("aggressive_reset", options, "-e", "kubejoin_progress=true", host="node")
    cutter.join()
    assert run.only.verdict == "ok" and run.only["text"] == "arrived", run.output
    assert [re.sub(r".* \d:\d\d ", "", line) for line in run.output.splitlines() if "| 0:" in line][-1] == "three"
    assert node.words(NOTE) == ["started", "finished"]
    until(lambda: gone(node))


def test_a_connection_that_dies_is_picked_up_without_starting_anything_twice(remote: Controller, node: Node) -> None:
    options = {"phases": ["one", "two"], "seconds": 12, "note": NOTE, "text": "arrived"}

    def kill() -> None:
        until(lambda: followed(node))
        for _ in range(2):
            until(lambda: "sshd: root" in node.command_lines())
            node.sh("pkill -KILL -f '^sshd: root' || true")

    killer = threading.Thread(target=kill)
    killer.start()
    run = remote.adhoc("aggressive_reset", options, "-e", "kubejoin_progress=true", host="node")
    killer.join()
    assert run.only.verdict == "ok" and run.only["text"] == "arrived", run.output
    assert "connection lost, the task goes on; trying again" in run.output
    assert node.words(NOTE) == ["started", "finished"]
    # The killed connection's own shell learns of its end a moment later.
    until(lambda: gone(node))


def test_a_target_that_restarts_meanwhile_is_said_so(remote: Controller, node: Node) -> None:
    def forget() -> None:
        until(lambda: followed(node))
        node.sh("rm -rf /run/kubejoin-*; pkill -KILL kubejoin; pkill -KILL -f '^sshd: root' || true")

    thread = threading.Thread(target=forget)
    thread.start()
    run = remote.adhoc("aggressive_reset", {"phases": ["one"], "seconds": 30, "note": NOTE}, host="node")
    thread.join()
    assert run.only.verdict == "unreachable" and "the task is not on the target" in run.only["msg"], run.output
