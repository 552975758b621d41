"""What goes into the collection's archive: each file by name, so that nothing that lies beside them can get in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

# Where the collection's files are; `binaries` is built, and git does not know it.
SHIPPED = (
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "docs",
    "inventory/example.yml",
    "meta",
    "playbooks",
    "plugins",
    "roles",
)
BUILT = ("binaries/aarch64/kubejoin", "binaries/x86_64/kubejoin")
# What only a checkout needs of those.
LEFT_OUT = ("docs/*.py", "playbooks/lab.yml", "plugins/action/names/*")
MARK = "# From here on written by docs/generate.py: every file that git knows, and no other.\n"


def galaxy(root: Path, generated: Iterable[Path]) -> str:
    """The text of galaxy.yml: its head as it is, and the list. What is generated belongs in it before git knows it."""
    head = (root / "galaxy.yml").read_text().partition(MARK)[0]
    lines = "".join("    - include %s\n" % name for name in [*BUILT, *shipped(root, generated)])
    return head + MARK + "manifest:\n  omit_default_directives: true\n  directives:\n" + lines


def shipped(root: Path, generated: Iterable[Path]) -> list[str]:
    """The files of the archive that git knows, and those that are generated for it, sorted."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--", *SHIPPED]
    names = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    ours = (path.relative_to(root) for path in generated)
    names += [path.as_posix() for path in ours if any(path.is_relative_to(room) for room in SHIPPED)]
    return sorted({name for name in names if name and not any(Path(name).match(pattern) for pattern in LEFT_OUT)})
