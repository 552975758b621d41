"""A worker goes and comes back, on both levels, with five films bound at a busy path with a space below /var/lib/kubelet."""

import subprocess

from parts.cluster import bring_images, lab_images
from stage import until

from lab import sh

BOUND = "/var/lib/kubelet/pods/p1/volumes/my films"
FILMS = [f"film {number}.mkv" for number in range(1, 6)]
LEFT = "iptables-save | grep -E 'KUBE-|FLANNEL-|CNI-'; ip -br link show cni0; ip -br link show flannel.1"


def lay_films(node):
    """Five files that somebody watches, and what they are."""
    names = " ".join(f"'{name}'" for name in FILMS)
    sh(
        node,
        # The kubelet removes an empty directory of a pod that it does not know, every two seconds.
        f'mkdir -p /srv/films; for f in {names}; do head -c 1M /dev/urandom >"/srv/films/$f"; done; '
        f"mkdir -p '{BOUND}'; mount --bind /srv/films '{BOUND}'",
    )
    watcher = subprocess.Popen(["podman", "exec", node, "tail", "-f", f"{BOUND}/{FILMS[0]}"], stdout=subprocess.DEVNULL)
    until("it is busy", lambda: sh(node, "pgrep -x tail"))
    return sums(node), watcher


def sums(node):
    return sh(node, "cd /srv/films && sha256sum *.mkv")


def clear_films(node, watcher):
    sh(node, f"pkill -x tail; umount '{BOUND}' 2>/dev/null; rm -rf /srv/films; true")
    watcher.wait(timeout=10)


def run(stage, _version):
    for level in ("gentle", "aggressive"):
        films, watcher = lay_films(stage.w1)
        with stage.case(f"a reset in check mode touches nothing ({level})"):
            before = sh(
                stage.w1,
                "find /etc /var/lib/kubelet /var/lib/cni -xdev -type f | sort; cut -d' ' -f5 /proc/self/mountinfo | sort",
            )
            stage.done("reset", "--limit", stage.w1, "--check", "-e", f"reset_level={level}")
            after = sh(
                stage.w1,
                "find /etc /var/lib/kubelet /var/lib/cni -xdev -type f | sort; cut -d' ' -f5 /proc/self/mountinfo | sort",
            )
            assert before == after, sorted(set(before.splitlines()) ^ set(after.splitlines()))
        with stage.case(f"a worker goes, with films bound at a busy path ({level})") as wrong:
            status, said = stage.deploy("reset", "--limit", stage.w1, "-e", f"reset_level={level}")
            stage.remark = "a busy mount keeps its target, and the reset says so" if status else "nothing was left"
            if status and BOUND not in said.replace("\\040", " "):
                wrong.append(f"the reset failed and does not name the mount that is busy: exit status {status}")
            if sums(stage.w1) != films:
                wrong.append("a film is not what it was")
        with stage.case(f"once nobody watches the films, nothing is left but they ({level})") as wrong:
            sh(stage.w1, "pkill -x tail; true")
            stage.done("reset", "--limit", stage.w1, "-e", f"reset_level={level}")
            if sums(stage.w1) != films:
                wrong.append("a film is not what it was")
            if sh(stage.w1, "grep /var/lib/kubelet/ /proc/self/mountinfo || true"):
                wrong.append("something is mounted below the kubelet")
            if level == "aggressive" and sh(stage.w1, f"({LEFT}) 2>/dev/null; true"):
                wrong.append("links or chains of Kubernetes are left")
            if stage.w1 in stage.kubectl("get nodes -o name"):
                wrong.append("its Node is left")
        with stage.case(f"a second reset changes nothing ({level})"):
            stage.unchanged("reset", "--limit", stage.w1, "-e", f"reset_level={level}")
        clear_films(stage.w1, watcher)
        if level == "aggressive":
            bring_images(stage, [stage.w1], lab_images())
        with stage.case(f"the worker comes back ({level})"):
            stage.done("join", "--limit", stage.w1)
            until("all are Ready", lambda: stage.ready() == sorted(stage.nodes))
        with stage.case(f"and its pods are reached ({level})"):
            stage.prove_pods()
