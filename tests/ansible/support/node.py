"""A target without Python: the lab's node image with nothing but sshd in it."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

IMAGE = os.environ.get("KUBEJOIN_NODE_IMAGE", "localhost/kubejoin-node:bookworm")
PASSWORD = "correct horse"

# u1 becomes anybody without a password, u2 with one, u3 nobody; root's own password is for su.
USERS = """
set -e
for u in u1 u2 u3; do
  useradd -m -s /bin/bash $u
  echo "$u:{password}" | chpasswd
  install -d -o $u -m 700 /home/$u/.ssh
  install -o $u -m 600 /root/.ssh/authorized_keys /home/$u/.ssh/authorized_keys
done
echo "root:{password}" | chpasswd
echo "u1 ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/u1
echo "u2 ALL=(ALL) ALL" > /etc/sudoers.d/u2
"""


def available() -> str | None:
    """What is missing to run one; None when nothing is."""
    if os.getuid() != 0:
        return "the node container needs root"
    try:
        done = subprocess.run(["podman", "image", "exists", IMAGE], check=False)
    except FileNotFoundError:
        return "podman is not installed"
    return "there is no image %s: run lab/image.sh" % IMAGE if done.returncode else None


class Node:
    """One running container."""

    def __init__(self, name: str, work: Path) -> None:
        self.name = name
        self.key = work / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self._podman(
            # A run that is killed leaves its node: that ends by itself.
            "--runtime", "runc", "run", "--rm", "--timeout", "3600", "--detach", "--name", name, "--hostname", name,
            "--cap-add", "NET_ADMIN,SYS_ADMIN",
            "--ulimit", "nofile=%d:%d" % (files, files), "--ulimit", "nproc=16384:16384", "--tmpfs", "/run", IMAGE,
            "/bin/sh", "-c", "mkdir -p /run/sshd; ssh-keygen -A; exec /usr/sbin/sshd -D -e -o UseDNS=no -o MaxSessions=50",
        )  # fmt: skip
        public = Path(str(self.key) + ".pub").read_text().strip()
        self.sh("install -d -m 700 /root/.ssh; echo '%s' > /root/.ssh/authorized_keys" % public)
        self.sh(USERS.format(password=PASSWORD))
        self.address = self._podman("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name).strip()
        self._wait()

    def inventory(self, user: str = "root", more: str = "") -> str:
        options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        return "node ansible_host=%s ansible_user=%s ansible_ssh_private_key_file=%s ansible_ssh_common_args='%s' %s\n" % (
            self.address, user, self.key, options, more,
        )  # fmt: skip

    def sh(self, script: str) -> str:
        return self._podman("exec", self.name, "sh", "-c", script)

    def words(self, note: str) -> list[str]:
        """What the probe wrote into ``note``."""
        return [line.split()[0] for line in self.sh("cat %s 2>/dev/null || true" % note).splitlines()]

    def command_lines(self) -> str:
        return self.sh("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")

    def cut(self, seconds: float) -> None:
        """Takes the network away for a while."""
        self.sh("ip link set eth0 down")
        time.sleep(seconds)
        self.sh("ip link set eth0 up")

    def remove(self) -> None:
        self._podman("rm", "--force", "--ignore", "--time", "0", self.name)

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        command = ["ssh", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        while subprocess.run([*command, "root@" + self.address, "true"], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, self._podman("logs", self.name)
            time.sleep(0.2)

    @staticmethod
    def _podman(*arguments: str) -> str:
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout
