"""Several at once: two controllers on one node, and ten workers of which three fail, each differently."""

from __future__ import annotations

import bed
import fleet
from bed import LAB, W, lab, module, sh
from interrupted import begin

from . import Answer, Drill, case, fault
from .cut_off import answer_of, middle

LOCKED = "another join or init is running on this node"


def meanwhile(drill: Drill, name: str, options: Answer, words: str) -> None:
    """A second task on a node that is being joined is refused at once, and the first one is not disturbed."""
    with fault(W, "slow-join", "8"):
        running = begin(drill.token())
        middle(drill)
        second = drill.timed(lambda: module(W, name, options))
        first = answer_of(running, 90)
    drill.said = str(second.get("msg", ""))
    drill.fails(second, words)
    drill.expect("the second took long", drill.seconds < 5, drill.seconds)
    drill.joins(first)


@case(
    "join-and-join", "a second controller joins a node that is being joined", "refused at once; the first joins it", 5
)
def join_and_join(drill: Drill) -> None:
    meanwhile(drill, "kubeadm_join_guarded", drill.token(), LOCKED)


@case(
    "join-and-reset", "a second controller resets a node that is being joined", "refused at once; the first joins it", 5
)
def join_and_reset(drill: Drill) -> None:
    meanwhile(drill, "aggressive_reset", {"level": "aggressive"}, LOCKED)


@case("reset-and-join", "a second controller joins a node that is being reset", "refused; the reset is done", 20)
def reset_and_join(drill: Drill) -> None:
    drill.joins(drill.join())
    drill.seconds = 0
    # A reset that is held: it waits for containerd to remove pods, and containerd says nothing.
    sh(W, "kill -STOP $(pidof containerd)")
    try:
        sh(
            W,
            "/root/kubejoin aggressive_reset - <<'E' >/run/reset.answer 2>&1 &\n"
            '{"level": "gentle", "timeout": 60}\nE',
        )
        stopped = "timeout 20 sh -c 'while systemctl is-active kubelet >/dev/null; do sleep 0.1; done' && echo yes"
        drill.expect("the reset does not begin", sh(W, stopped))
        second = drill.timed(lambda: module(W, "kubeadm_join_guarded", drill.token()))
    finally:
        sh(W, "kill -CONT $(pidof containerd)")
    drill.said = str(second.get("msg", ""))
    drill.fails(second, "running on this node")
    done = sh(W, "timeout 60 sh -c 'until grep -q } /run/reset.answer; do sleep 0.2; done'; cat /run/reset.answer")
    drill.expect("the reset has failed", '"failed"' not in done, done)


@case(
    "ten-at-once",
    "./deploy.sh cluster with ten workers: a program is missing on one, one has swap on, one clock is behind",
    "seven join, three fail with a class each; mended, these join as well and the seven are left alone",
    600,
)
def ten_at_once(drill: Drill) -> None:
    lab("up", "--workers", "10")
    workers = [f"{LAB}-w{number}" for number in range(1, 11)]
    for node in workers[1:]:
        sh(node, f"mkdir -p {bed.FAULTS}")
    before = len(fleet.failed)
    drill.timed(lambda: (fleet.many_at_once(workers), fleet.once_mended(workers)))
    drill.wrong += fleet.failed[before:]
    drill.said = f"{len(fleet.passed)} checks of fleet.py"
