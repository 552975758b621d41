"""The control plane is slow, comes and goes, forgets a token, or lives in another hour."""

from __future__ import annotations

from bed import ADMIN, CP, W, sh
from interrupted import begin

from . import Drill, Skip, case, fault
from .cut_off import answer_of, middle
from .relay import relayed


@case(
    "api-slow",
    "each piece of data between the node and the API server is held back for 0.5 s, both ways",
    "the join succeeds",
    120,
)
def api_slow(drill: Drill) -> None:
    with relayed(delay=0.5):
        drill.joins(drill.join())


@case(
    "api-flaps",
    "the API server is reached for 4 s, then for 3 s not, all the time; what is open is broken off",
    "the join succeeds",
    180,
)
def api_flaps(drill: Drill) -> None:
    with relayed(up=4, down=3), fault(W, "slow-join", "5"):
        drill.joins(drill.join())


@case(
    "token-gone",
    "the token goes in the middle of the join, as when it expires, before the kubelet has a certificate",
    "the join fails, asks for a fresh token (next_action), and leaves nothing; with a fresh one it succeeds",
    150,
)
def token_gone(drill: Drill) -> None:
    join = drill.token()
    join.update(timeout=100, max_retries=2)
    with fault(W, "slow-join", "5"):
        running = begin(join)
        middle(drill)
        sh(CP, f"kubeadm token delete {join['token'][:6]} --kubeconfig {ADMIN}")
        answer = drill.timed(lambda: answer_of(running, 140))
    drill.said = str(answer.get("msg", ""))
    drill.expect("it has joined without a token", not answer.get("joined"))
    drill.expect("next_action", answer.get("next_action") == "refresh_token", answer.get("next_action"))


@case(
    "clock-jumps",
    "the API server's clock jumps ahead by two hours in the middle of the join",
    "the join succeeds, its deadlines are not the clock's",
    90,
)
def clock_jumps(drill: Drill) -> None:
    with fault(W, "slow-join", "5"):
        running = begin(drill.token())
        middle(drill)
        with fault(CP, "server-clock", "7200"):
            answer = drill.timed(lambda: answer_of(running, 90))
    drill.said = str(answer.get("msg", ""))
    drill.joins(answer)


@case(
    "own-clock-jumps",
    "the node's own clock jumps by an hour in the middle of the join",
    "the join succeeds, its deadlines are not the clock's",
    90,
)
def own_clock_jumps(_drill: Drill) -> None:
    raise Skip("the nodes share this machine's clock, and it is not ours to set")
