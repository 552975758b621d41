"""A join, and a reset, that end in the middle by SIGKILL: the next run finishes the work, and nothing is lost."""

import subprocess

from interrupted import killed
from parts.cluster import bring_images, lab_images
from parts.reset import clear_films, lay_films, sums
from source import HERE
from stage import table, until

from lab import module, sh


def faults():
    """How the table of faults provokes and takes back, by name."""
    return {row[0]: (row[2], row[3]) for row in table(HERE / "faults.tsv", 9)}


def steps(node, text):
    for step in filter(None, text.split(" ;; ")):
        sh(node, step)


def run(stage, version):
    silent, unapproved = faults()["api-silent"], faults()["csr-unapproved"]
    noted = int(version.split(".")[1]) < 34
    held = [
        ("while it looks for the cluster", "KILL", "pgrep -x kubeadm", silent),
        ("while it looks for the cluster", "TERM", "pgrep -x kubeadm", silent),
        (
            "while the kubelet waits for its certificate",
            "KILL",
            "test -e /etc/kubernetes/bootstrap-kubelet.conf && systemctl is-active kubelet",
            unapproved,
        ),
        (
            "while the kubelet waits for its certificate",
            "TERM",
            "test -e /etc/kubernetes/bootstrap-kubelet.conf && systemctl is-active kubelet",
            unapproved,
        ),
        (
            "as soon as the kubelet has its certificate",
            "KILL",
            "timeout 20 sh -c 'until test -e /etc/kubernetes/kubelet.conf; do sleep 0.02; done'",
            ("true", "true"),
        ),
    ]
    for words, signal, there, (hold, release) in held:
        with stage.case(f"a join that gets SIG{signal} {words}") as wrong:
            complaints, took, said = killed(
                signal,
                there,
                lambda hold=hold: steps(stage.cp, hold),
                lambda release=release: steps(stage.cp, release),
                noted,
            )
            wrong.extend(complaints)
            stage.remark = f"ended after {took:.1f} s; then: {said[:80]}"
    for words, there in (
        ("when it has stopped the kubelet", "! systemctl is-active kubelet"),
        ("when it has begun to delete", "! test -e /var/lib/kubelet/config.yaml || ! test -e /var/lib/kubelet/pki"),
    ):
        with stage.case(f"a reset that gets SIGKILL {words}") as wrong:
            films, watcher = lay_films(stage.w1)
            sh(
                stage.w1,
                "pkill -x tail; mkdir -p /var/lib/kubelet/pods/p2/many"
                " && cd /var/lib/kubelet/pods/p2/many && seq 5000 | xargs touch",
            )
            begun = subprocess.Popen(
                [
                    "podman",
                    "exec",
                    "-i",
                    stage.w1,
                    "sh",
                    "-c",
                    'echo \'{"level": "aggressive"}\' | /root/kubejoin aggressive_reset - >/run/answer 2>&1',
                ]
            )
            sh(
                stage.w1,
                f"timeout 60 sh -c 'until {there}; do sleep 0.01; done' >/dev/null; "
                "pkill -KILL -f '^/root/kubejoin aggressive_reset' && echo killed || true",
            )
            begun.wait(timeout=60)
            if sh(stage.w1, "cat /run/answer").startswith("{"):
                stage.remark = "it was quicker than the signal"
            if sums(stage.w1) != films:
                wrong.append("a film is not what it was after the kill")
            answer = module(stage.w1, "aggressive_reset", {"level": "aggressive"})
            if answer.get("failed"):
                wrong.append(f"the next run: {answer.get('msg')}")
            if sums(stage.w1) != films:
                wrong.append("a film is not what it was after the next run")
            left = sh(stage.w1, "find /var/lib/kubelet /etc/kubernetes /var/lib/cni -type f")
            if left:
                wrong.append(f"something is left: {left}")
            again = module(stage.w1, "aggressive_reset", {"level": "aggressive"})
            if again.get("changed") or again.get("failed"):
                wrong.append(f"the run after that: {again.get('msg')}")
            clear_films(stage.w1, watcher)
            stage.kubectl(f"delete node {stage.w1} --ignore-not-found")
            bring_images(stage, [stage.w1], lab_images())
            stage.done("join", "--limit", stage.w1)
            until("all are Ready", lambda: stage.ready() == sorted(stage.nodes))
