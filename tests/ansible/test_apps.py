"""The role `apps` as it is run, with a kubectl that keeps what it is given: order, errors told once, kustomizations."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import CORES, skip

from support.tree import ROOT

# Renders with the real program, where there is one; applies to a file.
KUBECTL = """#!/bin/sh
case "$*" in
kustomize*) exec {real} kustomize "$2" ;;
*rollout*) echo "deployment \\"web\\" successfully rolled out" ;;
*diff*)
    if cat | cmp -s - {applied}; then exit 0; fi
    printf 'diff -u -N /a/v1.ConfigMap.default.web /b/v1.ConfigMap.default.web\n+kind: ConfigMap\n'
    exit 1 ;;
*apply*) cat >>{applied}; echo "configmap/web created" ;;
esac
"""
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


class Done(NamedTuple):
    rc: int
    said: str
    applied: str


class Apps:
    """`./deploy.sh apps DIR`, on this machine."""

    def __init__(self, core: str, work: Path) -> None:
        self.programs, self.work = CORES[core], work
        self.directory = work / "apps"
        self.directory.mkdir()

    def write(self, **files: str) -> None:
        for name, content in files.items():
            (self.directory / name.replace("_", ".")).write_text(content)

    def run(self, *arguments: str, directory: Path | None = None) -> Done:
        applied, kubectl = self.work / "applied", self.work / "kubectl"
        applied.write_text("")
        kubectl.write_text(KUBECTL.format(real=shutil.which("kubectl") or "false", applied=applied))
        kubectl.chmod(0o755)
        (self.work / "hosts").write_text("[control_plane]\ncp1 ansible_connection=local\n")
        command = [
            self.programs + "/ansible-playbook", "-i", str(self.work / "hosts"),
            "-e", f"apps_directory={directory or self.directory}", str(ROOT / "playbooks/apps.yml"), *arguments,
        ]  # fmt: skip
        environment = {
            **os.environ,
            "HOME": str(self.work),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{self.work}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return Done(done.returncode, done.stdout, applied.read_text())


def real_kubectl() -> None:
    """Rendering is kubectl's own work; a machine without it skips, in CI too, where no package brings it."""
    if shutil.which("kubectl") is None:
        print("SKIP kubectl is not installed", file=sys.stderr)
        pytest.skip("kubectl is not installed")


@pytest.fixture
def apps(core: str, tmp_path: Path) -> Apps:
    if os.geteuid() != 0:
        skip("needs root, as a control plane does")
    return Apps(core, tmp_path)


def test_each_error_is_told_once_with_file_and_line_and_nothing_is_applied(apps: Apps) -> None:
    apps.write(a_yaml=OBJECT % "a", b_yaml="kind: x\nkind: y\n", c_yaml="a:\n\t- b\n")
    done = apps.run()
    assert done.rc == 2 and not done.applied
    for told in (
        "b.yaml: line 2, column 1: the key 'kind' stands twice, first on line 1",
        "c.yaml: line 2, column 1: there is a tab",
    ):
        assert done.said.count(f"{apps.directory}/{told}") == 1, done.said
    assert done.said.count("b.yaml") == 1 and "Traceback" not in done.said and "Origin" not in done.said, done.said


def test_a_directory_that_is_not_there_is_one_sentence(apps: Apps) -> None:
    done = apps.run(directory=apps.directory / "gone")
    assert done.rc == 2 and done.said.count("gone' is not one") == 1, done.said


def test_manifests_are_applied_and_directories_named(apps: Apps) -> None:
    apps.write(a_yaml=OBJECT % "a", b_json='{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}')
    (apps.directory / "later").mkdir()
    done = apps.run()
    assert done.rc == 0 and "name: a" in done.applied and '"name": "b"' in done.applied, done.said
    assert "Left out, because they are directories: later/" in done.said


def test_a_kustomization_is_rendered_by_the_nodes_kubectl_and_applied(apps: Apps) -> None:
    real_kubectl()
    base = apps.work / "base"
    base.mkdir()
    (base / "kustomization.yaml").write_text("resources: [web.yaml]\n")
    (base / "web.yaml").write_text(OBJECT % "web" + "data: {film: Amélie}\n")
    apps.write(
        kustomization_yaml="resources: [../base]\nnamePrefix: my-\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n"
    )
    done = apps.run()
    assert done.rc == 0 and "name: my-web" in done.applied and "name: my-made-" in done.applied, done.said
    assert "kustomization.yaml       configmap/web created" in done.said


def test_what_kubectl_says_of_a_kustomization_is_told_once(apps: Apps) -> None:
    real_kubectl()
    apps.write(kustomization_yaml="resources: [gone.yaml]\n")
    done = apps.run()
    assert done.rc == 2 and not done.applied
    assert done.said.count("FAILED!") == 1 and "gone.yaml" in done.said and "/run/kubejoin" not in done.said, done.said
