"""A lab of its own for what can go wrong with a join: one control plane, some workers, the stand-ins, one module at a time.

What a test does to a node it takes back with clean(); what a run must not leave there, left_behind() tells.
"""

import argparse
import functools
import os
import pathlib

import lab as labs
from lab import ROOT, install, module, sh

HERE = pathlib.Path(__file__).resolve().parent
LAB = os.environ.get("KUBEJOIN_LAB", "kubejoin-faults")
CP, W = f"{LAB}-cp1", f"{LAB}-w1"
FAULTS = "/etc/kubernetes-rehearsal.d"
ADMIN = "/etc/kubernetes/admin.conf"
lab = functools.partial(labs.lab, LAB)


def bring_up(program):
    """A control plane that is ready to be joined, and a worker that has not joined."""
    lab("up", "--workers", "1")
    for node in (CP, W):
        sh(node, f"mkdir -p {FAULTS}")
        install(node, program)
        module(node, "cni_placeholder", {"profile": "flannel"})
        answer = module(node, "containerd_prepare", {})
        assert not answer.get("failed"), answer
    answer = module(CP, "kubeadm_init_guarded", {})
    assert not answer.get("failed"), answer


def parser(about):
    """The command line that all of these tests have."""
    made = argparse.ArgumentParser(description=about)
    made.add_argument("--keep", action="store_true", help="leave the lab up")
    made.add_argument("--bin", default=f"{ROOT}/binaries/x86_64/kubejoin", help="the program with all modules")
    return made


def fault(node, name, parameter=""):
    """Switches one of the stand-ins' faults on."""
    sh(node, f"echo '{parameter}' > {FAULTS}/{name}")


def token():
    """Parameters of a join with a token of its own."""
    return module(CP, "join_token", {"reuse": False})["join"]


def clean():
    """The worker as it was before any join, and unknown to the cluster."""
    for node in (CP, W):
        sh(node, f"rm -f {FAULTS}/*")
    sh(
        W,
        f"hostname {W}; [ ! -e /root/machine-id ] || {{ cat /root/machine-id > /etc/machine-id; rm /root/machine-id; }}; "
        # What nobody knows is kept by every reset: a person takes it away.
        "rm -f /etc/kubernetes/manifests/*; "
        "rm -f /etc/systemd/system/kubelet.service /etc/systemd/system/kubelet.service.d/*.conf; systemctl daemon-reload; "
        "[ ! -e /root/config.toml ] || { mv /root/config.toml /etc/containerd/; systemctl stop containerd; }; "
        "systemctl unmask kubelet containerd; systemctl start containerd; "
        "iptables -D OUTPUT -d 192.0.2.1 -j DROP; pkill -x socat; true",
    )
    answer = module(W, "aggressive_reset", {"level": "gentle"})
    assert not answer.get("failed"), answer
    sh(W, "systemctl reset-failed; systemctl stop kubelet; rm -rf /var/log/kubejoin; true")
    sh(CP, f"kubectl --kubeconfig {ADMIN} delete node {W} --ignore-not-found")


TOKEN_PLACES = "/etc /run /var/lib/kubelet /var/lib/kubejoin /var/log /tmp /root"


def left_behind(secret):
    """What a run must not leave on the worker, as a list of complaints."""
    checks = {
        "the token": f"grep -rlsF {secret} {TOKEN_PLACES}",
        "a gate": "ls /etc/systemd/system/kubelet.service.d/99-kubejoin-gate.conf",
        "a mask": "systemctl is-enabled kubelet | grep -x masked",
        "a record": "ls /var/lib/kubejoin/kubelet-hold.json",
        "a configuration": "ls /run/kubejoin/*.json",
        "a kubeadm": "pgrep -x kubeadm",
        "a bootstrap file": "ls /etc/kubernetes/bootstrap-kubelet.conf",
    }
    # One visit: a visit costs more than a check.
    script = "\n".join(
        f'seen=$({check} 2>/dev/null); [ -z "$seen" ] || echo "{what} is left:" $seen' for what, check in checks.items()
    )
    return sh(W, script + "\ntrue").splitlines()
