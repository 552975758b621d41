"""What knows every module by its folder: the program that holds them all, and through it the fuzzing of their options.

`python docs/registry.py` writes it before the program is built; `docs/generate.py` needs the built one.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO = """\
# Written by docs/registry.py out of the folders of modules/.
[package]
name = "kubejoin"
description = "All modules in one program, chosen by name: what the action plugin uploads once per host."
version.workspace = true
edition.workspace = true
license.workspace = true
publish.workspace = true

[dependencies]
ansible.workspace = true
%s
[lints]
workspace = true
"""
LIB = """\
//! Every module there is. Written by docs/registry.py out of the folders of modules/.

use ansible::Module;

/// In the order of their names.
pub static MODULES: &[&Module] = &[
%s];
"""


def names(root: Path) -> list[str]:
    """Every module: a folder that is a crate."""
    return sorted(path.parent.name for path in root.glob("modules/*/Cargo.toml"))


def files(root: Path) -> dict[Path, str]:
    """The generated files with their text."""
    found = names(root)
    paths = "".join('%s = { path = "../../modules/%s" }\n' % (name, name) for name in found)
    return {
        root / "crates/kubejoin/Cargo.toml": CARGO % paths,
        root / "crates/kubejoin/src/lib.rs": LIB % "".join("    &%s::MODULE,\n" % name for name in found),
    }


def main() -> int:
    """Writes what differs."""
    for path, text in files(ROOT).items():
        if not path.exists() or path.read_text() != text:
            print("writing " + str(path.relative_to(ROOT)))
            path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
