# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter `manifests`: what is in a directory of manifests, as pieces that can be sent to a node, in order."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.kustomization import bundle
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.manifest_files import look
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.manifest_objects import checked, identity
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.manifest_text import (
    Document,
    Wrong,
    decoded,
    documents,
    looks_like_json,
)
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.printable import printable

DOCUMENTATION = r"""
name: manifests
short_description: What is in a directory of manifests, in the order in which it can be applied
version_added: 0.1.0
author: kubejoin maintainers (@kubejoin)
description:
  - Reads manifests on the controller. Whatever is wrong with any of them is a sentence that names file and line, each once, and
    all of them before anything is applied.
  - The text of each object is passed on as it is; only objects out of a C(List) that have to go first are written anew.
  - A directory with a kustomization is passed on whole, with the directories that it names, to be rendered by C(kubectl kustomize).
options:
  _input:
    description: The directory.
    type: path
    required: true
  rendered:
    description: What C(kubectl kustomize) said of the kustomization in the directory.
    type: str
"""

EXAMPLES = r"""
- name: What would be applied
  ansible.builtin.debug:
    msg: "{{ '/srv/apps' | vmstation.kubejoin.manifests }}"
"""

RETURN = r"""
_value:
  description: >-
    C(wrong), one sentence each; C(kustomization), with C(entry) and C(chunks) of a base64 archive, when it has to be rendered
    first; C(parts) to apply one after the other, each with C(file), C(first) (namespaces and custom resource definitions, which
    others need) and C(chunks) of base64 that one command line can carry; C(definitions), the names of the custom resource
    definitions; C(workloads), with C(kind), C(name) and C(namespace), that roll out; and C(left_out), the directories in it.
  type: dict
"""

# Kinds that others need to be there.
FIRST = ("Namespace", "CustomResourceDefinition")
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
# Bytes of one piece: one argument of a program may have 128 KiB, and base64 makes four out of three.
PIECE = 60_000


def manifests(directory: str, rendered: str | None = None) -> dict[str, Any]:
    """The filter; see RETURN above."""
    found = look(directory)
    read = Read()
    read.wrong += found.wrong
    if found.kustomization and rendered is None:
        try:
            kustomization = bundle(found.kustomization)
        except Wrong as why:
            read.wrong.append(str(why))
        else:
            return {
                **read.result(found.left_out),
                "kustomization": {**kustomization._asdict(), "chunks": chunks(kustomization.archive)},
            }
    if found.kustomization and rendered is not None:
        read.add(str(found.kustomization), rendered.replace("\r\n", "\n"), is_json=False)
    for path in found.files:
        try:
            text = decoded(path.read_bytes())
            read.add(str(path), text, is_json=path.suffix == ".json" or looks_like_json(text))
        except OSError as error:
            read.wrong.append(f"{path}: it cannot be read: {error.strerror}")
        except Wrong as why:
            read.wrong.append(f"{path}: {why}")
    if not read.objects and not read.wrong:
        read.wrong.append(f"{directory}: there is no object in any of its manifests")
    return read.result(found.left_out)


class Read:
    """What was read so far."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.first: list[dict[str, Any]] = []
        self.rest: list[dict[str, Any]] = []
        self.objects: list[dict[str, Any]] = []
        self.places: dict[tuple[str, ...], str] = {}

    def add(self, path: str, text: str, *, is_json: bool) -> None:
        """The documents of one file."""
        found, wrong = documents(text, is_json=is_json)
        self.wrong += [f"{path}: {why}" for why in wrong]
        early, late = [], []
        for document in found:
            try:
                objects = self.objects_of(path, document)
            except Wrong as why:
                self.wrong.append(f"{path}: {why}")
                continue
            if not objects:
                continue
            needed = [item for item in objects if item["kind"] in FIRST]
            if len(needed) == len(objects):
                early.append(document.text)
            else:
                early += [json.dumps(item, default=str) for item in needed]
                late.append(document.text)
        name = Path(path).name
        self.first += [part(name, early, first=True)] if early else []
        self.rest += [part(name, late, first=False)] if late else []

    def objects_of(self, path: str, document: Document) -> list[dict[str, Any]]:
        """What one document holds. The same object twice would be applied twice, and never be unchanged."""
        where = f"line {document.line}"
        objects = checked(document.said, where)
        for item in objects:
            who = identity(item)
            if who in self.places:
                raise Wrong(f"{where}: the {who[1]} {who[3]} of the namespace {who[2]} is in {self.places[who]}, too")
            self.places[who] = f"{path}, {where}"
        self.objects += objects
        return objects

    def result(self, left_out: list[str]) -> dict[str, Any]:
        """As RETURN has it."""
        definitions = [item["metadata"]["name"] for item in self.objects if item["kind"] == "CustomResourceDefinition"]
        return {
            "wrong": [printable(why) for why in self.wrong],
            "kustomization": None,
            "parts": self.first + self.rest,
            "definitions": definitions,
            "workloads": [workload(item) for item in self.objects if item["kind"] in WORKLOADS],
            "left_out": [printable(name) for name in left_out],
        }


def part(name: str, texts: list[str], *, first: bool) -> dict[str, Any]:
    """Documents of one file, in pieces."""
    content = "---\n".join(text if text.endswith("\n") else text + "\n" for text in texts).encode()
    return {"file": printable(name), "first": first, "chunks": chunks(content)}


def chunks(content: bytes) -> list[str]:
    """In base64, in pieces that one argument can carry."""
    return [base64.b64encode(content[at : at + PIECE]).decode() for at in range(0, len(content), PIECE)]


def workload(item: dict[str, Any]) -> dict[str, str]:
    """What `kubectl rollout status` has to be told."""
    meta = item["metadata"]
    return {"kind": item["kind"], "name": str(meta["name"]), "namespace": str(meta.get("namespace") or "default")}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """Its name."""
        return {"manifests": manifests}
