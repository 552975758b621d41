#!/usr/bin/env python3
"""containerd is upgraded, refused and brought back on a lab node with real containerds of three Debians, in every way of
cases.tsv: what became of it, which pods are alive, bytes lost, seconds not Ready. Writes docs/runtime-upgrade.md.

    tests/runtime/run.py [--lab NAME] [--keep] [CASE...]

Ends with "N passed, N failed", each failure in one line before it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import time

import offered
from node import OFFERED, Broken, Node, Watch, put, sh

import page

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache/runtime"
# What every one of these ends in.
VERSIONS = {"bookworm": "1.6.20", "trixie": "1.7.24", "forky": "2.1.9"}


def cases() -> list[dict[str, str]]:
    names = ["name", "suite", "what", "arrange", "source", "options", "end", "says", "also"]
    lines = (ROOT / "tests/runtime/cases.tsv").read_text().splitlines()
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines if line and not line.startswith("#")]


def many_images(path: pathlib.Path) -> pathlib.Path:
    """An archive of 200 images that share a layer."""
    if path.exists():
        return path
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    data = layer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    manifest, files = [], {"layer.tar": data}
    for number in range(200):
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"n": str(number)}},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]},
        }
        files["%d.json" % number] = json.dumps(config).encode()
        manifest.append(
            {"Config": "%d.json" % number, "RepoTags": ["localhost/many:%d" % number], "Layers": ["layer.tar"]}
        )
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def options(case: dict[str, str], files: dict[str, pathlib.Path]) -> dict[str, object]:
    def place(key: str) -> str:
        return "%s/%s%s" % (OFFERED, key, ".deb" if files[key].suffix == ".deb" else ".tar.gz")

    given: dict[str, object] = {"source": place(case["source"]), "sha256": offered.sha256(files[case["source"]])}
    more = json.loads(case["options"] or "{}")
    if "runc" in more:
        more.update(runc=place(more["runc"]), runc_sha256=offered.sha256(files[more["runc"]]))
    return {**given, **more}


def fingerprint(node: Node) -> str:
    """What must be as it was when nothing was touched."""
    return sh(
        node.name,
        "find /etc/containerd /etc/systemd/system /usr/bin/containerd /usr/local -xdev -type f -exec sha256sum {} + | sort -k 2;"
        " dpkg-query -W containerd; systemctl show -p ExecMainStartTimestampMonotonic containerd",
    )


def run(node: Node, case: dict[str, str], files: dict[str, pathlib.Path]) -> dict[str, object]:
    """One case, from a node as it was before the first to what became of it."""
    node.restore(case["suite"], touched[0] != case["suite"])
    # Until it has ended well, and has touched nothing.
    touched[0] = ""
    if case["arrange"] == "python":
        put(node.name, many_images(CACHE / "many.tar"), "/srv/many.tar")
        sh(node.name, "ctr -n k8s.io images import /srv/many.tar >/dev/null")
    elif case["arrange"]:
        sh(node.name, case["arrange"].removeprefix("restart: "))
        if case["arrange"].startswith("restart: "):
            node.start()
    asked = options(case, files)
    node.write_data()
    alive, images, before = node.processes(), node.images(), fingerprint(node)
    version = node.runtime()
    watch = Watch(node)
    watch.start()
    started = time.monotonic()
    words = case["end"].split()
    if words[0] == "killed":
        wanted = "back" if words[1] == "back" else "upgraded"
        in_time = node.killed_at(asked, words[1])
        answer = node.module(asked)
        if not in_time:
            raise Broken("the module was not killed in time: %s" % answer.get("msg"))
    else:
        wanted = words[0]
        check = node.module(asked, check=True)
        if fingerprint(node) != before:
            raise Broken("check mode has touched something: %s" % check.get("msg"))
        answer = node.module(asked)
    seconds = time.monotonic() - started
    watch.over.set()
    watch.join()
    problems = judge(node, case, wanted, answer, before)
    now = node.processes()
    announced = list(answer.get("restarted") or answer.get("restarts") or [])
    ended = [one for one, process in alive.items() if now.get(one) != process]
    # A pod has at most a pause process and its container's here.
    if len(ended) > 2 * len(announced):
        problems.append("%d processes ended, and %d pods were announced" % (len(ended), len(announced)))
    if not images <= node.images():
        problems.append("images are gone: %s" % ", ".join(sorted(images - node.images())[:3]))
    lost = node.lost_data()
    if lost:
        problems.append("%d bytes are lost" % lost)
    return {
        "case": case["name"],
        "what": case["what"],
        "from": version.removeprefix("containerd://"),
        "offered": case["source"],
        "end": case["end"],
        "now": node.runtime().removeprefix("containerd://"),
        "alive": "%d of %d" % (len(alive) - len(ended), len(alive)),
        "announced": len(announced),
        "lost": lost,
        "not_ready": round(watch.seconds, 1),
        "seconds": round(seconds, 1),
        "said": str(answer.get("msg", "")),
        "problems": problems,
    }


def judge(node: Node, case: dict[str, str], wanted: str, answer: dict[str, object], before: str) -> list[str]:
    problems = []
    said = str(answer.get("msg", ""))
    failed = bool(answer.get("failed"))
    if wanted != "any" and failed != (wanted in ("refused", "back")):
        problems.append("it %s" % ("failed" if failed else "did not fail"))
    if case["says"] and case["says"] not in said:
        problems.append("it does not say %r" % case["says"])
    if wanted in ("refused", "unchanged") and fingerprint(node) != before:
        problems.append("something was touched")
    if wanted in ("upgraded", "back"):
        problems += runs(node, case, wanted)
    if wanted == "upgraded":
        again = node.module(options_of_last[0])
        if again.get("changed") or again.get("failed"):
            problems.append("a second run says: %s" % again.get("msg"))
    if wanted in ("refused", "unchanged") and not problems and not case["arrange"].startswith("restart: "):
        touched[0] = case["suite"]
    if case["also"]:
        try:
            sh(node.name, case["also"])
        except Broken:
            problems.append("not seen: %s" % case["also"])
    if problems:
        problems.append("it said: %s" % said)
    return problems


def runs(node: Node, case: dict[str, str], wanted: str) -> list[str]:
    """Whether the containerd that is wanted is there, and the cluster says so."""
    suite = case["suite"] if wanted == "back" else {"release": "forky"}.get(case["source"], case["source"])
    version, problems = VERSIONS[suite], []
    if version not in sh(node.name, "ctr version | sed -n '/Server/,$p'", check=False):
        problems.append("containerd is not %s" % version)
    if version not in node.runtime():
        problems.append("the Node says %s" % node.runtime())
    if not node.ready():
        problems.append("the Node is not Ready")
    return problems


# The suite of a node whose pods are as they were.
touched = [""]
options_of_last: list[dict[str, object]] = [{}]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lab", default="kubejoin-runtime")
    parser.add_argument("--worker", default="w1")
    parser.add_argument("--module", type=pathlib.Path, default=ROOT / ("binaries/%s/kubejoin" % os.uname().machine))
    parser.add_argument("--keep", action="store_true", help="the lab is there already, and stays")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    files = offered.everything(CACHE)
    lab = [ROOT / "lab/lab.sh"]
    if not arguments.keep:
        subprocess.run([*lab, "up", "--name", arguments.lab, "--workers", "1", "--kubernetes", "rehearsal"], check=True)
        for node_name in ("cp1", "w1"):
            sh("%s-%s" % (arguments.lab, node_name), "echo v1.31.1 >/etc/kubernetes-rehearsal.version")
        subprocess.run([ROOT / "deploy.sh", "cluster", "--name", arguments.lab], check=True)
    failed = passed = 0
    try:
        node = Node(arguments.lab, arguments.worker)
        node.prepare(arguments.module, files)
        for case in cases():
            if arguments.cases and case["name"] not in arguments.cases:
                continue
            options_of_last[0] = options(case, files)
            try:
                row = run(node, case, files)
                problems = list(row["problems"])  # type: ignore[call-overload]
                page.keep(row)
            except (Broken, subprocess.CalledProcessError) as error:
                problems = [str(error)]
            if problems:
                failed += 1
                print("FAIL %s: %s" % (case["name"], "; ".join(problems)), flush=True)
            else:
                passed += 1
                print("ok   %6.1f s  %s" % (row["seconds"], case["name"]), flush=True)
        page.write()
    finally:
        if not arguments.keep:
            subprocess.run([*lab, "down", "--name", arguments.lab], check=False)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
