#!/usr/bin/env python3
"""Every way a join can fail, provoked on a lab node and held against what the join module makes of it.

The table is faults.tsv beside this file: what is provoked and where, the class, whether the node has joined at the end,
what whoever called is to do, and the most seconds to the verdict. After each case the node must be as clean as before:
no token on disk, no gate, no mask, no lock held, and kubeadm gone.

Usage: run.py [--keep] [--bin FILE] [CASE...]     (as root; brings up a lab of its own with the stand-ins)
"""

import json
import os
import pathlib
import sys
import time

from lab import ROOT, install, lab, module, sh

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = "kubejoin-faults"
CP, W = f"{LAB}-cp1", f"{LAB}-w1"
FAULTS = "/etc/kubernetes-rehearsal.d"
MODULES = [
    "cni_placeholder",
    "containerd_prepare",
    "kubelet_mask",
    "kubeadm_init_guarded",
    "join_token",
    "kubeadm_join_guarded",
    "aggressive_reset",
]


def bring_up(binaries):
    lab(LAB, "up", "--workers", "1")
    for node in (CP, W):
        sh(node, f"mkdir -p {FAULTS}")
        for name in MODULES:
            install(node, f"{binaries}/{name}", name)
        module(node, "cni_placeholder", {"profile": "flannel"})
        answer = module(node, "containerd_prepare", {})
        assert not answer.get("failed"), answer
    answer = module(CP, "kubeadm_init_guarded", {})
    assert not answer.get("failed"), answer


def clean():
    """The worker as it was before any join, and unknown to the cluster."""
    for node in (CP, W):
        sh(node, f"rm -f {FAULTS}/*")
    sh(
        W,
        "rm -f /etc/systemd/system/kubelet.service; systemctl daemon-reload; "
        "systemctl unmask kubelet containerd; systemctl start containerd; "
        "iptables -D OUTPUT -d 192.0.2.1 -j DROP; rm -rf /root/held;"
        "pkill -x socat; rm -f /etc/systemd/system/kubelet.service.d/*.conf; systemctl daemon-reload; true 2>/dev/null",
    )
    answer = module(W, "aggressive_reset", {"level": "gentle"})
    assert not answer.get("failed"), answer
    sh(W, "systemctl reset-failed; systemctl stop kubelet; rm -rf /var/log/kubejoin; true")
    sh(CP, f"kubectl --kubeconfig /etc/kubernetes/admin.conf delete node {W} --ignore-not-found")


def left_behind(token):
    """What a run must not leave on the worker, as a list of complaints."""
    found = []
    for what, script in {
        "the token": f"grep -rlsF {token} /etc /run /var/lib/kubelet /var/lib/kubejoin /var/log /tmp /root 2>/dev/null",
        "a gate": "ls /etc/systemd/system/kubelet.service.d/99-kubejoin-gate.conf 2>/dev/null",
        "a mask": "systemctl is-enabled kubelet | grep -x masked",
        "a record": "ls /var/lib/kubejoin/kubelet-hold.json 2>/dev/null",
        "a configuration": "ls /run/kubejoin/*.json 2>/dev/null",
        "a kubeadm": "pgrep -x kubeadm",
        "a bootstrap file": "ls /etc/kubernetes/bootstrap-kubelet.conf 2>/dev/null",
    }.items():
        seen = sh(W, script, check=False).strip()
        if seen:
            found.append(f"{what} is left: {seen}")
    return found


def run_case(case):
    name, where, provoke, options, expect, joined, action, most = case
    clean()
    join = token()
    secret = join["token"]
    node = CP if where == "cp" else W
    for step in filter(None, provoke.split(" ; ")):
        if step.startswith("fault: "):
            fault(node, *step.removeprefix("fault: ").split("=", 1))
        else:
            sh(node, step)
    join.update(json.loads(options or "{}"))
    began = time.monotonic()
    answer = module(W, "kubeadm_join_guarded", join)
    seconds = time.monotonic() - began
    classes = [a.get("failure_class") for a in answer.get("attempts", []) if a.get("failure_class")]
    last = answer.get("failure_class")
    seen = last or (classes[0] if classes else "-")
    wrong = []
    if expect not in (seen, last) and expect not in classes:
        wrong.append(f"class {seen} (attempts: {classes}) instead of {expect}")
    if bool(answer.get("joined")) != (joined == "joined"):
        wrong.append(f"joined is {answer.get('joined')}")
    if action != "-" and answer.get("next_action") != action:
        wrong.append(f"next_action is {answer.get('next_action')} instead of {action}")
    if seconds > float(most):
        wrong.append(f"{seconds:.1f} s, more than {most}")
    if secret in json.dumps(answer):
        wrong.append("the token is in the answer")
    wrong += left_behind(secret)
    if joined == "joined":
        again = module(W, "kubeadm_join_guarded", join)
        if again.get("changed") or again.get("failed"):
            wrong.append(f"the second run: {again.get('msg')}")
    verdict = "ok  " if not wrong else "FAIL"
    print(f"{verdict} {name:24} {seconds:6.1f} s  {seen:30} {answer.get('msg', '')[:150]}", flush=True)
    for line in wrong:
        print(f"       {line}", flush=True)
    if wrong:
        print(json.dumps(answer, indent=1)[:6000])
    return not wrong


def main():
    command = parser(__doc__.splitlines()[0])
    command.add_argument("cases", nargs="*")
    arguments = command.parse_args()
    lines = (HERE / "faults.tsv").read_text().splitlines()
    table = [line.split("\t") for line in lines if line.strip() and line[0] != "#"]
    unknown = set(arguments.cases) - {row[0] for row in table}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    bring_up(arguments.bin)
    passed = failed = 0
    try:
        for row in table:
            if not arguments.cases or row[0] in arguments.cases:
                try:
                    good = run_case(row)
                except (RuntimeError, AssertionError, ValueError) as error:
                    good = False
                    print(f"FAIL {row[0]}: {error}", flush=True)
                passed, failed = passed + good, failed + (not good)
    finally:
        if not arguments.keep:
            lab(LAB, "down")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
