"""One node of a lab: brought to a containerd of a suite, given pods that can be told from others, and looked at without any of
our modules."""

from __future__ import annotations

import json
import pathlib
import subprocess
import threading
import time

# Where offered files lie on the node, and what the node was like before the first case.
OFFERED = "/srv/offered"
ORIGINAL = "/srv/original"
PODS = 3
# Everything of the pods goes, and the images of the beginning come back.
WIPE = """
systemctl stop kubelet containerd
pkill -KILL containerd-shim
for p in $(find /sys/fs/cgroup -path '*kubepods*' -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u); do kill -KILL $p; done
grep -oE ' /(run|var/lib|srv/data)/containerd/[^ ]*' /proc/mounts | sort -r | xargs -r -n 1 umount -l
ls /run/netns | xargs -r -n 1 ip netns delete
rm -rf /run/containerd/* /var/lib/containerd/* /var/lib/cni/networks/* /var/lib/cni/results/* /var/lib/cni/flannel/* /srv/data
cp -a /srv/original/containerd/. /var/lib/containerd/
"""


class Broken(Exception):
    """A node that is not as a case needs it."""


def sh(node: str, script: str, check: bool = True, limit: int = 300) -> str:
    """Runs a shell script on a node and gives back its stdout."""
    ran = subprocess.run(
        ["timeout", str(limit), "podman", "exec", "-i", node, "sh", "-c", script],
        check=False,
        capture_output=True,
        text=True,
    )
    if check and ran.returncode:
        raise Broken("%s: %s: %d: %s%s" % (node, script, ran.returncode, ran.stdout, ran.stderr))
    return ran.stdout


def put(node: str, source: pathlib.Path, target: str) -> None:
    subprocess.run(["podman", "cp", str(source), "%s:%s" % (node, target)], check=True)


class Node:
    """A worker and its control plane."""

    def __init__(self, lab: str, worker: str) -> None:
        self.name = "%s-%s" % (lab, worker)
        self.plane = "%s-cp1" % lab

    def kubectl(self, words: str, check: bool = True) -> str:
        return sh(self.plane, "kubectl --kubeconfig /etc/kubernetes/admin.conf %s" % words, check)

    def prepare(self, program: pathlib.Path, offered: dict[str, pathlib.Path]) -> None:
        """The module, everything that is offered, and a copy of the configuration to come back to."""
        sh(
            self.name,
            "mkdir -p %s %s; [ -e %s/containerd ] || { cp /etc/containerd/config.toml %s/; systemctl stop kubelet containerd;"
            " cp -a /var/lib/containerd %s/; }" % (OFFERED, ORIGINAL, ORIGINAL, ORIGINAL, ORIGINAL),
        )
        # The one program that holds all modules is told which; a module's own is not.
        self.words = ["containerd_upgrade"] if program.name == "kubejoin" else []
        put(self.name, program, "/usr/local/sbin/containerd_upgrade")
        for key, file in offered.items():
            put(
                self.name,
                file,
                "%s/%s%s" % (OFFERED, key, "".join(file.suffixes[-1:]) if file.suffix == ".deb" else ".tar.gz"),
            )
        for number in range(PODS):
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "stays-%d" % number},
                "spec": {"nodeName": self.name, "containers": [{"name": "a", "image": "localhost/web:1"}]},
            }
            sh(self.plane, "echo '%s' | kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -" % json.dumps(pod))

    def restore(self, suite: str, pods: bool) -> None:
        """As it was before the first case, with the containerd of a suite. With `pods` they are made anew; where nothing was
        touched they are as they were."""
        version = "$(dpkg-deb --field %s/%s.deb Version)" % (OFFERED, suite)
        sh(
            self.name,
            """
            pkill -x containerd-shim
            %s
            umount /var/lib/kubejoin 2>/dev/null
            rm -rf /var/lib/kubejoin /etc/systemd/system/containerd.service.d /etc/containerd/conf.d
            rm -rf /usr/local/bin/containerd* /usr/local/bin/ctr /srv/c.toml
            rm -f /etc/containerd/config.toml.dpkg-dist /usr/local/sbin/runc /usr/local/bin/mine
            cp %s/config.toml /etc/containerd/config.toml
            echo v1.31.1 >/etc/kubernetes-rehearsal.version
            [ "$(dpkg-query -W -f '${Version}' containerd)" = "%s" ] ||
                DEBIAN_FRONTEND=noninteractive dpkg --force-confold --force-downgrade -i %s/%s.deb >/dev/null 2>&1
            systemctl daemon-reload; systemctl reset-failed containerd kubelet 2>/dev/null
            """
            % (WIPE if pods else "", ORIGINAL, version, OFFERED, suite),
            check=False,
        )
        self.start()
        sh(self.name, "ctr -n moby images ls -q | xargs -r ctr -n moby images rm >/dev/null", check=False)

    def start(self) -> None:
        sh(self.name, "systemctl restart containerd && systemctl start kubelet")
        self.settle()

    def settle(self) -> None:
        """Ready, with every pod running."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pods = self.kubectl(
                "get pods -o 'jsonpath={range .items[*]}{.spec.nodeName} {.status.phase} {end}'", check=False
            )
            if self.ready() and pods.count("%s Running" % self.name) == PODS:
                return
            time.sleep(0.5)
        raise Broken(
            "%s is not Ready with its pods: %s" % (self.name, self.kubectl("get nodes,pods -A -o wide", check=False))
        )

    def ready(self) -> bool:
        path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
        return self.kubectl("get node %s -o '%s'" % (self.name, path), check=False).strip() == "True"

    def runtime(self) -> str:
        return self.kubectl(
            "get node %s -o 'jsonpath={.status.nodeInfo.containerRuntimeVersion}'" % self.name, check=False
        ).strip()

    def processes(self) -> dict[str, str]:
        """Every running container's process, and when the kernel started it: what is alive is the same afterwards."""
        script = (
            "ctr -n k8s.io tasks ls | awk '$3 == \"RUNNING\" {print $1, $2}' | while read -r id pid; do"
            " [ -e /proc/$pid/stat ] && echo $id $pid-$(awk '{print $22}' /proc/$pid/stat); done"
        )
        return dict(line.split() for line in sh(self.name, script).splitlines() if len(line.split()) == 2)

    def write_data(self) -> int:
        """Bytes written into each pod's own file system."""
        script = (
            "for s in $(ctr -n k8s.io tasks ls | awk '$3 == \"RUNNING\" {print $2}'); do"
            " (head -c 10000 /dev/urandom >/proc/$s/root/kept) 2>/dev/null && sha256sum /proc/$s/root/kept; done; true"
        )
        self.data = {line.split()[1]: line.split()[0] for line in sh(self.name, script).splitlines()}
        return len(self.data)

    def lost_data(self) -> int:
        """Bytes of those that are not what was written; a pod that was ended is not asked."""
        lost = 0
        for path, digest in self.data.items():
            now = sh(self.name, "[ ! -e %s ] || sha256sum %s" % (path.rsplit("/", 1)[0], path), check=False).split()
            lost += 10_000 if now and now[0] != digest else 0
        return lost

    def images(self) -> set[str]:
        return set(sh(self.name, "ctr -n k8s.io images ls -q").split())

    def module(self, options: dict[str, object], check: bool = False) -> dict[str, object]:
        """Runs the module as the action plugin does."""
        text = json.dumps({**options, "_ansible_check_mode": check, "_ansible_diff": True})
        command = [
            "timeout",
            "900",
            "podman",
            "exec",
            "-i",
            self.name,
            "/usr/local/sbin/containerd_upgrade",
            *self.words,
            "-",
        ]
        ran = subprocess.run(command, check=False, input=text, capture_output=True, text=True)
        if not ran.stdout.startswith("{"):
            return {"failed": True, "msg": "no answer: %d %s%s" % (ran.returncode, ran.stdout, ran.stderr)}
        answer: dict[str, object] = json.loads(ran.stdout)
        return answer

    def killed_at(self, options: dict[str, object], step: str) -> bool:
        """Runs the module and ends it with SIGKILL as soon as its journal says `step`; whether that was in time."""
        answers: list[dict[str, object]] = []
        thread = threading.Thread(target=lambda: answers.append(self.module(options)))
        thread.start()
        script = (
            "for i in $(seq 6000); do tail -n 1 /var/lib/kubejoin/runtime.journal 2>/dev/null | grep -q '\"%s\"' &&"
            " { pkill -KILL -x containerd_upgr; exit 0; }; sleep 0.02; done; exit 1" % step
        )
        sh(self.name, script, check=False)
        thread.join()
        return str(answers[0].get("msg", "")).startswith("no answer")


class Watch(threading.Thread):
    """How long the cluster sees a Node not Ready."""

    def __init__(self, node: Node) -> None:
        super().__init__(daemon=True)
        self.node, self.seconds, self.over = node, 0.0, threading.Event()

    def run(self) -> None:
        last = time.monotonic()
        while not self.over.is_set():
            ready = self.node.ready()
            now = time.monotonic()
            self.seconds += 0 if ready else now - last
            last = now
            self.over.wait(0.3)
