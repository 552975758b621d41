# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which binaries this collection carries: ``binaries/<arch>/kubejoin``, known by the hash of their content.

Where KUBEJOIN_BINARIES is set, those that it names are used instead.

An architecture is named as ``uname -m`` names it. The target's own shell chooses, so nothing is asked of the target
before the task itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass

from ansible import constants as C

from .answer import Refusal

PROGRAM = "kubejoin"
DIRECTORY = os.environ.get("KUBEJOIN_BINARIES") or os.path.normpath(
    os.path.join(os.path.dirname(__file__), "..", "..", "binaries")
)

# Other names by which `uname -m` calls the same instruction set.
SAME_AS = {"x86_64": ("amd64", "x86-64"), "aarch64": ("arm64",)}


@dataclass(frozen=True)
class Binary:
    """One built program: ``sha256`` is hexadecimal, ``size`` in bytes."""

    arch: str
    path: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name under which a target keeps it."""
        return "%s-%s" % (PROGRAM, self.sha256[:16])

    @property
    def machine_names(self) -> tuple[str, ...]:
        """What `uname -m` may say on a target that can run it."""
        return (self.arch, *SAME_AS.get(self.arch, ()))

    def read(self) -> bytes:
        """The content, if it still is what was hashed: a build may have replaced it since."""
        with open(self.path, "rb") as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise Refusal("%s was replaced while the play ran; run it again" % self.path)
        return content


def carried(directory: str = DIRECTORY) -> list[Binary]:
    """All binaries under ``directory``, sorted by architecture."""
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        names = []
    paths = [(arch, os.path.join(directory, arch, PROGRAM)) for arch in names]
    # An unpacked archive of a release, which is for one architecture.
    single = os.path.join(directory, PROGRAM)
    if os.path.isfile(single):
        paths.append((_machine(single), single))
    found = [_binary(arch, path) for arch, path in paths if os.path.isfile(path)]
    if not found:
        raise Refusal(
            "the collection carries no program in %s/<architecture>/%s; in a checkout, `make build` makes it"
            % (directory, PROGRAM)
        )
    return found


def _machine(path: str) -> str:
    """The architecture that a program's ELF header names."""
    with open(path, "rb") as file:
        header = file.read(20)
    return {62: "x86_64", 183: "aarch64"}.get(int.from_bytes(header[18:20], "little"), "unknown")


def for_machine(binaries: list[Binary], machine: str) -> Binary:
    """The binary for what `uname -m` said."""
    for binary in binaries:
        if machine in binary.machine_names:
            return binary
    raise Refusal(
        "the target is %s, and the collection carries binaries for %s only"
        % (machine or "of no known architecture", ", ".join(b.arch for b in binaries))
    )


def _binary(arch: str, path: str) -> Binary:
    status = os.stat(path)
    return Binary(arch, path, status.st_size, _sha256(path, status))


def _sha256(path: str, status: os.stat_result) -> str:
    """The hash of a file, computed once per run.

    Every task is a process of its own, so what one has computed is kept in the run's private temporary directory;
    the key changes whenever the file does.
    """
    key = json.dumps([path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns])
    note = os.path.join(C.DEFAULT_LOCAL_TMP, "%s-%s" % (PROGRAM, hashlib.sha256(key.encode()).hexdigest()[:16]))
    try:
        with open(note, encoding="ascii") as file:
            return file.read()
    except OSError:
        pass
    with open(path, "rb") as program:
        digest = hashlib.sha256(program.read()).hexdigest()
    try:
        mine = "%s.%d" % (note, os.getpid())
        with open(mine, "w", encoding="ascii") as file:
            file.write(digest)
        os.replace(mine, note)
    except OSError:
        pass  # a full temporary directory costs time, not the task
    return digest
