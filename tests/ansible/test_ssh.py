"""The plugin over ssh, to a target without Python."""

from __future__ import annotations

import threading

import pytest

from support.controller import Controller
from support.node import PASSWORD, Node


def test_cold_is_two_commands_and_warm_is_one(remote: Controller, node: Node) -> None:
    first = remote.adhoc("probe", "text=x", "-vvv", host="node")
    second = remote.adhoc("probe", "text=x", "-vvv", host="node")
    long = remote.adhoc("aggressive_reset", "text=x", "-vvv", host="node")
    assert [run.remote_commands() for run in (first, second, long)] == [2, 1, 1], first.output + second.output
    assert node.sh("which python3 || echo none").strip() == "none"


@pytest.mark.parametrize("pipelining", ["False", "True"])
def test_become_of_every_kind(remote: Controller, node: Node, pipelining: str) -> None:
    tasks = "\n".join(
        "- name: %s\n  probe: {text: hello}\n  vars: {ansible_user: %s}\n  become: true\n  become_user: %s\n  become_method: %s\n"
        % case
        for case in (
            ("root", "u1", "root", "ansible.builtin.sudo"),
            ("other", "u1", "u3", "ansible.builtin.sudo"),
            ("password", "u2", "root", "ansible.builtin.sudo"),
            ("other with password", "u2", "u3", "ansible.builtin.sudo"),
            ("su", "u3", "root", "ansible.builtin.su"),
            ("su to other", "u3", "u1", "ansible.builtin.su"),
        )
    )
    run = remote.play(
        tasks, "-vvv", "-e", "ansible_become_password='%s'" % PASSWORD, hosts="node", ANSIBLE_PIPELINING=pipelining
    )
    assert run.rc == 0, run.output
    uids = [run[name]["uid"] for name in ("root", "other", "password", "other with password", "su", "su to other")]
    assert uids == [0, 1002, 0, 1002, 0, 1000], run.output
    assert run.remote_commands() == 6 + 3, run.output
    assert PASSWORD not in run.output.replace("ansible_become_password='%s'" % PASSWORD, "")
    owners = node.sh("stat -c '%U %a' /root/.ansible/kubejoin /home/u3/.ansible/kubejoin /home/u1/.ansible/kubejoin")
    assert owners.splitlines() == ["root 700", "u3 700", "u1 700"]


def test_neither_options_nor_environment_are_in_a_command_line_on_the_target(remote: Controller, node: Node) -> None:
    tasks = """
    - name: quick
      probe: {text: option-in-sight, secret: hush-option, note: /tmp/note, phases: [a], seconds: 3, environment: [PROXY]}
      environment: {PROXY: hush-environment}
      become: true
      become_user: u1
    """
    seen: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            seen.append(node.command_lines())

    watcher = threading.Thread(target=watch)
    watcher.start()
    run = remote.play(tasks, hosts="node")
    done.set()
    watcher.join()
    assert run["quick"]["environment"] == {"PROXY": "hush-environment"}, run.output
    all_seen = "\n".join(seen)
    assert "probe -" in all_seen
    for word in ("hush-environment", "hush-option", "option-in-sight"):
        assert word not in all_seen


@pytest.mark.parametrize("mount", ["noexec", "size=600k", "ro"])
def test_a_home_that_cannot_hold_the_program_is_no_obstacle(remote: Controller, node: Node, mount: str) -> None:
    node.sh("mount -t tmpfs -o mode=700,uid=1000,%s tmpfs /home/u1 2>/dev/null" % mount)
    try:
        run = remote.play(
            "- {name: first, probe: {text: a}}\n- {name: second, probe: {text: b}}", "-vvv",
            hosts="node", keywords="become: true\nbecome_user: u1\n",
        )  # fmt: skip
        assert run.rc == 0 and run["second"]["text"] == "b", run.output
        assert run["second"]["program"].startswith("/var/tmp/kubejoin-1000/kubejoin-")
        assert node.sh("stat -c '%U %a' /var/tmp/kubejoin-1000").strip() == "u1 700"
        assert run.remote_commands() == (4 if mount.startswith("size") else 3), run.output
    finally:
        node.sh("umount /home/u1")


def test_no_place_at_all_is_said_with_the_reasons(remote: Controller, node: Node) -> None:
    node.sh("mkdir /tmp/full; mount -t tmpfs -o mode=777,noexec tmpfs /tmp/full")
    try:
        run = remote.adhoc("probe", "text=x", "-e", "kubejoin_cache_dir=/tmp/full/place", host="node")
    finally:
        node.sh("umount /tmp/full")
    assert "exception" not in run.output and run.only["msg"].endswith(
        "/tmp/full/place is mounted noexec; set kubejoin_cache_dir to one that can"
    ), run.output


def test_a_target_that_is_not_there_is_unreachable(remote: Controller) -> None:
    for module in ("probe", "aggressive_reset"):
        run = remote.adhoc(module, "text=x", "-e", "ansible_port=9", host="node")
        assert run.only.verdict == "unreachable", run.output


def test_a_machine_without_a_binary_gets_a_clear_sentence(remote: Controller) -> None:
    remote.tree.binary().parent.rename(remote.tree.binary().parent.with_name("riscv64"))
    run = remote.adhoc("probe", "text=x", host="node")
    assert "exception" not in run.output and run.only["msg"].endswith(
        "the target is x86_64, and the collection carries binaries for riscv64 only"
    )
    remote.tree.binary("riscv64").unlink()
    run = remote.adhoc("probe", "text=x", host="node")
    assert "the collection carries no program in" in run.only["msg"] and "`make build`" in run.only["msg"]


def test_each_machine_gets_the_binary_for_its_architecture(remote: Controller, node: Node) -> None:
    other = remote.tree.binary("aarch64")
    other.parent.mkdir()
    other.write_text('#!/bin/sh\ncat >/dev/null\necho \'{"text": "for aarch64"}\'\n')
    node.sh("printf '#!/bin/sh\\necho aarch64\\n' > /usr/local/bin/uname; chmod 755 /usr/local/bin/uname")
    try:
        run = remote.play("- {name: cold, probe: {text: x}}\n- {name: warm, probe: {text: x}}", "-vvv", hosts="node")
    finally:
        node.sh("rm /usr/local/bin/uname")
    assert [run[name]["text"] for name in ("cold", "warm")] == ["for aarch64"] * 2 and run.remote_commands() == 3
    # Both programs may share a home directory: the other architecture's does not drive this one out.
    assert remote.adhoc("probe", "text=x", host="node").only["text"] == "x"
    assert remote.adhoc("probe", "text=x", "-vvv", host="node").remote_commands() == 1
    assert len(node.sh("ls /root/.ansible/kubejoin").split()) == 4


def test_many_tasks_at_once_bring_the_same_program(remote: Controller, node: Node) -> None:
    line = node.inventory()
    remote.inventory.write_text("".join("%s%d%s" % ("node", number, line[4:]) for number in range(8)))
    run = remote.play("- {name: first, probe: {text: x}}\n- {name: second, probe: {text: x}}", "-f", "8", hosts="all")
    assert run.rc == 0 and [task.verdict for task in run.tasks] == ["ok"] * 16, run.output
    assert len(node.sh("ls -A /root/.ansible/kubejoin").split()) == 2
