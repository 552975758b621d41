"""The names work: short ones in the checkout, full ones from a collection that a stranger builds and installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from conftest import CORES
from test_documentation import PROGRAM, modules

from support.controller import short_path
from support.node import Node
from support.tree import ROOT


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as `git clone` and `make build` leave it."""
    copy = tmp_path_factory.mktemp("checkout") / "kubejoin"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in files.split("\0"):
        if name and (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    (copy / "binaries/x86_64").mkdir(parents=True)
    # What debuggers need is most of an unoptimised build, and would travel with every task's first run.
    subprocess.run(["strip", "-o", copy / "binaries/x86_64/kubejoin", PROGRAM], check=True)
    return copy


# What lies in a checkout that somebody works in, beside and between the collection's own files.
PRIVATE = [
    ".env", ".lab/key", ".vault-pass", ".venv/bin/python", "admin.conf", "group_vars/all/vault.yml", "host_vars/w1.yml",
    "id_rsa", "id_rsa.pub", "inventory/mine.yml", "inventory/group_vars/all.yml", "inventory/prod/hosts", "kubeconfig",
    "kubejoin-report/index.html", "notes.md", "site.retry", "target/debug/x", "binaries/x86_64/core", "binaries/notes",
    "docs/private.md", "docs/modules/mine.md", "meta/mine.yml", "playbooks/group_vars/all/vault.yml", "playbooks/mine.yml",
    "playbooks/site.retry", "playbooks/kubejoin-report/report.md", "plugins/inventory/mine.py", "plugins/modules/.swp",
    "plugins/filter/__pycache__/x.pyc", "roles/mine/tasks/main.yml", "roles/worker/files/id_rsa",
    "roles/worker/vars/vault.yml", "roles/worker/tasks/main.yml~", "roles/worker/tasks/main.yml.orig",
]  # fmt: skip


def packed(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive if not member.isdir()}


def test_the_archive_has_the_collections_own_files_and_nothing_else(
    checkout: Path, tarball: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "kubejoin"
    shutil.copytree(checkout, copy, symlinks=True)
    for name in PRIVATE:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("topsecret\n")
    (copy / "docs/linked.md").symlink_to(copy / "id_rsa")
    builder = User(max(CORES), tmp_path)
    builder.run(copy, "ansible-galaxy", "collection", "build", "--output-path", str(tmp_path))
    (built,) = tmp_path.glob("vmstation-kubejoin-*.tar.gz")
    assert packed(built) == packed(tarball)
    assert not packed(built) & {*PRIVATE, "docs/linked.md"}


def test_the_archive_has_all_that_a_stranger_needs(tarball: Path) -> None:
    command = [
        "git",
        "ls-files",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "docs",
        "meta",
        "plugins",
        "playbooks",
        "roles",
    ]
    known = set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    only_here = {name for name in known if name.startswith("plugins/action/names/") or Path(name).match("docs/*.py")}
    added = {"MANIFEST.json", "FILES.json", "binaries/x86_64/kubejoin", "inventory/example.yml"}
    assert packed(tarball) == known - only_here - {"playbooks/lab.yml"} | added


def test_git_ignores_what_is_a_users_own() -> None:
    own = ["inventory/mine.yml", "inventory/prod/hosts", "group_vars/all/vault.yml", "host_vars/w1.yml", ".vault-pass",
           "kubejoin-report/index.html", "playbooks/kubejoin-report/report.md", "site.retry", ".env", "admin.conf"]  # fmt: skip
    command = ["git", "check-ignore", "--no-index", *own, "inventory/example.yml"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split() == own


@pytest.fixture(scope="session")
def tarball(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("builder")
    User(max(CORES), home).run(checkout, "ansible-galaxy", "collection", "build", "--output-path", str(home))
    (tarball,) = home.glob("vmstation-kubejoin-*.tar.gz")
    return tarball


class User:
    """Somebody with a home directory and one version of ansible-core."""

    def __init__(self, core: str, home: Path) -> None:
        self.programs = Path(CORES[core])
        self.home = home
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTEST_", "PYTHON"))
        }
        self.environment = {**kept, "HOME": str(home), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
        self.environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = short_path()

    def run(self, directory: Path, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self.programs / program, *arguments], env=self.environment, cwd=directory, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        return done.stdout


@pytest.fixture
def user(core: str, tmp_path: Path) -> User:
    (tmp_path / "home").mkdir()
    return User(core, tmp_path / "home")


# Refused by the module's own parser: it was reached, and did nothing.
REFUSED = "Unsupported parameters for (%s) module: nonsense."


def test_short_and_full_names_work_ad_hoc_in_the_checkout(user: User, checkout: Path) -> None:
    for name in ("kubelet_mask", "vmstation.kubejoin.kubelet_mask"):
        said = user.run(checkout, "ansible", "localhost", "-c", "local", "-m", name, "-a", "nonsense=1")
        assert REFUSED % name in said, said


def test_every_short_name_works_in_a_playbook_of_ones_own_in_the_checkout(user: User, checkout: Path) -> None:
    tasks = "".join("  - %s: {nonsense: 1}\n    ignore_errors: true\n" % name for name in modules())
    playbook = user.home / "own.yml"
    playbook.write_text("- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n" + tasks)
    said = user.run(checkout, "ansible-playbook", str(playbook))
    for name in modules():
        (task,) = [part for part in said.split("TASK [")[1:] if part.startswith(name + "]")]
        # A required option that is missing is said first, as AnsibleModule does.
        assert REFUSED % name in task or "is required" in task or "missing required arguments" in task, task


def test_groups_share_defaults(user: User, checkout: Path) -> None:
    playbook = user.home / "group.yml"
    playbook.write_text(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n"
        "  module_defaults: {group/vmstation.kubejoin.with_timeout: {timeout: soon}}\n"
        "  tasks:\n  - vmstation.kubejoin.cni_placeholder: {}\n"
    )
    said = " ".join(user.run(checkout, "ansible-playbook", str(playbook)).split())
    assert "option timeout is" in said and "cannot be converted to int" in said, said


def test_a_stranger_installs_the_collection_and_uses_it_on_a_node_without_python(
    user: User, tarball: Path, node: Node, tmp_path: Path
) -> None:
    node.sh("rm -rf /root/.ansible /etc/cni/net.d")
    empty = tmp_path / "empty"
    empty.mkdir()
    said = user.run(empty, "ansible-galaxy", "collection", "install", "--offline", str(tarball))
    assert "was installed successfully" in said, said
    (empty / "hosts").write_text(node.inventory())
    (empty / "site.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n  - vmstation.kubejoin.cni_placeholder:\n      subnet: 10.99.0.0/16\n"
    )
    said = user.run(empty, "ansible-playbook", "-i", "hosts", "site.yml")
    assert "changed=1" in said and "10.99.0.0/16" in node.sh("cat /etc/cni/net.d/*"), said
    assert "changed=0" in user.run(empty, "ansible-playbook", "-i", "hosts", "site.yml")
    said = user.run(empty, "ansible-doc", "-l", "vmstation.kubejoin")
    assert all("vmstation.kubejoin." + name in said for name in modules()), said
    installed = user.home / ".ansible/collections/ansible_collections/vmstation/kubejoin"
    shipped = sorted(path.name for path in installed.iterdir())
    assert "plugins" in shipped and not {"modules", "target", "collections", "tests", ".cache"} & set(shipped), shipped


def test_installing_the_collection_inside_the_checkout_destroys_nothing(
    user: User, checkout: Path, tarball: Path, tmp_path: Path
) -> None:
    """The checkout's own collections/ leads back to it: what Ansible replaces there must not be the checkout."""
    copy = tmp_path / "kubejoin"
    shutil.copytree(checkout, copy, symlinks=True)
    user.run(copy, "ansible-galaxy", "collection", "install", "--offline", "--force", str(tarball))
    assert (copy / "plugins/action/kubejoin.py").exists() and (copy / "Cargo.toml").exists()
