"""A file system is full, has no inode left, or is read-only, at each place that is written to.

The place becomes a small file system of its own with the same content, which is then used up: what runs into it is the
write itself, as on a machine's own disk. Afterwards the place holds what it held, and no half of anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import bed
from bed import W, sh

from . import Answer, Drill, case, undone

FULL = "No space left on device"
READ_ONLY = "Read-only file system"
# What brings a place into a state, and the words of the kernel for it. What the place holds is copied first.
SMALL = """set -e; p={place}; mkdir -p $p; k=$(mktemp -d /tmp/drill.XXXXXX); cp -a $p/. $k/
mount -t tmpfs -o {options},mode=$(stat -c %a $p) small $p; cp -a $k/. $p/; rm -r $k
"""
STATES = {
    "full": (
        SMALL
        + "head -c 100m /dev/zero >$p/ballast 2>/dev/null || true; ! head -c 1 /dev/zero >$p/probe 2>/dev/null; rm -f $p/probe",
        "size={size}k",
        FULL,
    ),
    "no-inodes": (
        SMALL
        + "mkdir $p/ballast; i=0; while touch $p/ballast/$i 2>/dev/null; do i=$((i+1)); done; ! touch $p/probe 2>/dev/null",
        "nr_inodes={inodes}",
        FULL,
    ),
    "read-only": (
        "set -e; p={place}; mkdir -p $p; mount --bind $p $p; mount -o remount,bind,ro $p; ! touch $p/probe 2>/dev/null",
        "",
        READ_ONLY,
    ),
}


@contextlib.contextmanager
def used_up(drill: Drill, place: str, state: str) -> Iterator[None]:
    """The place in that state, while the block runs. Whatever is half written there in the end is a complaint."""
    script, options, _ = STATES[state]
    size, inodes = sh(W, f"mkdir -p {place}; du -sk {place} | cut -f 1; find {place} | wc -l").split()
    options = options.format(size=int(size) * 2 + 64, inodes=int(inodes) + 24)
    with undone(W, f"umount {place}"):
        sh(W, script.format(place=place, options=options))
        yield
        left = sh(W, f"find {place} -xdev -name '.*.kubejoin-*'").split()
        drill.expect("half a file is left", not left, left)


class Place(NamedTuple):
    """A place, and what writes to it first."""

    name: str
    path: str
    # What gets the module to write there, before the place is used up.
    before: str
    work: Callable[[Drill], Answer]
    # Whether what cannot be written there is a courtesy, without which the work is done all the same.
    courtesy: bool = False
    states: tuple[str, ...] = tuple(STATES)


def module(name: str, options: Answer) -> Callable[[Drill], Answer]:
    def run(drill: Drill) -> Answer:
        answer: Answer = drill.timed(lambda: bed.module(W, name, options))
        drill.said = str(answer.get("msg", ""))
        return answer

    return run


def join(drill: Drill) -> Answer:
    return drill.join(max_retries=0, timeout=60)


def reset(drill: Drill) -> Answer:
    return module("aggressive_reset", {"level": "gentle", "timeout": 60})(drill)


PLACES = [
    Place("cni", "/etc/cni/net.d", "rm -f /etc/cni/net.d/*", module("cni_placeholder", {"profile": "flannel"})),
    Place(
        "containerd",
        "/etc/containerd",
        "sed -i 's/SystemdCgroup = true/SystemdCgroup = false/' /etc/containerd/config.toml",
        module("containerd_prepare", {}),
    ),
    Place("gate", "/etc/systemd/system", "", join),
    Place("run", "/run/kubejoin", "", join),
    Place("kubernetes", "/etc/kubernetes", "", join),
    # Read-only would be in the way of nothing but kubeadm and the kubelet; full meets both of them and ours.
    Place("kubelet", "/var/lib/kubelet", "", join),
    Place("log", "/var/log/kubejoin", "", join, courtesy=True),
    # A reset that cannot write its journal there writes it elsewhere.
    Place("journal", "/var/lib/kubejoin", "mkdir -p /var/lib/kubelet/pki", reset, courtesy=True),
]


def fill(place: Place, state: str) -> Callable[[Drill], None]:
    def run(drill: Drill) -> None:
        sh(W, place.before or "true")
        with used_up(drill, place.path, state):
            answer = place.work(drill)
        said = drill.said
        if answer.get("failed"):
            drill.fails(answer, STATES[state][2], "disk is full", "no space", "read-only")
        else:
            drill.expect("it says that it succeeded", place.courtesy, answer.get("msg"))
        # Once there is space, the same work is done.
        again = place.work(drill)
        drill.expect("not done once there is space", not again.get("failed"), again.get("msg"))
        drill.said = said

    return run


for _place in PLACES:
    for _state in _place.states:
        case(
            f"{_state}-{_place.name}",
            f"{_place.path} is {_state.replace('no-inodes', 'without inodes')} while it is written to",
            "the work is done without it"
            if _place.courtesy
            else "one sentence names the cause, nothing is half written",
            75,
        )(fill(_place, _state))
