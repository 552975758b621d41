#!/usr/bin/env python3
"""Every way a join can fail, provoked on a lab node and held against what the join module makes of it.

The table is faults.tsv beside this file: what is provoked and where, the class, whether the node has joined at the end,
what whoever called is to do, and the most seconds to the verdict. After each case the node must be as clean as before:
no token on disk, no gate, no mask, no lock held, and kubeadm gone.

Usage: run.py [--keep] [--bin FILE] [CASE...]     (as root; brings up a lab of its own with the stand-ins)
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LAB = "kubejoin-faults"
CP, W = f"{LAB}-cp1", f"{LAB}-w1"
FAULTS = "/etc/kubernetes-rehearsal.d"


def sh(node, script, check=True, stdin=""):
    """Runs a shell script on a node and gives back its stdout."""
    ran = subprocess.run(
        ["timeout", "120", "podman", "exec", "-i", node, "sh", "-c", script],
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
    )
    if check and ran.returncode:
        raise RuntimeError(f"{node}: {script}: {ran.returncode}: {ran.stdout}{ran.stderr}")
    return ran.stdout


def module(node, name, options):
    """Runs a module on a node as the action plugin does, and gives back its answer."""
    ran = subprocess.run(
        ["timeout", "400", "podman", "exec", "-i", node, "/root/kubejoin", name, "-"],
        check=False,
        input=json.dumps(options),
        capture_output=True,
        text=True,
    )
    if not ran.stdout.startswith("{"):
        raise RuntimeError(f"{name} on {node}: {ran.returncode}: {ran.stdout}{ran.stderr}")
    return json.loads(ran.stdout)


def lab(command, *more):
    subprocess.run(
        [f"{ROOT}/lab/lab.sh", command, "--name", LAB, *more],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=None if command == "up" else subprocess.DEVNULL,
    )


def bring_up(program):
    lab("up", "--workers", "1")
    for node in (CP, W):
        sh(node, f"mkdir -p {FAULTS}")
        subprocess.run(["podman", "cp", program, f"{node}:/root/kubejoin"], check=True)
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
    join = module(CP, "join_token", {"reuse": False})["join"]
    token = join["token"]
    node = CP if where == "cp" else W
    for step in filter(None, provoke.split(" ; ")):
        sh(
            node,
            f"echo '{step[7:].partition('=')[2]}' > {FAULTS}/{step[7:].partition('=')[0]}"
            if step.startswith("fault: ")
            else step,
        )
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
    if token in json.dumps(answer):
        wrong.append("the token is in the answer")
    wrong += left_behind(token)
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
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    parser.add_argument("--bin", default=f"{ROOT}/target/debug/kubejoin", help="the program with all modules")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    lines = pathlib.Path(HERE, "faults.tsv").read_text().splitlines()
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
            lab("down")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
