"""A node that cannot be worked on is told in one sentence: not reached, not root, or a password that is missing or wrong."""

from __future__ import annotations

import pytest

from support.controller import Controller, Run
from support.node import PASSWORD, Node
from support.tree import ROOT

ROLE = "- import_role: {name: node_access}"


def reach(remote: Controller, user: str, *arguments: str) -> Run:
    return remote.play(
        ROLE, "-e", "ansible_user=" + user, *arguments,
        hosts="node", ANSIBLE_ROLES_PATH=str(ROOT / "roles"), ANSIBLE_STDOUT_CALLBACK="vmstation.kubejoin.brief",
    )  # fmt: skip


def test_root_and_who_becomes_root_may_work(remote: Controller, node: Node) -> None:
    for run in (
        reach(remote, "root"),
        reach(remote, "u1", "-b"),
        reach(remote, "u2", "-b", "-e", "ansible_become_password='%s'" % PASSWORD),
    ):
        assert run.rc == 0, run.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("u1",), "this needs root, and runs on node as uid 1000: set ansible_become: true for this host, or give -b"),
        (("u2", "-b"), "sudo on node asks for a password: give it with -K (--ask-become-pass)"),
        (("u2", "-b", "-e", "ansible_become_password=wrong"), "node did not take the password for sudo"),
        (("root", "-e", "ansible_port=9"), "node cannot be reached: ssh: connect to host"),
    ],
    ids=["not root", "password missing", "password wrong", "not reached"],
)
def test_who_may_not_is_told_why(remote: Controller, node: Node, arguments: tuple[str, ...], sentence: str) -> None:
    run = reach(remote, *arguments)
    assert run.rc != 0
    said = run["node_access : Say why the node cannot be worked on"]["msg"]
    assert sentence in said and "\n" not in said, run.output


@pytest.mark.parametrize("pipelining", ["False", "True"])
def test_a_module_says_the_same_of_a_password(remote: Controller, node: Node, pipelining: str) -> None:
    for more, sentence in (
        ((), "sudo on node asks for a password: give it with -K"),
        (("-e", "ansible_become_password=wrong"), "node did not take the password for sudo"),
    ):
        arguments = ("-b", "-e", "ansible_user=u2", *more)
        run = remote.adhoc("probe", "text=x", *arguments, host="node", ANSIBLE_PIPELINING=pipelining)
        assert run.rc != 0 and sentence in run.only["msg"], run.output
