"""What the tests stand on: the versions of ansible-core under test, and a collection tree around the probe."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))

from ansible_collections.vmstation.kubejoin.plugins.plugin_utils import target_script

from support.controller import Controller
from support.node import Node, available
from support.target import SHELLS, Target
from support.tree import Tree

# "2.15.13=/path/to/venv/bin 2.21.5=/path/to/venv/bin", written by tests/ansible/run.
CORES = dict(pair.split("=", 1) for pair in os.environ.get("KUBEJOIN_TEST_CORES", "").split())


def skip(why: str) -> None:
    """Says loudly what was not tested; under STRICT=1 that is a failure."""
    if os.environ.get("STRICT") == "1":
        pytest.fail(why, pytrace=False)
    print("SKIP", why, file=sys.stderr)
    pytest.skip(why)


@pytest.fixture(params=sorted(CORES) or [None], ids=str)
def core(request: pytest.FixtureRequest) -> str:
    if request.param is None:
        skip("no ansible-core to test with: run tests/ansible/run")
    return request.param


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "tree")


@pytest.fixture
def controller(core: str, tree: Tree, tmp_path: Path) -> Controller:
    return Controller(Path(CORES[core]), core, tree, tmp_path / "work")


@pytest.fixture(params=SHELLS)
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    if shutil.which(SHELLS[request.param][0]) is None:
        skip("%s is not installed" % request.param)
    target = Target(SHELLS[request.param], tmp_path)
    # Not this machine's /var/tmp: the test's own, in the same role.
    monkeypatch.setattr(target_script, "SHARED", (str(target.shared),))
    return target


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str) -> Iterator[Node]:
    missing = available()
    if missing:
        skip(missing)
    # Another checkout may run its tests at the same time.
    node = Node("kubejoin-p-%s-%s" % (testrun_uid[:8], worker_id), tmp_path_factory.mktemp("node"))
    yield node
    node.remove()


@pytest.fixture
def remote(controller: Controller, node: Node) -> Controller:
    """The controller with the node as its only target, as root, and nothing of an earlier test on it."""
    node.sh("rm -rf /root/.ansible /home/*/.ansible /var/tmp/kubejoin-* /dev/shm/kubejoin-* /tmp/* /run/kubejoin-*")
    controller.inventory.write_text(node.inventory())
    return controller
