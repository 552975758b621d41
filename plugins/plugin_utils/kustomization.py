# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kustomization's files: its directory and those that it names, to be rendered where kubectl is, on a control plane.

Files of a kustomization lie below its directory: kustomize itself sees to that. Only other directories (`resources`, `bases`,
`components`) may lie beside it, so only those are followed.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, NamedTuple

from .manifest_files import KUSTOMIZATIONS
from .manifest_text import Wrong, decoded, documents

DIRECTORIES = ("resources", "bases", "components")
# A kustomization is text: more than this is something else that lies there.
LARGEST = 4 * 1024 * 1024


class Bundle(NamedTuple):
    """The files, by path, in base64; and the directory among them that is to be rendered."""

    entry: str
    files: dict[str, str]


def bundle(kustomization: Path) -> Bundle:
    """Everything that rendering it needs of this machine."""
    # Where the links end: `../base` means what it means to kustomize.
    start = Path(os.path.realpath(kustomization.parent))
    directories = followed(start)
    top = Path(os.path.commonpath(directories))
    # What lies in another one goes along with that.
    outermost = [d for d in directories if not any(other in d.parents for other in directories)]
    found: dict[str, str] = {}
    size = 0
    for directory in outermost:
        for path in sorted(files(directory)):
            size += path.stat().st_size
            if size > LARGEST:
                raise Wrong(
                    f"{directory}: it has more than {LARGEST} bytes, too many for a kustomization: keep only its files there"
                )
            try:
                content = path.read_bytes()
            except OSError as error:
                raise Wrong(f"{path}: it cannot be read: {error.strerror}") from None
            found[str(path.relative_to(top))] = base64.b64encode(content).decode()
    return Bundle(str(start.relative_to(top)), found)


def files(directory: Path) -> list[Path]:
    """The files below it; those of version control and other hidden directories are not needed."""
    found = []
    for at, inner, names in os.walk(directory):
        inner[:] = [name for name in inner if not name.startswith(".")]
        found += [Path(at, name) for name in names if Path(at, name).is_file()]
    return found


def followed(start: Path) -> list[Path]:
    """The directories of the kustomization, and of those that it names."""
    found: list[Path] = []
    todo = [start]
    while todo:
        directory = todo.pop()
        if directory in found:
            continue
        found.append(directory)
        for name in KUSTOMIZATIONS:
            if (directory / name).is_file():
                named = directories(directory / name)
                todo += [Path(os.path.realpath(directory / other)) for other in named]
    return found


def directories(kustomization: Path) -> list[str]:
    """The directories on this machine that one kustomization names."""
    said = read(kustomization)
    names = [name for key in DIRECTORIES for name in said.get(key) or [] if isinstance(name, str)]
    return [name for name in names if (kustomization.parent / name).is_dir()]


def read(kustomization: Path) -> dict[str, Any]:
    """What it says; a mistake is told before anything is sent."""
    try:
        found, wrong = documents(decoded(kustomization.read_bytes()), is_json=False)
    except OSError as error:
        raise Wrong(f"{kustomization}: it cannot be read: {error.strerror}") from None
    except Wrong as why:
        raise Wrong(f"{kustomization}: {why}") from None
    if wrong:
        raise Wrong(f"{kustomization}: {wrong[0]}")
    if len(found) != 1 or not isinstance(found[0].said, dict):
        raise Wrong(f"{kustomization}: it must be one document of keys and values")
    said: dict[str, Any] = found[0].said
    if said.get("helmCharts") or said.get("helmChartInflationGenerator"):
        raise Wrong(
            f"{kustomization}: it uses Helm charts, which kubectl does not render: render it with kustomize build --enable-helm"
        )
    return said
