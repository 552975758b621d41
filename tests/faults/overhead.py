#!/usr/bin/env python3
"""What the guarded join costs over bare kubeadm: the same node joins both ways in turn, seven times each.

Prints lines "BENCH<tab>group<tab>subject<tab>median seconds<tab>runs", and fails when the module costs more than half a
second. Between two joins the node is made new, and rests, so that neither inherits the other's work.

Usage: overhead.py [--keep] [--bin FILE] [--runs N]     (as root; brings up a lab of its own with the stand-ins)
"""

import json
import statistics
import subprocess
import sys
import time

from bed import ADMIN, CP, W, bring_up, clean, lab, module, parser, sh, token

BUDGET = 0.5
CONFIG = "/run/bare.json"


def bare(join, api="v1beta3"):
    """kubeadm alone, as a shell script would run it."""
    discovery = {
        "apiServerEndpoint": join["control_plane_endpoint"],
        "token": join["token"],
        "caCertHashes": join["ca_cert_hashes"],
    }
    document = {
        "apiVersion": f"kubeadm.k8s.io/{api}",
        "kind": "JoinConfiguration",
        "discovery": {"bootstrapToken": discovery},
        "nodeRegistration": {"criSocket": "unix:///run/containerd/containerd.sock"},
    }
    sh(W, f"umask 077; cat > {CONFIG}", stdin=json.dumps(document))
    began = time.monotonic()
    ran = subprocess.run(
        ["podman", "exec", "-i", W, "kubeadm", "join", "--config", CONFIG], check=False, capture_output=True, text=True
    )
    seconds = time.monotonic() - began
    sh(W, f"rm {CONFIG}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return seconds


def guarded(join):
    began = time.monotonic()
    answer = module(W, "kubeadm_join_guarded", join)
    seconds = time.monotonic() - began
    assert answer.get("joined"), answer
    return seconds


def signed(join):
    """Waits for the signature for a new token, which appears a moment after the token."""
    shown = f"kubectl --kubeconfig {ADMIN} -n kube-public get cm cluster-info -o yaml"
    sh(CP, f"until {shown} | grep -q {join['token'][:6]}; do sleep 0.2; done")


def nothing():
    """A join of a node that has joined, timed on the node itself: podman exec, which takes 100 ms, is no part of it."""
    run = "/root/kubejoin kubeadm_join_guarded - </run/options >/run/answer"
    timed = f"a=$(date +%s%N); {run}; b=$(date +%s%N); echo $((b-a)); cat /run/answer"
    nanoseconds, answer = sh(W, timed).split("\n", 1)
    assert json.loads(answer).get("changed") is False, answer
    return int(nanoseconds) / 1e9


def main():
    command = parser(__doc__.splitlines()[0])
    command.add_argument("--runs", type=int, default=7)
    arguments = command.parse_args()
    bring_up(arguments.bin)
    seconds = {"kubeadm join": [], "kubeadm_join_guarded": []}
    try:
        for _ in range(arguments.runs):
            for subject, run in (("kubeadm join", bare), ("kubeadm_join_guarded", guarded)):
                clean()
                join = token()
                signed(join)
                seconds[subject].append(run(join))
        sh(W, "umask 077; cat >/run/options", stdin=json.dumps(join))
        again = [nothing() for _ in range(arguments.runs)]
        sh(W, "rm /run/options")
    finally:
        if not arguments.keep:
            lab("down")
    medians = {subject: statistics.median(times) for subject, times in seconds.items()}
    for subject, median in medians.items():
        print(f"BENCH\tjoin\t{subject}\t{median:.3f}\t{len(seconds[subject])}")
    group = "a join with nothing to do"
    print(f"BENCH\t{group}\tkubeadm_join_guarded\t{statistics.median(again):.4f}\t{len(again)}")
    over = medians["kubeadm_join_guarded"] - medians["kubeadm join"]
    print(f"{over:+.3f} s over bare kubeadm, of {BUDGET} s allowed; all: {seconds}")
    sys.exit(over > BUDGET)


if __name__ == "__main__":
    main()
