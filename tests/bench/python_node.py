"""One node of the lab with Python added, reached over ssh, for parts that measure Ansible's own modules beside ours.

Needs root, podman and the lab's image. Each user of it names its node, and removes it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "localhost/kubejoin-node:bookworm"
PYTHON_IMAGE = "localhost/kubejoin-bench:python"
Task = dict[str, Any]


def run(*words: str, **more: object) -> str:
    """A command's stdout; its failure ends the part."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit("%s: %s%s" % (" ".join(words[:6]), done.stdout[-600:], done.stderr[-600:]))
    return str(done.stdout)


def limits() -> list[str]:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    processes = 16384 if hard == resource.RLIM_INFINITY else min(hard, 16384)
    return ["--ulimit=nofile=%d:%d" % (files, files), "--ulimit=nproc=%d:%d" % (processes, processes)]


def make_image(node: str) -> None:
    if subprocess.run(["podman", "image", "exists", PYTHON_IMAGE], check=False).returncode == 0:
        return
    install = "apt-get update -q && apt-get install -y -q --no-install-recommends python3"
    remove(node)
    run("podman", "--runtime=runc", "run", "--name", node, "--network=host", *limits(), "--volume=/etc/apt:/etc/apt:ro", IMAGE,
        "sh", "-c", install)  # fmt: skip
    run("podman", "commit", "-q", node, PYTHON_IMAGE)
    remove(node)


def boot(node: str, key: Path, *options: str) -> str:
    """Starts the node, lets the key in, and gives back its address once sshd answers."""
    make_image(node)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    remove(node)
    run("podman", "--runtime=runc", "run", "--detach", "--name", node, "--privileged", "--cgroupns=private", "--systemd=false",
        "--env=container=podman", "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec", *limits(), *options, PYTHON_IMAGE,
        "/sbin/init", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1")  # fmt: skip
    public = Path(str(key) + ".pub").read_text().strip()
    # The default limit of ten unauthenticated connections is what ten hosts at once would meet.
    script = """install -d -m 700 /root/.ssh; echo '%s' >/root/.ssh/authorized_keys; ssh-keygen -A >/dev/null
        printf 'MaxStartups 200\\nMaxSessions 200\\nUseDNS no\\n' >/etc/ssh/sshd_config.d/bench.conf
        n=0; until systemctl restart ssh 2>/dev/null || [ $n -gt 120 ]; do n=$((n+1)); sleep 0.5; done; systemctl is-active ssh"""
    run("podman", "exec", node, "sh", "-c", script % public)
    address = run("podman", "inspect", "-f", "{{.NetworkSettings.IPAddress}}", node).strip()
    end = time.monotonic() + 60
    while subprocess.run(["ssh-keyscan", "-T", "2", address], capture_output=True, check=False).stdout == b"":
        if time.monotonic() > end:
            sys.exit("sshd on %s does not answer" % node)
        time.sleep(0.2)
    return address


def remove(node: str) -> None:
    run("podman", "rm", "--force", "--ignore", "--time=0", node)


def play(work: Path, address: str, hosts: int, pipelining: bool, tasks: Sequence[Task]) -> list[tuple[str, float]]:
    """Runs the tasks on that many names of the node: each task's name and seconds, in order. A failed task ends the part."""
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    lines = ["host%d ansible_host=%s" % (at, address) for at in range(hosts)]
    common = "[all:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\nansible_ssh_common_args='%s'\n"
    (work / "inventory").write_text("\n".join(lines) + "\n" + common % (work / "key", options))
    (work / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "stopwatch",
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/bench/callbacks"),
        "ANSIBLE_PIPELINING": str(pipelining),
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_NOCOLOR": "1",
    }
    ansible = Path(run(str(ROOT / "tests/ansible/venv"), "newest").strip()) / "ansible-playbook"
    out = run(str(ansible), "-i", str(work / "inventory"), str(work / "play.yml"), env=environment, cwd=ROOT)
    return stopwatch(out)


def stopwatch(out: str) -> list[tuple[str, float]]:
    """What the callback of that name printed; a failed task ends the part."""
    found = []
    for line in out.splitlines():
        if line.startswith("FAILED"):
            sys.exit(line)
        if line.startswith("STOPWATCH"):
            _, took, name = line.split("\t")
            found.append((name.rpartition(" : ")[2], float(took)))
    return found
