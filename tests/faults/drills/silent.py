"""Something is there and says nothing: containerd, systemd, D-Bus. And something says too much: kubeadm."""

from __future__ import annotations

import json
import subprocess

from bed import W, module, sh

from . import Drill, case, undone
from .cut_off import cut

STOP = "kill -STOP $(pidof containerd)"
GO = "kill -CONT $(pidof containerd)"


@case(
    "containerd-hung",
    "containerd is stopped by a signal before the join: its socket accepts and never answers",
    "the join has it started anew and succeeds",
    90,
)
def containerd_hung(drill: Drill) -> None:
    with undone(W, GO):
        sh(W, STOP)
        answer = drill.join()
    drill.joins(answer)


@case(
    "containerd-hangs",
    "the same in the middle of the join",
    "the join has it started anew and succeeds",
    120,
)
def containerd_hangs(drill: Drill) -> None:
    with undone(W, GO):
        drill.joins(cut(drill, STOP))


@case(
    "containerd-hung-prepared",
    "the same, for containerd_prepare with timeout 30",
    "containerd is started anew, or one sentence says that it does not answer",
    45,
)
def containerd_hung_prepared(drill: Drill) -> None:
    with undone(W, GO):
        sh(W, STOP)
        answer = drill.timed(lambda: module(W, "containerd_prepare", {"timeout": 30}))
    drill.said = answer["msg"]
    if answer.get("failed"):
        drill.fails(answer, "containerd")
    else:
        drill.expect("containerd does not answer", sh(W, "timeout 5 ctr version >/dev/null && echo yes"), answer)


@case(
    "containerd-hung-reset",
    "the same, for aggressive_reset with timeout 60",
    "the node is clean, or one sentence says what could not be done; nothing is lost",
    75,
)
def containerd_hung_reset(drill: Drill) -> None:
    drill.joins(drill.join())
    drill.seconds = 0
    with undone(W, GO):
        sh(W, STOP)
        answer = drill.timed(lambda: module(W, "aggressive_reset", {"level": "gentle", "timeout": 60}))
    drill.said = answer["msg"]
    if answer.get("failed"):
        drill.fails(answer, "containerd")


@case("no-dbus", "D-Bus is stopped, with its socket, before the join", "the join needs none and succeeds", 30)
def no_dbus(drill: Drill) -> None:
    with undone(W, "systemctl start dbus.socket dbus.service"):
        sh(
            W,
            "systemctl stop dbus.socket dbus.service; ! test -S /run/dbus/system_bus_socket || rm /run/dbus/system_bus_socket",
        )
        drill.joins(drill.join())


@case(
    "systemd-hung",
    "the node's systemd is stopped by a signal, so that systemctl hangs, before a join with timeout 30",
    "one sentence before the deadline is over, and nothing left behind",
    60,
)
def systemd_hung(drill: Drill) -> None:
    inspect = ["podman", "inspect", "-f", "{{.State.Pid}}", W]
    pid = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["kill", "-STOP", pid], check=True)
    try:
        answer = drill.join(timeout=30)
    finally:
        subprocess.run(["kill", "-CONT", pid], check=True)
    drill.fails(answer, "systemctl", "systemd")


BABBLE = """#!/bin/sh
# Megabytes, bytes that are no text, a line without end and NUL, on both outputs, around what kubeadm says.
noise() { head -c 24000000 /dev/urandom; head -c 8000000 /dev/zero | tr '\\0' x; head -c 999 /dev/zero; printf '\\n\\377\\376\\n'; }
[ "$1" != join ] || { noise; noise >&2; }
%s
"""
# Found before the real one by root's search path.
BESIDE = "/usr/local/sbin/kubeadm"


def babbling(then: str) -> str:
    return f"cat >{BESIDE} <<'EOF'\n{BABBLE % then}EOF\nchmod 755 {BESIDE}"


QUIET = f"rm -f {BESIDE}"


@case(
    "kubeadm-babbles",
    "kubeadm prints 64 MB first: bytes that are no UTF-8, a line of 8 MB, NULs",
    "the join succeeds, its answer stays below 1 MB and its log below 8 MB",
    60,
)
def kubeadm_babbles(drill: Drill) -> None:
    with undone(W, QUIET):
        sh(W, babbling('exec /usr/bin/kubeadm "$@"'))
        answer = drill.join()
        largest = int(sh(W, "{ find /var/log/kubejoin -type f -printf '%s\\n'; echo 0; } | sort -n | tail -n 1"))
    drill.joins(answer)
    drill.expect("the answer is large", len(json.dumps(answer)) < 1_000_000, len(json.dumps(answer)))
    drill.expect("a log is larger than 8 MB", largest < 8_000_000, largest)


@case(
    "kubeadm-babbles-and-fails",
    "kubeadm prints 64 MB of the same and its own failure after it (max_retries 0)",
    "the failure is found behind the noise, the answer is valid and below 1 MB",
    60,
)
def kubeadm_babbles_and_fails(drill: Drill) -> None:
    pinned = 'none of the public keys "sha256:0" are pinned'
    invalid = f"cluster CA found in cluster-info ConfigMap is invalid: {pinned}"
    words = f"error execution phase preflight: couldn'\\''t validate the identity of the API Server: {invalid}"
    said = f"echo '{words}' >&2; exit 1"
    with undone(W, QUIET):
        sh(W, babbling(f'[ "$1" != join ] || {{ {said}; }}; exec /usr/bin/kubeadm "$@"'))
        answer = drill.join(max_retries=0)
    drill.expect("it has joined", not answer.get("joined"))
    drill.expect("the class", answer.get("failure_class") == "ca_mismatch", answer.get("failure_class"))
    drill.expect("the answer is large", len(json.dumps(answer)) < 1_000_000, len(json.dumps(answer)))
