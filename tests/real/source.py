"""Which Kubernetes the suite runs on, and the refusal of any that is not real."""

import os
import pathlib
import subprocess
import sys

from assemble import STAND_INS, assemble

from lab import sh

HERE = pathlib.Path(__file__).resolve().parent
# What the rehearsal's program says of itself, wherever it is called.
MARK = "REHEARSAL: a stand-in"


def choose(asked, work):
    """Sets the environment of the lab, and gives back its options and the source in words.

    `asked` is `debian`, a version, or `newest`; without it KUBE_BIN_DIR counts, and Debian's where that is not set.
    """
    given = os.environ.pop("KUBE_BIN_DIR", None)
    if asked == "newest":
        # The lab chooses it; the stand-ins, where it cannot, are refused.
        return [], "the newest of the Kubernetes package repository that this machine can run"
    if asked and asked != "debian":
        return ["--kubernetes", asked], "the Kubernetes package repository"
    if given and not asked:
        if not pathlib.Path(given).is_dir():
            sys.exit(f"error: KUBE_BIN_DIR={given} is not a directory")
        os.environ["KUBE_BIN_DIR"] = str(pathlib.Path(given).resolve())
        return [], f"KUBE_BIN_DIR={given}"
    built = subprocess.run([HERE / "debian"], check=False, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        sys.exit(built.returncode)
    assemble(pathlib.Path(built.stdout.strip()), work / "kubernetes")
    os.environ["KUBE_BIN_DIR"] = str(work / "kubernetes")
    return [], f"Debian 12's source package; {STAND_INS} are the rehearsal's, because Debian has none"


def version(node):
    """The version of the node's Kubernetes; ends the run when a program of it is a stand-in."""
    seen = {}
    for program, flags in (("kubeadm", "version -o short"), ("kubelet", "--version"), ("kubectl", "version --client")):
        if sh(node, f"grep -qaF '{MARK}' $(command -v {program}) && echo found || true").strip():
            sys.exit(f"error: {program} on {node} is a stand-in: this suite runs on a real Kubernetes only")
        seen[program] = sh(node, f"{program} {flags} | grep -oE 'v1\\.[0-9]+\\.[0-9]+' | head -n 1").strip()
    if len(set(seen.values())) != 1 or not seen["kubeadm"]:
        sys.exit(f"error: kubeadm, kubelet and kubectl on {node} are of different versions: {seen}")
    return seen["kubeadm"]
