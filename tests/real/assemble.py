#!/usr/bin/env python3
"""Makes a KUBE_BIN_DIR out of the programs of a Kubernetes: the images of a control plane, for nodes that can pull nothing.

Real are kubeadm, kubelet, kubectl, the API server, controller manager, scheduler, kube-proxy and etcd. What Debian does not
package is the rehearsal's, under the names that kubeadm and flannel_config ask for: pause, CoreDNS, flannel and crictl.

Usage: assemble.py PROGRAMS OUT     (as root; PROGRAMS is what tests/real/debian prints)
"""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
REHEARSAL = ROOT / "dist/rehearsal/rehearsal"
# What kube-proxy and flannel call; the node's own, so that both write rules of one kind.
TOOLS = [
    "iptables",
    "iptables-save",
    "iptables-restore",
    "ip6tables",
    "ip6tables-save",
    "ip6tables-restore",
    "conntrack",
    "ip",
    "bridge",
]
WEB = "localhost/kubejoin-web:1"
STAND_INS = "pause, CoreDNS, flannel and crictl"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Layer:
    """A layer: files under their paths, always the same bytes for the same files."""

    def __init__(self):
        self.held = io.BytesIO()
        self.tar = tarfile.TarFile(fileobj=self.held, mode="w")
        self.names = set()

    def entry(self, name, mode, kind=tarfile.REGTYPE, target=""):
        entry = tarfile.TarInfo(name)
        entry.mode, entry.type, entry.linkname = mode, kind, target
        return entry

    def link(self, name, target):
        self.tar.addfile(self.entry(name, 0o777, tarfile.SYMTYPE, target))

    def directory(self, name):
        self.tar.addfile(self.entry(name, 0o1777 if name == "tmp" else 0o755, tarfile.DIRTYPE))

    def file(self, name, source):
        if name not in self.names:
            self.names.add(name)
            entry = self.entry(name, 0o755)
            entry.size = source.stat().st_size
            with source.open("rb") as content:
                self.tar.addfile(entry, content)
        return self

    def bytes(self):
        self.tar.close()
        return self.held.getvalue()


def tools(root):
    """The node's network programs, with the libraries that they are linked to."""
    layer = Layer()
    for name in ("tmp", "run", "var", "etc", "usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"):
        layer.directory(name)
    for name in ("bin", "sbin", "lib", "lib64"):
        layer.link(name, f"usr/{name}")
    found = list((root / "usr/lib").rglob("xtables/*.so"))
    wanted = [
        f"/usr/{where}/{tool}"
        for tool in TOOLS
        for where in ("bin", "sbin")
        if os.path.lexists(root / f"usr/{where}/{tool}")
    ]
    plugins = [f"/{path.relative_to(root)}" for path in found]
    linked = re.findall(r"(/\S+) \(0x", output("chroot", str(root), "ldd", *wanted, *plugins))
    for path in [*found, *(root / name.lstrip("/") for name in {*wanted, *linked})]:
        # By the name that is asked for, with the file that the node has behind it.
        name = path.parent.resolve().relative_to(root) / path.name
        behind = pathlib.Path(output("chroot", str(root), "readlink", "-f", f"/{path.relative_to(root)}").strip())
        layer.file(str(name), root / str(behind).lstrip("/"))
    return layer.bytes()


def archive(images, out):
    """Writes a docker-archive: for each image its names, its layers and its entry point."""
    manifest = []
    written = set()
    with tarfile.open(out, "w") as tar:

        def add(content, ending):
            name = hashlib.sha256(content).hexdigest()
            if name not in written:
                written.add(name)
                entry = tarfile.TarInfo(f"{name}{ending}")
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))
            return name

        for names, contents, entrypoint in images:
            digests = [add(content, ".tar") for content in contents]
            config = {
                "architecture": "amd64",
                "os": "linux",
                "created": "2026-01-01T00:00:00Z",
                "config": {"Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/opt/bin"], "Entrypoint": entrypoint},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
            }
            name = add(json.dumps(config).encode(), ".json")
            layers = [f"{digest}.tar" for digest in digests]
            manifest.append({"Config": f"{name}.json", "RepoTags": names, "Layers": layers})
        entry = tarfile.TarInfo("manifest.json")
        content = json.dumps(manifest).encode()
        entry.size, entry.mode = len(content), 0o644
        tar.addfile(entry, io.BytesIO(content))


def images(programs, base, asked):
    """Every image that a node is asked for, with its layers; pause comes from the rehearsal's own archive."""
    plugin = (ROOT / "plugins/modules/flannel_config.py").read_text()
    flannel = sorted(set(re.findall(r"ghcr\.io/[\w./-]+:[\w.-]+", plugin)))
    names = ("pause", "coredns", "opt/bin/flanneld", "opt/bin/install-conf", "flannel", "usr/bin/cp")
    stand_in = Layer()
    for name in names:
        stand_in.file(name, REHEARSAL)
    stand_in = stand_in.bytes()
    for name in [*asked, *flannel, WEB]:
        program = name.rsplit("/", 1)[1].split(":")[0]
        if (programs / program).exists():
            yield [name], [base, Layer().file(f"usr/local/bin/{program}", programs / program).bytes()], None
        elif program != "pause":
            yield [name], [base, stand_in], ["/coredns"] if program == "coredns" else ["/pause", "http", "8096"]


def base_layer():
    image = output(str(ROOT / "lab/image.sh")).strip()
    root = pathlib.Path(output("podman", "image", "mount", image).strip())
    try:
        return tools(root)
    finally:
        output("podman", "image", "unmount", image)


def assemble(programs, out):
    """Makes the directory anew, when anything that it is made of has changed."""
    made_of = [
        programs / "version",
        REHEARSAL,
        ROOT / "lab/image.sh",
        ROOT / "plugins/modules/flannel_config.py",
        pathlib.Path(__file__),
    ]
    stamp = out / "made"
    if stamp.exists() and all(path.stat().st_mtime < stamp.stat().st_mtime for path in made_of):
        return
    shutil.rmtree(out, ignore_errors=True)
    (out / "images").mkdir(parents=True)
    for program in ("kubeadm", "kubelet", "kubectl"):
        (out / program).symlink_to(programs / program)
    shutil.copy(REHEARSAL, out / "crictl")
    version = (programs / "version").read_text().strip()
    asked = output(str(programs / "kubeadm"), "config", "images", "list", "--kubernetes-version", version).split()
    archive(images(programs, base_layer(), asked), out / "images/kubernetes.tar")
    pause = next(name for name in asked if "/pause:" in name)
    output(str(REHEARSAL), "image-tar", f"usual,{pause}", str(out / "images/pause.tar"))
    stamp.touch()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    assemble(*map(pathlib.Path, sys.argv[1:]))
