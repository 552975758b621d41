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
    drill.expect("the second took long", drill.seconds < 10, drill.seconds)
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


# A reset that is held by a signal as soon as it holds its lock.
HELD_RESET = """
{ echo '{"level": "gentle", "timeout": 60}' | /root/kubejoin aggressive_reset -; } >/run/reset.answer 2>&1 &
timeout 20 sh -c 'while flock -n /run/kubejoin/lock true; do :; done'
pkill -STOP -f '^/root/kubejoin aggressive_reset'
"""


@case(
    "reset-and-join", "a second controller joins a node that is being reset", "refused at once; the reset is done", 10
)
def reset_and_join(drill: Drill) -> None:
    sh(W, "mkdir -p /run/kubejoin /var/lib/kubelet/pki; echo >/var/lib/kubelet/pki/old")
    join = drill.token()
    try:
        sh(W, HELD_RESET)
        second = drill.timed(lambda: module(W, "kubeadm_join_guarded", join))
    finally:
        sh(W, "pkill -CONT -f '^/root/kubejoin aggressive_reset'; true")
    drill.said = str(second.get("msg", ""))
    drill.fails(second, LOCKED)
    done = sh(W, "timeout 60 sh -c 'until grep -q } /run/reset.answer; do sleep 0.2; done'; cat /run/reset.answer")
    drill.expect("the reset has failed", '"failed"' not in done and '"msg"' in done, done)
    drill.expect("the reset has not done its work", not sh(W, "ls /var/lib/kubelet/pki/old 2>/dev/null || true"))


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
