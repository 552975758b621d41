"""One shell as a target has it, with a home directory of its own: runs the scripts without Ansible around them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from ansible_collections.vmstation.kubejoin.plugins.plugin_utils import launch_script, target_script
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.binaries import Binary

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "ash"]}

# In place of the program: answers with the module's name and its input, which it reads first, as the real one does.
PROGRAM = b'#!/bin/sh\nx=$(cat)\nprintf \'{"module": "%s", "input": %s}\\n\' "$1" "$x"\n'
OPTIONS = b'{"a": 1}\n'
ANSWER = b'{"module": "some_module", "input": {"a": 1}}\n'


class Target:
    """A shell and what the controller knows of it."""

    def __init__(self, shell: list[str], base: Path, program: bytes = PROGRAM) -> None:
        self.shell = shell
        self.home = base / "home"
        self.home.mkdir()
        self.shared = base / "shared"
        self.shared.mkdir(mode=0o1777)
        self.program = program
        self.env = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        self.cache: str | None = None

    @property
    def binary(self) -> Binary:
        return Binary("x86_64", "", len(self.program), hashlib.sha256(self.program).hexdigest())

    @property
    def place(self) -> Path:
        return self.home / ".ansible/kubejoin"

    @property
    def file(self) -> Path:
        return self.place / self.binary.file_name

    def run(self, script: str, data: bytes = b"\n") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self.shell, "-c", script],
            input=data,
            env=self.env,
            cwd="/",
            capture_output=True,
            timeout=120,
            check=False,
        )

    def start(self, script: str) -> subprocess.Popen[bytes]:
        """Runs a script whose output is a pipe that the test may close."""
        return subprocess.Popen(
            [*self.shell, "-c", script], env=self.env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )

    def places(self, skip: int = 0) -> str:
        return target_script.places(self.cache, None, skip)

    def warm(self, data: bytes = OPTIONS, run: str | None = None) -> subprocess.CompletedProcess[bytes]:
        run = run or launch_script.attached("0", "some_module")
        return self.run(target_script.warm([self.binary], self.places(), target_script.read_lines(False), run), data)

    def cold(self, data: bytes | None = None, skip: int = 0) -> subprocess.CompletedProcess[bytes]:
        run = launch_script.attached("0", "some_module")
        read = target_script.read_lines(False)
        script = target_script.cold([self.binary], self.binary, self.places(skip), read, run)
        return self.run(script, OPTIONS + self.program if data is None else data)

    def hit(self) -> bool:
        """Whether the program is found; that it is the right one is checked on the way."""
        done = self.warm()
        if done.returncode == target_script.MISS:
            assert done.stdout == b"KUBEJOIN MISS x86_64\n", done
            return False
        assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, b""), done
        return True
