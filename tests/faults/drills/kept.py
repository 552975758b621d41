"""What is not ours to lose, put on the worker before each case and looked at after it, by other programs than ours.

Films on the disk, which are also bound below the kubelet's directory, at a path with a space; films on a mount that comes
from a server, bound there as well; somebody's firewall; somebody's container, in a namespace of its own in containerd.
"""

from __future__ import annotations

import subprocess

from bed import CP, ROOT, W, sh

BOUND = "/var/lib/kubelet/pods/p1/volumes/my media"
REMOTE = "/var/lib/kubelet/pods/p2/volumes/kubernetes.io~nfs/films"
# The server's mount is a tmpfs with a server's name: a server of its own takes a kernel that has one.
PUT = f"""set -e
mkdir -p /srv/media /srv/nas "{BOUND}" {REMOTE}
[ -s /srv/media/film ] || head -c 3000000 /dev/urandom >/srv/media/film
mountpoint -q /srv/nas || {{ mount -t tmpfs nas:/films /srv/nas; head -c 500000 /dev/urandom >/srv/nas/film; }}
mountpoint -q "{BOUND}" || mount --bind /srv/media "{BOUND}"
mountpoint -q {REMOTE} || mount --bind /srv/nas {REMOTE}
iptables -nL FAMILY >/dev/null 2>&1 || {{
    iptables -N FAMILY; iptables -A FAMILY -s 192.0.2.7 -m comment --comment "no guests" -j DROP; iptables -I INPUT -j FAMILY
    iptables -t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE; }}
ctr -n family tasks ls -q | grep -qx radio || {{
    ctr -n family containers rm radio 2>/dev/null || true
    ctr -n family images ls -q | grep -q localhost/radio || ctr -n family images import /root/radio.tar >/dev/null
    ctr -n family run -d --null-io localhost/radio:1 radio /pause; }}
"""
LOOK = """
cd /srv && sha256sum media/film nas/film
iptables-save | grep -E 'FAMILY|192[.]0[.]2[.]' | sed 's/\\[.*\\]//'
ctr -n family tasks ls | grep radio; ctr -n family images ls -q
"""


def install() -> None:
    """The image of somebody's container. Its content is a static program that waits."""
    tar = f"{ROOT}/target/radio.tar"
    subprocess.run([f"{ROOT}/dist/rehearsal/rehearsal", "image-tar", "localhost/radio:1", tar], check=True)
    subprocess.run(["podman", "cp", tar, f"{W}:/root/radio.tar"], check=True)


def put() -> list[str]:
    """Everything in its place; what a look shows then."""
    sh(W, PUT)
    return look()


def look() -> list[str]:
    return sh(W, LOOK, check=False).splitlines()


def lost(before: list[str], gone_anyway: tuple[str, ...] = ()) -> list[str]:
    """What is not as it was, as complaints. A power cut takes memory with it: what that held is `gone_anyway`."""
    now = look()
    return [f"LOST: {line}" for line in before if line not in now and not any(word in line for word in gone_anyway)] + [
        f"new: {line}" for line in now if line not in before and not gone_anyway
    ]


HALF_WRITTEN = "find / -xdev ( -name '.*.kubejoin-*' -o -name '*.rejected' ) -not -path '/proc/*'"


def half_written() -> list[str]:
    """Temporary files that a run left."""
    script = HALF_WRITTEN.replace("(", "\\(").replace(")", "\\)")
    return [f"left: {path}" for node in (W, CP) for path in sh(node, script).splitlines()]
