"""One version of ansible-core, run as a user would run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .tree import Tree


def short_path() -> str:
    """A directory for ssh's sockets, whose paths may have 107 bytes only."""
    return tempfile.mkdtemp(prefix="kp", dir="/tmp")


@dataclass
class Task:
    """One recorded result."""

    verdict: str
    host: str
    task: str
    result: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.result[key]


@dataclass
class Run:
    """One finished command and what its tasks said."""

    rc: int
    output: str
    tasks: list[Task] = field(default_factory=list)

    def __getitem__(self, name: str) -> Task:
        found = [task for task in self.tasks if task.task == name]
        assert len(found) == 1, (name, self.output)
        return found[0]

    @property
    def only(self) -> Task:
        assert len(self.tasks) == 1, self.output
        return self.tasks[0]

    def remote_commands(self) -> int:
        """How many commands the connection was asked to run (needs -vvv): one is one round trip."""
        return sum(1 for line in self.output.splitlines() if "> SSH: EXEC" in line or "> EXEC" in line)


class Controller:
    """Runs ad-hoc commands and playbooks from a tree, in a home directory of their own."""

    def __init__(self, programs: Path, version: str, tree: Tree, work: Path) -> None:
        self.programs = programs
        self.version = version
        self.tree = tree
        self.work = work
        self.home = work / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.sockets = short_path()
        self.record = work / "record"
        self.inventory = work / "inventory"
        self.inventory.write_text("here ansible_connection=local\n")

    @property
    def cache(self) -> Path:
        return self.home / ".ansible/kubejoin"

    def environ(self, **more: str) -> dict[str, str]:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTEST_", "PYTHON"))
        }
        kept.pop("CI", None)
        return {
            **kept,
            "HOME": str(self.home),
            "ANSIBLE_CONFIG": str(self.tree.base / "ansible.cfg"),
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": self.sockets,
            "RECORD": str(self.record),
            "PATH": "%s:%s" % (self.programs, os.environ["PATH"]),
            **more,
        }

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(self.programs / program), "-i", str(self.inventory), *arguments]

    def adhoc(self, module: str, options: dict[str, Any] | str, *arguments: str, host: str = "here", **env: str) -> Run:
        text = options if isinstance(options, str) else json.dumps(options)
        return self._run(self.command("ansible", host, "-m", module, "-a", text, *arguments), env)

    def play(self, tasks: str, *arguments: str, hosts: str = "here", keywords: str = "", **env: str) -> Run:
        playbook = self.work / "playbook.yml"
        head = "- hosts: %s\n  gather_facts: false\n" % hosts
        playbook.write_text(
            head
            + textwrap.indent(textwrap.dedent(keywords), "  ")
            + "  tasks:\n"
            + textwrap.indent(textwrap.dedent(tasks), "  ")
        )
        return self._run(self.command("ansible-playbook", str(playbook), *arguments), env)

    def _run(self, command: list[str], env: dict[str, str]) -> Run:
        self.record.unlink(missing_ok=True)
        done = subprocess.run(
            command, env=self.environ(**env), cwd=self.work, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout, self.tasks())

    def tasks(self) -> list[Task]:
        if not self.record.exists():
            return []
        return [Task(**json.loads(line)) for line in self.record.read_text().splitlines()]


def interrupted(process: subprocess.Popen[bytes], number: int) -> bytes:
    """What Ansible, in a session of its own, says when Ctrl-C is typed (SIGINT) or it alone gets another signal."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    return process.communicate(timeout=120)[0]
