#!/usr/bin/env python3
"""Nodes on which nothing is wrong: the diagnosis has nothing to say of them.

A control plane, a worker, the same with neighbours on the machine that are nobody's fault, a worker that was reset (which has
not joined, and nothing else), and one that has joined again.

Usage: calm.py [--keep]     (as root; brings up a cluster of its own with the stand-ins)
"""

import argparse
import sys

from mend import AMBIENT, CP, LAB, W, bring_up, codes, deploy, diagnose, pods, until

from lab import lab, sh

# What other programs do on a machine, and how it goes again.
NEIGHBOURS = {
    "a lease of podman's": (
        "mkdir -p /var/lib/cni/networks/podman; echo deadbeef >/var/lib/cni/networks/podman/10.88.0.5",
        "rm -r /var/lib/cni/networks/podman",
    ),
    "Debian's own name in /etc/hosts": (
        "cp /etc/hosts /root/hosts; echo 127.0.1.1 $(hostname) >>/etc/hosts",
        "cat /root/hosts >/etc/hosts",
    ),
    "somebody's bridge and chains": (
        "ip link add br-lan type bridge; ip link set br-lan up; iptables -N LAB-IN; iptables -A INPUT -i br-lan -j LAB-IN",
        "ip link del br-lan; iptables -D INPUT -i br-lan -j LAB-IN; iptables -X LAB-IN",
    ),
    "a second default route": (
        (
            "ip link add wan1 type veth peer name wan2; ip addr add 192.0.2.2/24 dev wan1; ip link set wan1 up; "
            "ip link set wan2 up; ip route add default via 192.0.2.1 dev wan1 metric 4000"
        ),
        "ip link del wan1",
    ),
    "a rule that masquerades somebody's network": (
        "iptables -t nat -A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE",
        "iptables -t nat -D POSTROUTING -s 198.51.100.0/24 -j MASQUERADE",
    ),
    "a conf that no runtime reads": (
        "echo '{' >/etc/cni/net.d/10-flannel.conflist.bak",
        "rm /etc/cni/net.d/10-flannel.conflist.bak",
    ),
}


def quiet(what, node, expected=()):
    """Whether the diagnosis finds this and nothing else."""
    answer, seconds = diagnose(node)
    wrong = [code for code in codes(answer) if code not in AMBIENT]
    good = wrong == list(expected)
    print(f"{'ok  ' if good else 'FAIL'} {what:46} {seconds:5.1f} s  {wrong}", flush=True)
    if not good:
        print(answer["findings"], flush=True)
    return good


def ran(what, *words):
    """Whether deploy.sh did it."""
    status, said = deploy(*words)
    print(f"{'ok  ' if not status else 'FAIL'} {what}", flush=True)
    if status:
        print(said[-3000:], flush=True)
    return not status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    arguments = parser.parse_args()
    bring_up()
    results = []
    try:
        results += [quiet("a control plane", CP), quiet("a worker", W)]
        for what, (there, gone) in NEIGHBOURS.items():
            sh(W, there)
            results.append(quiet(f"a worker with {what}", W))
            sh(W, gone)
        results.append(ran("reset", "reset", "--limit", W))
        results.append(quiet("a worker that was reset", W, ["not_joined"]))
        results.append(ran("join", "join", "--limit", W))
        until("pods run", lambda: len(pods()) == 4)
        results += [quiet("a worker that has joined again", W), quiet("the control plane after that", CP)]
    finally:
        if not arguments.keep:
            lab(LAB, "down")
    print(f"{sum(results)} passed, {results.count(False)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
