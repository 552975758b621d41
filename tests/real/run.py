#!/usr/bin/env python3
"""The suite on a real Kubernetes: a cluster of containers, what it does, and what is done to it.

Usage: run.py [--kubernetes debian|newest|VERSION] [--keep] [--name NAME] [PART...]     (as root)

Without --kubernetes: the programs of KUBE_BIN_DIR, else those of Debian 12's source package, which are built once, in the
user's cache directory. Without PART: all of them. Transcripts are in target/real/.
"""

import argparse
import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parent / "faults")]
PARTS = ["cluster", "reset", "rejoin", "faults", "killed", "mend", "cost"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--kubernetes",
        metavar="debian|newest|VERSION",
        help="debian, or a version of the package repository such as 1.33",
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    parser.add_argument("--name", default="kubejoin-real", help="of the lab (default kubejoin-real)")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    given = parser.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if os.geteuid():
        parser.error("the nodes are privileged containers: run it as root")
    return given


def main():
    given = arguments()
    os.environ["KUBEJOIN_LAB"] = given.name
    # After the lab has its name.
    lab, source, stage = (importlib.import_module(name) for name in ("lab", "source", "stage"))

    began = time.monotonic()
    work = lab.ROOT / "target/real"
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob("*.txt"):
        old.unlink()
    options, words = source.choose(given.kubernetes, work)
    stage = stage.Stage(given.name, work, options)
    try:
        try:
            lab.lab(given.name, "up", "--workers", "2", *options)
        except subprocess.CalledProcessError as error:
            sys.exit(error.returncode)  # the lab has said why
        version = source.version(stage.cp)
        print(f"==> Kubernetes {version}: {words}", flush=True)
        for node in stage.nodes:
            lab.install(node, f"{lab.ROOT}/binaries/x86_64/kubejoin")
        # The others need a cluster.
        for part in [name for name in PARTS if name == "cluster" or not given.parts or name in given.parts]:
            stage.part = part
            importlib.import_module(f"parts.{part}").run(stage, version)
        shutil.rmtree(work / "report", ignore_errors=True)
    finally:
        if not given.keep:
            lab.lab(given.name, "down")
    print(f"==> Kubernetes {version}, {(time.monotonic() - began) / 60:.1f} min; transcripts: target/real/")
    print(f"{stage.passed} passed, {stage.failed} failed")
    sys.exit(1 if stage.failed else 0)


if __name__ == "__main__":
    main()
