# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter `manifests`: what is in a directory of manifests, as pieces that can be sent to a node, in order."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: manifests
short_description: What is in a directory of manifests, in the order in which it can be applied
version_added: 0.1.0
author: kubejoin maintainers (@kubejoin)
description:
  - Reads manifests on the controller. A file that is no YAML, or that holds something else than Kubernetes objects, is an
    error that names file and line, before anything is applied.
  - The text of each object is passed on as it is; only objects out of a C(List) that have to go first are written anew.
options:
  _input:
    description: Paths of files, in the order in which they are to be applied.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: What would be applied
  ansible.builtin.debug:
    msg: "{{ ['/srv/apps/web.yaml'] | vmstation.kubejoin.manifests }}"
"""

RETURN = r"""
_value:
  description: >-
    C(parts) to apply one after the other, each with C(file), C(first) (namespaces and custom resource definitions, which
    others need) and C(chunks) of base64 that one command line can carry; C(definitions), the names of the custom resource
    definitions; and C(workloads), with C(kind), C(name) and C(namespace), that roll out.
  type: dict
"""

# Kinds that others need to be there.
FIRST = ("Namespace", "CustomResourceDefinition")
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
# Bytes of one piece: one argument of a program may have 128 KiB, and base64 makes four out of three.
PIECE = 60_000
# What the API server takes of annotations, into which `kubectl apply` writes the whole object.
APPLICABLE = 262_144
SEPARATOR = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)


def manifests(paths: list[str]) -> dict[str, Any]:
    """The filter: files in, parts, definitions and workloads out; see RETURN above."""
    first: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    everything: list[dict[str, Any]] = []
    for path in paths:
        name = Path(path).name
        early, late = [], []
        for text, found in documents(path):
            objects = flattened(found)
            everything += objects
            needed = [item for item in objects if item["kind"] in FIRST]
            if len(needed) == len(objects):
                early.append(text)
            else:
                early += [json.dumps(item) for item in needed]
                late.append(text)
        if early:
            first.append(part(name, early, first=True))
        if late:
            rest.append(part(name, late, first=False))
    return {
        "parts": first + rest,
        "definitions": [item["metadata"]["name"] for item in everything if item["kind"] == "CustomResourceDefinition"],
        "workloads": [workload(item) for item in everything if item["kind"] in WORKLOADS],
    }


def documents(path: str) -> list[tuple[str, dict[str, Any]]]:
    """Each document of a file as its text and what it says. Empty ones are left out."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AnsibleFilterError(f"{path}: {error}") from None
    found = []
    start = 0
    ends = [*SEPARATOR.finditer(text), None]
    for end in ends:
        piece = text[start : end.start() if end else len(text)]
        line = text.count("\n", 0, start)
        start = end.end() if end else start
        said = parsed(path, piece, line)
        if said is not None:
            found.append((piece.strip("\n") + "\n", said))
    return found


def parsed(path: str, piece: str, line: int) -> dict[str, Any] | None:
    """What one document says; nothing when it is empty. `line` is the number of lines before it."""
    try:
        said = yaml.safe_load(piece)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {line + mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise AnsibleFilterError(f"{path}: {where}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise AnsibleFilterError(f"{path}: from line {line + 1}: {error}") from None
    if said is None:
        return None
    words = piece.lstrip("\n")
    at = line + 1 + (len(piece) - len(words))
    return check(path, said, f"line {at}")


def check(path: str, said: Any, where: str) -> dict[str, Any]:
    """The object; refuses what is none. A List is looked into."""
    if not isinstance(said, dict) or not isinstance(said.get("kind"), str) or not said.get("apiVersion"):
        raise AnsibleFilterError(f"{path}: {where}: no Kubernetes object: it needs apiVersion and kind")
    if is_list(said):
        for number, item in enumerate(said["items"] or [], 1):
            check(path, item, f"{where}, item {number}")
        return said
    meta = said.get("metadata")
    if not isinstance(meta, dict) or not (meta.get("name") or meta.get("generateName")):
        raise AnsibleFilterError(f"{path}: {where}: the {said['kind']} has no metadata.name")
    if not meta.get("name"):
        raise AnsibleFilterError(
            f"{path}: {where}: the {said['kind']} has generateName, which cannot be applied: give it a name"
        )
    size = len(json.dumps(said, separators=(",", ":")))
    if size > APPLICABLE:
        raise AnsibleFilterError(
            f"{path}: {where}: the {said['kind']} {meta['name']} has {size} bytes, and kubectl apply takes {APPLICABLE}: "
            "apply it by hand, with kubectl apply --server-side"
        )
    return said


def is_list(said: dict[str, Any]) -> bool:
    """Whether it is a `List`, or a `ConfigMapList` and its like, which kubectl takes too."""
    return said["kind"].endswith("List") and isinstance(said.get("items"), (list, type(None))) and "items" in said


def flattened(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The object, or those that are in the list."""
    if not is_list(said):
        return [said]
    return [item for inner in said["items"] or [] for item in flattened(inner)]


def part(name: str, texts: list[str], *, first: bool) -> dict[str, Any]:
    """Documents of one file, in pieces."""
    content = "---\n".join(text if text.endswith("\n") else text + "\n" for text in texts).encode()
    chunks = [base64.b64encode(content[at : at + PIECE]).decode() for at in range(0, len(content), PIECE)]
    return {"file": name, "first": first, "chunks": chunks}


def workload(item: dict[str, Any]) -> dict[str, str]:
    """What `kubectl rollout status` has to be told."""
    meta = item["metadata"]
    return {"kind": item["kind"], "name": str(meta["name"]), "namespace": str(meta.get("namespace") or "default")}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """Its name."""
        return {"manifests": manifests}
