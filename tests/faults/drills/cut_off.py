"""Something ends in the middle of a join: the connection, the controller, a program, the machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time

from bed import LAB, ROOT, W, sh
from interrupted import HELD, begin, until

from . import Answer, Drill, case, fault, undone

IN_THE_MIDDLE = HELD["certificate"][3]
OVER = "! pgrep -x kubeadm && ! pgrep -f '[k]ubeadm_join_guarded -'"


def middle(drill: Drill) -> None:
    """Waits until kubeadm waits for the kubelet's certificate."""
    drill.expect("the join never came to its middle", until(IN_THE_MIDDLE, 60))


def answer_of(running: subprocess.Popen[str], seconds: float) -> Answer:
    """What a join in the background says at its end; nothing when it does not end."""
    try:
        said = running.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        running.kill()
        return {"msg": f"it did not end within {seconds} s"}
    found: Answer = json.loads(said) if said.startswith("{") else {"msg": said[:300]}
    return found


def cut(drill: Drill, script: str) -> Answer:
    """A join in whose middle the script runs on the node."""
    with fault(W, "slow-join", "6"):
        running = begin(drill.token())
        middle(drill)
        sh(W, script)
        answer = drill.timed(lambda: answer_of(running, 100))
    drill.said = str(answer.get("msg", ""))
    return answer


@case("kubeadm-killed", "SIGKILL for kubeadm in the middle of a join", "the join tries again and succeeds", 60)
def kubeadm_killed(drill: Drill) -> None:
    answer = cut(drill, "pkill -9 -x kubeadm")
    drill.joins(answer)
    drill.expect("it took one attempt only", len(answer.get("attempts", [])) > 1)


@case(
    "containerd-killed",
    "SIGKILL for containerd in the middle of a join",
    "systemd starts it anew, the join succeeds",
    60,
)
def containerd_killed(drill: Drill) -> None:
    drill.joins(cut(drill, "pkill -9 -x containerd"))


def boot(node: str) -> None:
    """Starts a node that is off, and waits until it has booted."""
    subprocess.run(["podman", "start", node], check=True, capture_output=True)
    end = time.monotonic() + 90
    while (
        "running" not in (state := sh(node, "systemctl is-system-running --wait || true")) and "degraded" not in state
    ):
        if time.monotonic() > end:
            raise RuntimeError(f"{node} has not booted: {state}")
        time.sleep(0.5)


def rebooted(drill: Drill, off: list[str]) -> None:
    with fault(W, "slow-join", "60"):
        running = begin(drill.token())
        middle(drill)
        subprocess.run(off, check=False, capture_output=True)
        subprocess.run(["podman", "wait", W], check=True, capture_output=True, timeout=90)
        running.communicate(timeout=30)
        boot(W)
    drill.joins(drill.join())


@case("power-cut", "the node is switched off in the middle of a join", "after the boot, the next join succeeds", 60)
def power_cut(drill: Drill) -> None:
    rebooted(drill, ["podman", "kill", W])


@case("rebooted", "systemctl reboot in the middle of a join", "after the boot, the next join succeeds", 60)
def rebooted_in_order(drill: Drill) -> None:
    rebooted(drill, ["podman", "exec", W, "systemctl", "reboot"])


# Every ssh session on the node, not the server itself.
NO_SESSION = "pkill -9 -f '^sshd: root'; true"


class Play:
    """./deploy.sh on the lab, in a session of its own. Its words go to a file: ssh's master process, which outlives it, would
    keep a pipe open."""

    def __init__(self, *words: str) -> None:
        self._file = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the play
        command = [f"{ROOT}/deploy.sh", *words, "--name", LAB]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._file, stderr=subprocess.STDOUT, start_new_session=True
        )

    def said(self) -> str:
        self._file.seek(0)
        return self._file.read()

    def __enter__(self) -> Play:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._file.close()


@case(
    "ssh-dropped",
    "every ssh connection is killed in the middle of ./deploy.sh join, and none can be made for 15 s",
    "the join goes on, the play finds it again and succeeds",
    120,
)
def ssh_dropped(drill: Drill) -> None:
    with fault(W, "slow-join", "25"), Play("join", "--limit", W) as play:
        middle(drill)
        with undone(W, "iptables -D INPUT -p tcp --dport 22 -j DROP"):
            sh(W, f"iptables -I INPUT -p tcp --dport 22 -j DROP; {NO_SESSION}")
            until("false", 15)
        status = drill.timed(lambda: play.process.wait(150))
        said = play.said()
    drill.expect("the play failed", status == 0, said[-1500:])
    rows = [line.split() for line in said.rsplit("RESULT", 1)[-1].splitlines()]
    row = next((row for row in rows if row and row[0] == W), [])
    drill.said = " ".join(row)
    drill.expect("it took more than one attempt", row[1:2] == ["joined"] and row[-1] == "1", drill.said)


@case(
    "controller-gone",
    "SIGKILL for ./deploy.sh join and all it started, in the middle of the join (kubejoin_reconnect_timeout=30)",
    "the node ends the join by itself and is left clean",
    60,
)
def controller_gone(drill: Drill) -> None:
    with fault(W, "slow-join", "120"):
        with Play("join", "--limit", W, "-e", "kubejoin_reconnect_timeout=30"):
            middle(drill)
        # ssh's master process has a session of its own, and would keep the connection.
        sh(W, NO_SESSION)
        over = drill.timed(lambda: until(OVER, 60))
    drill.expect("the join runs on without its controller", over)
    drill.expect("its directory is left", until("! ls -d /run/kubejoin-*", 5))
    drill.expect("the token's file is left", not sh(W, "ls /run/kubejoin/join.json 2>/dev/null || true"))
    drill.said = "ended by itself" if over else ""
