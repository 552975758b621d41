"""The cases of the fault drill, one file for each kind of trouble. ../drill.py runs them and writes the page."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import bed

Answer = dict[str, Any]
T = TypeVar("T")


class Skip(Exception):
    """What this machine cannot do, in one sentence."""


class Case(NamedTuple):
    """One trouble."""

    name: str
    trouble: str
    holds: str
    # Seconds that what is under test may take, measured around it alone.
    most: float
    run: Callable[[Drill], None]


CASES: list[Case] = []


def case(name: str, trouble: str, holds: str, most: float) -> Callable[[Callable[[Drill], None]], None]:
    """Puts a function into the table."""

    def add(run: Callable[[Drill], None]) -> None:
        CASES.append(Case(name, trouble, holds, most, run))

    return add


class Drill:
    """A case that is being run: what was wrong, what was said, how long what is under test took."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.said = ""
        self.seconds = 0.0
        self.secrets: list[str] = []

    def expect(self, what: str, good: object, shown: object = "") -> None:
        """Notes a complaint when it is not so."""
        if not good:
            self.wrong.append(f"{what}: {shown}" if shown != "" else what)

    def timed(self, call: Callable[[], T]) -> T:
        """Runs what is under test; the longest of several counts."""
        began = time.monotonic()
        try:
            return call()
        finally:
            self.seconds = max(self.seconds, time.monotonic() - began)

    def token(self) -> Answer:
        """Parameters of a join, whose token is looked for afterwards."""
        join: Answer = bed.token()
        self.secrets.append(join["token"])
        return join

    def join(self, **options: object) -> Answer:
        """A join under test, told by its own sentence."""
        answer: Answer = self.timed(lambda: bed.module(bed.W, "kubeadm_join_guarded", {**self.token(), **options}))
        self.said = str(answer.get("msg", ""))
        return answer

    def joins(self, answer: Answer) -> None:
        """The join has succeeded."""
        self.expect("it has not joined", answer.get("joined"), answer.get("msg"))

    def fails(self, answer: Answer, *words: str) -> None:
        """The module has failed, in one sentence that has one of these words in it."""
        message = str(answer.get("msg", ""))
        self.expect("it does not say that it failed", answer.get("failed"), message)
        self.expect(f"none of {words} is in what it says", any(word in message for word in words), message)
        self.expect("it says more than a sentence", "\n" not in message and len(message) < 700, message)


@contextlib.contextmanager
def fault(node: str, name: str, parameter: str = "") -> Iterator[None]:
    """One of the stand-ins' faults, while the block runs."""
    bed.fault(node, name, parameter)
    try:
        yield
    finally:
        bed.sh(node, f"rm -f {bed.FAULTS}/{name}")


@contextlib.contextmanager
def undone(node: str, script: str) -> Iterator[None]:
    """Runs the script on the node after the block, whatever came of that."""
    try:
        yield
    finally:
        bed.sh(node, f"{script}; true")
