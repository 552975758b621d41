#!/usr/bin/env python3
"""A join that is killed in the middle: nothing of it runs on, the node is left clean, and the next join succeeds.

Each phase in which the stand-ins can be held is a case, once with SIGTERM, after which the module has to have cleaned up
itself, and once with SIGKILL, after which the next run has to. During the join, the token must be nowhere to be seen.

Usage: interrupted.py [--keep] [--bin FILE] [CASE...]     (as root; brings up a lab of its own with the stand-ins)
"""

import json
import subprocess
import sys
import time

from bed import ADMIN, CP, W, bring_up, clean, fault, lab, left_behind, module, parser, sh, token

# name: where, the fault that holds it there, what shows on the worker that it is there
HELD = {
    "discovery": (CP, "token-expired", "", "pgrep -x kubeadm"),
    "after-preflight": (
        W,
        "join-hangs",
        "",
        "test -e /run/kubejoin/lock && pgrep -x kubeadm && ! test -e /run/kubejoin/join.json",
    ),
    "certificate": (
        W,
        "slow-join",
        "120",
        "systemctl is-active kubelet && test -e /etc/kubernetes/bootstrap-kubelet.conf",
    ),
    "signature": (
        CP,
        "tls-bootstrap-hang",
        "",
        "systemctl is-active kubelet && test -e /etc/kubernetes/bootstrap-kubelet.conf",
    ),
    "registration": (W, "crisocket-timeout", "", "test -e /etc/kubernetes/kubelet.conf && pgrep -x kubeadm"),
}
# What kubeadm writes last of all.
NOTE = '"kubeadm.alpha.kubernetes.io/cri-socket"'
# Where a token could be seen by somebody else. The configuration is root's, and kubeadm reads it. The pattern is in a file,
# because in an argument it would be found.
SEEN = """
umask 077; cat > /root/pattern
grep -alsF -f /root/pattern /proc/[0-9]*/cmdline /proc/[0-9]*/environ
journalctl --no-pager -q | grep -qF -f /root/pattern && echo the journal
find / -xdev -type f -perm /077 -newermt '-1 hour' -exec grep -lsF -f /root/pattern {} +
grep -rlsF -f /root/pattern /var /tmp /etc/systemd /root /run /usr | grep -vxe /run/kubejoin/join.json -e /root/pattern
rm /root/pattern
"""
# To the module that runs as begin() starts it.
SEND = "pkill -f '^/root/kubejoin kubeadm_join_guarded' --signal"


def until(script, seconds):
    """Whether the script succeeds on the worker within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if sh(W, f"({script}) >/dev/null 2>&1 && echo yes || true").strip():
            return True
        time.sleep(0.1)
    return False


def begin(join):
    """A join in the background, as somebody's ssh would leave it."""
    started = subprocess.Popen(
        ["podman", "exec", "-i", W, "sh", "-c", "exec /root/kubejoin kubeadm_join_guarded -"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started.stdin.write(json.dumps(join))
    started.stdin.close()
    started.stdin = None  # communicate() would flush it
    return started


def killed(signal, there, hold, release, noted=True):
    """A join that is killed as soon as `there` holds, and the two after it: complaints, seconds to its end, what the next said."""
    wrong = []
    clean()
    join = token()
    secret = join["token"]
    hold()
    running = begin(join)
    # Held there while the node is looked through, or a quick join would be done before the signal.
    if not until(f"({there}) && {SEND} STOP", 30):
        wrong.append("it never came there")
    wrong += [f"the token can be seen in {place}" for place in sh(W, SEEN, stdin=secret + "\n").splitlines()]
    # What is stopped gets the one at once, and the other when it goes on.
    sh(W, f"{SEND} KILL" if signal == "KILL" else f"{SEND} {signal} && {SEND} CONT")
    began = time.monotonic()
    try:
        said = running.communicate(timeout=40)[0]
    except subprocess.TimeoutExpired:
        running.kill()
        said = ""
        wrong.append("it did not end")
    took = time.monotonic() - began
    if not until("! pgrep -x kubeadm", 3):
        wrong.append("kubeadm runs on")
    if secret in said:
        wrong.append("the token is in its answer")
    if signal == "TERM":
        answer = json.loads(said) if said.startswith("{") else {}
        if not answer.get("failed"):
            wrong.append(f"no answer that says it failed: {said[:300]}")
        wrong += left_behind(secret)
    release()
    again = module(W, "kubeadm_join_guarded", join)
    if not again.get("joined"):
        wrong.append(f"the next run: {again.get('msg')}")
    wrong += [f"after the next run {line}" for line in left_behind(secret)]
    if noted and NOTE not in sh(CP, f"kubectl --kubeconfig {ADMIN} get node {W} -o json"):
        wrong.append("the Node lacks what kubeadm notes last, which its upgrade needs")
    last = module(W, "kubeadm_join_guarded", join)
    if last.get("changed") or last.get("failed"):
        wrong.append(f"the run after that: {last.get('msg')}")
    return wrong, took, again.get("msg", "")


def interrupt(name, signal):
    """One case."""
    where, held, parameter, there = HELD[name]
    wrong, took, said = killed(
        signal,
        there,
        lambda: fault(where, held, parameter),
        lambda: sh(where, f"rm -f /etc/kubernetes-rehearsal.d/{held}"),
    )
    print(f"{'FAIL' if wrong else 'ok  '} {signal:4} {name:16} ended after {took:4.1f} s  {said[:100]}", flush=True)
    for line in wrong:
        print(f"       {line}", flush=True)
    return not wrong


def main():
    command = parser(__doc__.splitlines()[0])
    command.add_argument("cases", nargs="*", choices=[[], *HELD])
    arguments = command.parse_args()
    bring_up(arguments.bin)
    results = []
    try:
        for name in arguments.cases or HELD:
            results += [interrupt(name, signal) for signal in ("TERM", "KILL")]
    finally:
        if not arguments.keep:
            lab("down")
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
