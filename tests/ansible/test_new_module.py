"""`make module NAME=x`: a folder is all that a new module needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.tree import ROOT

NAME = "etcd_member_remove"


BUILT = ROOT / "target/new_module/debug"


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILT.parent)}
    return subprocess.run(
        ["make", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def reuse_dependencies() -> None:
    """Gives the copy what this checkout has built of the registry's crates: they are the same, and most of the work."""
    ours = tuple(path.parent.name for path in ROOT.glob("*/*/Cargo.toml"))
    shutil.rmtree(BUILT, ignore_errors=True)
    for directory in (".fingerprint", "build", "deps"):
        for path in (ROOT / "target/debug" / directory).glob("*"):
            name = path.name.removeprefix("lib")
            if name.startswith(tuple(own + "-" for own in ours)) or path.suffix in (".d", ".o"):
                continue
            new = BUILT / directory / path.name
            new.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, new)
            else:
                # Nothing writes to a finished library again.
                os.link(path, new)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with what is not committed yet."""
    copy = tmp_path_factory.mktemp("new_module") / "kubejoin"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(lambda name: name and os.path.lexists(ROOT / name), names):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)
    # The environments that the generator needs are those of this checkout.
    if (ROOT / ".cache").is_dir():
        (copy / ".cache").symlink_to(ROOT / ".cache")
    return copy


def test_a_new_module_builds_is_listed_documented_and_fuzzed_without_another_edit(checkout: Path) -> None:
    reuse_dependencies()
    made = make(checkout, "module", "NAME=" + NAME)
    assert made.returncode == 0, made.stdout + made.stderr
    changed = subprocess.run(
        ["git", "diff", "--name-only"], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout.split()
    by_hand = [name for name in changed if not name.startswith(("modules/" + NAME, "molecule/" + NAME))]
    # What is left is written by `make docs`: none of it is a person's to edit.
    assert set(by_hand) == {
        "Cargo.lock",
        "crates/kubejoin/Cargo.toml",
        "crates/kubejoin/src/lib.rs",
        "docs/modules/README.md",
        "galaxy.yml",
        "meta/runtime.yml",
        "plugins/plugin_utils/long_modules.py",
    }
    program = BUILT / "kubejoin"
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert NAME in listed
    page = (checkout / "docs/modules" / (NAME + ".md")).read_text()
    assert "## Options" in page and "## Examples" in page
    assert (checkout / "plugins/action/names" / (NAME + ".py")).is_symlink()
    said = subprocess.run(
        [program, NAME, "--check", "-"], input='{"path": "/nowhere"}', capture_output=True, text=True, check=False
    )
    answer = json.loads(said.stdout)
    assert answer["changed"] and not Path("/nowhere").exists(), answer
    again = subprocess.run(
        [sys.executable, "docs/generate.py", program, "--check"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stdout
    house = subprocess.run(
        [sys.executable, "tests/house.py"], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert house.returncode == 0, house.stdout


@pytest.mark.parametrize("name", ["", "Etcd", "a-b", "../x", "kubelet_mask"])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_made(checkout: Path, name: str) -> None:
    before = sorted((checkout / "modules").iterdir())
    made = make(checkout, "module", "NAME=" + name)
    assert made.returncode != 0 and (repr(name) in made.stderr or "exists already" in made.stderr), made.stderr
    assert sorted((checkout / "modules").iterdir()) == before
