#!/usr/bin/env python3
"""Faults of a joined node, made on a lab node, found by name, mended or left to a person, and proved mended.

The table is mend.tsv beside this file. For each case: both nodes are healthy and pods of both reach each other over HTTP;
the fault is made, and seen to be there by other programs than ours; node_diagnose names it as the primary cause, in
seconds; ./deploy.sh repair mends it and succeeds, or fails and says what a person has to do, who then does it; pods reach
each other again, and both nodes are healthy. What the table calls `same` keeps its pods alive.

Usage: mend.py [--keep] [CASE...]     (as root; brings up a cluster of its own with the stand-ins)
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
from typing import NamedTuple

from lab import ROOT, install, lab, module, sh

LAB = os.environ.get("KUBEJOIN_LAB", "kubejoin-mend")
CP, W = f"{LAB}-cp1", f"{LAB}-w1"
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
HERE = pathlib.Path(__file__).parent
# What this machine's own disk and the suite's containerd give every node alike: no fault of the table's making.
AMBIENT = {"filesystem_low", "runtime_too_old_soon"}
# More than this is not "seconds", even with a mount or a daemon that hangs.
QUICK = 20


def deploy(*words):
    """deploy.sh on this lab: its exit status and everything it said."""
    ran = subprocess.run(
        ["timeout", "400", f"{ROOT}/deploy.sh", *words, "--name", LAB], check=False, capture_output=True, text=True
    )
    return ran.returncode, ran.stdout + ran.stderr


def bring_up():
    status, said = deploy("cluster", "--workers", "1", "--kubernetes", "rehearsal")
    if status:
        sys.exit(said)
    for node in (CP, W):
        install(node, f"{ROOT}/binaries/x86_64/kubejoin")
        # Each fault restarts units at once: systemd's start limit would become a fault of its own.
        for unit in ("containerd", "kubelet"):
            sh(
                node,
                f"mkdir -p /etc/systemd/system/{unit}.service.d && printf '[Unit]\\nStartLimitIntervalSec=0\\n' "
                f">/etc/systemd/system/{unit}.service.d/often.conf && systemctl daemon-reload",
            )
    for name in ("web", "shop"):
        spec = {
            "containers": [{"name": "web", "image": "localhost/web:1", "ports": [{"containerPort": 8096}]}],
            "tolerations": [{"operator": "Exists"}],
        }
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        sh(
            CP,
            f"{KUBECTL} apply -f -",
            stdin=json.dumps(
                {
                    "apiVersion": "apps/v1",
                    "kind": "DaemonSet",
                    "metadata": {"name": name, "namespace": "default"},
                    "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
                }
            ),
        )
    until("pods run", lambda: len(pods()) == 4)


def pods():
    """Name, node and address of the pods that are there to be reached."""
    listed = json.loads(sh(CP, f"{KUBECTL} get pods -n default -o json"))["items"]
    ready = [p for p in listed if p["status"].get("podIP") and p["status"].get("phase") == "Running"]
    return [(p["metadata"]["name"], p["spec"]["nodeName"], p["status"]["podIP"]) for p in ready]


def until(what, look, seconds=60):
    """Waits until `look` is true, and gives back how long that took."""
    began = time.monotonic()
    last = None
    while time.monotonic() - began < seconds:
        with contextlib.suppress(RuntimeError, ValueError, KeyError):
            last = look()
            if last:
                return time.monotonic() - began
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what} ({last})")


def talk():
    """Every pod's network namespace of every node reaches every pod's port 8096; judged by bash, not by our module."""
    addresses = " ".join(address for _, _, address in pods())
    script = f"""for n in $(ip netns list | cut -d' ' -f1); do for a in {addresses}; do
        ip netns exec $n timeout 2 bash -c "exec 3<>/dev/tcp/$a/8096; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -c 4 <&3" ||
        echo "no answer from $a in $n"; done; done"""
    said = {node: sh(node, script, check=False) for node in (CP, W)}
    return all(text.count("HTTP") >= 4 and "no answer" not in text for text in said.values()) and len(pods()) == 4


def diagnose(node):
    began = time.monotonic()
    answer = module(node, "node_diagnose", {})
    return answer, time.monotonic() - began


def codes(answer):
    return [finding["code"] for finding in answer["findings"]]


def code(answer):
    """The primary cause; where there are warnings only, the first of them."""
    first = answer["primary_cause"]
    if first and first["code"] not in AMBIENT:
        return first["code"]
    return next((found for found in codes(answer) if found not in AMBIENT), "none")


def healthy():
    return not any(set(codes(diagnose(node)[0])) - AMBIENT for node in (CP, W))


class Hang:
    """The mount that never answers; see hang.py."""

    def __init__(self, node, path):
        pid = subprocess.run(
            ["podman", "inspect", "-f", "{{.State.Pid}}", node], check=True, capture_output=True, text=True
        )
        self.process = subprocess.Popen(
            [sys.executable, HERE / "hang.py", pid.stdout.strip(), path], stdout=subprocess.PIPE, text=True
        )
        if self.process.stdout.readline() != "mounted\n":
            raise RuntimeError("the mount that hangs could not be made")
        print("       NOTE a FUSE mount without daemon stands in for NFS without server", flush=True)

    def end(self):
        self.process.kill()
        self.process.wait()


class Case(NamedTuple):
    """A row of the table."""

    name: str
    finding: str
    where: str
    make: str
    seen: str
    mended: str
    undo: str

    @property
    def node(self):
        return CP if self.where == "cp" else W

    def do(self, steps, hanging):
        named = steps.replace("{W}", W).replace("{CP}", CP)
        for step in filter(None, named.split(" ;; ")):
            if step.startswith("hang: "):
                hanging.append(Hang(self.node, step[6:]))
            elif step == "unhang":
                hanging.pop().end()
            elif step.startswith("cp: "):
                sh(CP, step[4:])
            elif step.startswith("deploy: "):
                status, said = deploy(*step[8:].split())
                if status:
                    raise RuntimeError(f"{step}: {said[-2000:]}")
            elif step.startswith("put: "):
                source, target = step.split()[1:]
                sh(self.node, f"cat >{target}", stdin=(pathlib.Path(ROOT) / source).read_text())
            else:
                sh(self.node, step)

    def judge_diagnosis(self, answer, seconds):
        first, *also = self.finding.split(",")
        primary = code(answer)
        if primary != first or set(also) - set(codes(answer)):
            yield f"primary cause {primary} of {codes(answer)}"
        if seconds > QUICK:
            yield f"{seconds:.1f} s to diagnose"

    def judge_repair(self, status, said):
        if self.mended in ("hand", "warning"):
            # A warning is told, and no failure: the node works.
            if not status and self.mended == "hand":
                yield "repair says that it succeeded"
            if "by hand: " not in said and "failed: " not in said:
                yield "repair does not say what a person has to do"
        elif status:
            yield "repair failed"

    def mend(self):
        """What `mended_by` names: the repair, or a reset and a new join."""
        if self.mended != "reset":
            return deploy("repair")
        status, said = deploy("reset", "--limit", self.node)
        if status:
            return status, said
        status, more = deploy("join", "--limit", self.node)
        return status, said + more

    def judge_end(self, before):
        try:
            until("healthy afterwards", healthy)
            until("pods talk afterwards", talk)
        except AssertionError as error:
            yield str(error)
            yield json.dumps([codes(diagnose(n)[0]) for n in (CP, W)])
        if self.mended == "same" and before != pods():
            yield f"pods were made anew: {before}, {pods()}"
        checked = module(W, "pod_connectivity", {"peers": [a for _, n, a in pods() if n == CP], "fail": False})
        if checked.get("failures") != []:
            yield f"pod_connectivity: {checked['msg']}"


def run_case(case, hanging):
    until("healthy before", healthy)
    until("pods talk before", talk)
    before = pods()
    case.do(case.make, hanging)
    sh(case.node, case.seen.replace("{W}", W))
    answer, seconds = diagnose(case.node)
    began = time.monotonic()
    status, said = case.mend()
    repair = time.monotonic() - began
    case.do(case.undo, hanging)
    wrong = [*case.judge_diagnosis(answer, seconds), *case.judge_repair(status, said), *case.judge_end(before)]
    verdict = "FAIL" if wrong else "ok  "
    print(f"{verdict} {case.name:22} {seconds:5.1f} s  {code(answer):26} {case.mended:6} {repair:5.1f} s", flush=True)
    for line in wrong:
        print(f"       {line}", flush=True)
    if wrong:
        print(json.dumps(answer["findings"], indent=1)[:3000])
        print(re.sub(r"\n(ok|skipping|included): .*", "", said)[-5000:], flush=True)
    return not wrong


def without_pods():
    """A worker without pods is proved from sandboxes of the module's own, with systemd's cgroups, and keeps nothing of it."""
    sh(CP, f"{KUBECTL} delete daemonset web shop")
    left = (
        "ctr -n k8s.io containers ls -q | sort; ip netns list | sort; ls /var/lib/cni/networks/cbr0 | sort; "
        "ip -br link show type veth; iptables-save -t nat | grep -c CNI-; find /sys/fs/cgroup -name 'cri-containerd-*' | sort"
    )
    until("no pod is left", lambda: not sh(W, "ip -br link show master cni0"))
    before = sh(W, left)
    peers = [
        p["status"]["podIP"] for p in json.loads(sh(CP, f"{KUBECTL} get pods -A -l k8s-app=kube-dns -o json"))["items"]
    ]
    systemd = "SystemdCgroup = true" in sh(W, "containerd config dump")
    answer = module(W, "pod_connectivity", {"peers": peers, "fail": False})
    checks = [row for row in answer.get("matrix", []) if not row.get("skipped")]
    good = systemd and len(checks) >= 6 and answer.get("failures") == [] and answer["pods"] == []
    until("nothing is left of the sandboxes", lambda: sh(W, left) == before, 15)
    print(
        f"{'ok  ' if good else 'FAIL'} no-pods                {answer['msg']}; systemd's cgroups: {systemd}", flush=True
    )
    if not good:
        print(json.dumps(answer, indent=1)[:4000])
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    lines = (HERE / "mend.tsv").read_text().splitlines()
    table = [Case(*line.split("\t")) for line in lines if line.strip() and line[0] != "#"]
    unknown = set(arguments.cases) - {case.name for case in table} - {"no-pods"}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    bring_up()
    passed = failed = 0
    hanging = []
    try:
        for case in table:
            if not arguments.cases or case.name in arguments.cases:
                try:
                    good = run_case(case, hanging)
                except (RuntimeError, AssertionError, ValueError, KeyError) as error:
                    good = False
                    print(f"FAIL {case.name}: {error}", flush=True)
                    # As far as it goes, so that the next case has a chance.
                    with contextlib.suppress(RuntimeError, IndexError):
                        case.do(case.undo, hanging)
                passed, failed = passed + good, failed + (not good)
        if not arguments.cases or "no-pods" in arguments.cases:
            good = without_pods()
            passed, failed = passed + good, failed + (not good)
    finally:
        for mount in hanging:
            mount.end()
        if not arguments.keep:
            lab(LAB, "down")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
