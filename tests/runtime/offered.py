"""What is offered to nodes: Debian's containerd and runc of three suites, and packages and archives made of them that are broken
in one way each."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess

MIRROR = os.environ.get("KUBEJOIN_DEBIAN_MIRROR", "http://deb.debian.org/debian")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
UNIT = "usr/lib/systemd/system/containerd.service.d/broken.conf"
# A package's own drop-in makes it broken, and goes with it.
BROKEN = {
    "fails": "[Service]\nExecStartPre=/bin/false\n",
    "without-cri": "[Service]\nExecStart=\nExecStart=/usr/bin/containerd --config /usr/share/broken.toml\n",
    "without-cni": "[Service]\nExecStart=\nExecStart=/usr/bin/containerd --config /usr/share/broken.toml\n",
    "empty-root": "[Service]\nExecStart=\nExecStart=/usr/bin/containerd --root /srv/elsewhere\n",
}
CONFIGS = {
    "without-cri": 'version = 3\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n',
    "without-cni": "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = '/srv/nothing'\n",
}


def run(*words: str | pathlib.Path, env: dict[str, str] | None = None, cwd: pathlib.Path | None = None) -> None:
    subprocess.run(
        [str(word) for word in words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=env,
        cwd=cwd,
    )


def download(suite: str, directory: pathlib.Path) -> dict[str, pathlib.Path]:
    """containerd and runc of a suite, by apt with sources of its own: this machine's are not asked, nor changed."""
    place = directory / suite
    found = {name: next(place.glob("%s_*.deb" % name), None) for name in ("containerd", "runc")}
    if not all(found.values()):
        for part in ("state/lists/partial", "cache/archives/partial"):
            (place / part).mkdir(parents=True, exist_ok=True)
        (place / "sources.list").write_text("deb [signed-by=%s] %s %s main\n" % (KEYRING, MIRROR, suite))
        (place / "apt.conf").write_text(
            'Dir::State "%s/state"; Dir::Cache "%s/cache"; Dir::Etc::sourcelist "%s/sources.list";'
            ' Dir::Etc::sourceparts "/dev/null";'
            ' Dir::State::status "/dev/null"; Acquire::Languages "none"; APT::Sandbox::User "root";\n'
            % (place, place, place)
        )
        environment = {**os.environ, "APT_CONFIG": str(place / "apt.conf")}
        run("apt-get", "update", "-q", env=environment)
        run("apt-get", "download", "-q", "containerd", "runc", env=environment, cwd=place)
        found = {name: next(place.glob("%s_*.deb" % name), None) for name in ("containerd", "runc")}
    return {name: file for name, file in found.items() if file}


def rebuilt(deb: pathlib.Path, target: pathlib.Path, change: dict[str, str], name: str = "") -> pathlib.Path:
    """A package with other files in it, maybe under another name."""
    tree = target.with_suffix(".tree")
    shutil.rmtree(tree, ignore_errors=True)
    run("dpkg-deb", "--raw-extract", deb, tree)
    for path, text in change.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    if name:
        control = (tree / "DEBIAN/control").read_text()
        (tree / "DEBIAN/control").write_text(control.replace("Package: containerd\n", "Package: %s\n" % name))
    run("dpkg-deb", "-Znone", "--root-owner-group", "--build", tree, target)
    shutil.rmtree(tree)
    return target


def archive(deb: pathlib.Path, target: pathlib.Path, machine: bytes = b"", without: str = "") -> pathlib.Path:
    """A release archive as containerd's makers lay it out, of a package's programs."""
    tree = target.with_suffix(".tree")
    shutil.rmtree(tree, ignore_errors=True)
    run("dpkg-deb", "--extract", deb, tree)
    (tree / "bin").mkdir()
    for name in ("containerd", "containerd-shim-runc-v2", "ctr"):
        if name == without:
            continue
        data = bytearray((tree / "usr/bin" / name).read_bytes())
        if machine:
            data[18:20] = machine
        (tree / "bin" / name).write_bytes(data)
        (tree / "bin" / name).chmod(0o755)
    run("tar", "--create", "--gzip", "--file", target, "--directory", tree, "bin")
    shutil.rmtree(tree)
    return target


def everything(directory: pathlib.Path) -> dict[str, pathlib.Path]:
    """All of it, by the names that cases.tsv uses."""
    directory.mkdir(parents=True, exist_ok=True)
    all_files = {}
    for suite in ("bookworm", "trixie", "forky"):
        found = download(suite, directory)
        all_files[suite] = found["containerd"]
        all_files["runc-%s" % suite] = found["runc"]
    new = all_files["forky"]

    def kept(name: str, make: object) -> None:
        path = directory / name
        if not path.exists():
            make(path)  # type: ignore[operator]
        all_files[path.name.split(".")[0]] = path

    for name, drop_in in BROKEN.items():
        files = {UNIT: drop_in, **({"usr/share/broken.toml": CONFIGS[name]} if name in CONFIGS else {})}
        kept(name + ".deb", lambda path, files=files: rebuilt(new, path, files))
    kept("io.deb", lambda path: rebuilt(new, path, {}, "containerd.io"))
    kept("torn.deb", lambda path: path.write_bytes(new.read_bytes()[: 5 << 20]))
    kept("release.tar.gz", lambda path: archive(new, path))
    kept("aarch64.tar.gz", lambda path: archive(new, path, machine=b"\xb7\x00"))
    kept("shimless.tar.gz", lambda path: archive(new, path, without="containerd-shim-runc-v2"))
    return all_files


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
