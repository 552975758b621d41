# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lies in a directory of manifests: files to read, or a kustomization; or why there is nothing to apply."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

SUFFIXES = (".yaml", ".yml", ".json")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Found(NamedTuple):
    """The files in their order, or the kustomization; directories that are left out; and what is wrong."""

    files: list[Path]
    kustomization: Path | None
    left_out: list[str]
    wrong: list[str]


def look(directory: str) -> Found:
    """Reads no file."""
    if not os.path.isdir(directory):
        return nothing(f"apps_directory must be a directory of manifests on this machine, and '{directory}' is not one")
    try:
        entries = sorted(Path(directory).iterdir())
    except OSError as error:
        return nothing(f"{directory}: it cannot be read: {error.strerror}")
    kustomizations = [entry for entry in entries if entry.name in KUSTOMIZATIONS]
    if len(kustomizations) > 1:
        called = " and ".join(entry.name for entry in kustomizations)
        return nothing(f"{directory}: there are {called}, and kubectl takes one of them: remove the other")
    if kustomizations:
        return Found([], kustomizations[0], [], [])
    return manifests_among(directory, [entry for entry in entries if not entry.name.startswith(".")])


def manifests_among(directory: str, entries: list[Path]) -> Found:
    """The manifests in a directory that is no kustomization. A link that leads nowhere is one that cannot be read."""
    if any(entry.name == "Chart.yaml" for entry in entries):
        return nothing(
            f"{directory}: this is a Helm chart (Chart.yaml), whose templates are no manifests: render it into a directory of "
            f"its own, helm template NAME {directory} >DIR/manifests.yaml, and apply that"
        )
    directories = [entry.name + "/" for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if entry.suffix in SUFFIXES and not entry.is_dir()]
    if not files:
        instead = f"; it has directories, of which one may be meant: {', '.join(directories)}" if directories else ""
        return nothing(f"{directory}: there is no manifest ({', '.join(SUFFIXES)}) in it{instead}")
    return Found(files, None, directories, [])


def nothing(why: str) -> Found:
    """Nothing to apply, and why."""
    return Found([], None, [], [why])
