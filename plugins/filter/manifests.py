# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter `manifests`: what is in a directory of manifests, as texts that can be applied, in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.kustomization import bundle
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.manifest_files import look
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.manifest_objects import (
    called,
    checked,
    identity,
    is_large,
)
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
    C(wrong), one sentence each; C(kustomization), with C(entry) and C(files) in base64, when it has to be rendered first;
    C(manifests) to apply one after the other, namespaces and custom resource definitions, which others need, first: each with
    C(file), C(text) and C(server_side), as M(vmstation.kubejoin.kubectl_apply) takes them; C(objects), what C(kubectl) calls the
    objects in them, by file; C(workloads), with C(kind), C(name) and C(namespace), that roll out; and C(left_out), the directories
    in it. It holds what the manifests hold, secrets too: a task that keeps it needs C(no_log).
  type: dict
"""

# Kinds that others need to be there.
FIRST = ("Namespace", "CustomResourceDefinition")
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")


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
                "kustomization": kustomization._asdict(),
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


class Part(NamedTuple):
    """One document: its text, what is in it, whether others need it, and whether only the server can merge it."""

    file: str
    text: str
    first: bool
    server_side: bool


class Read:
    """What was read so far."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.parts: list[Part] = []
        self.objects: list[dict[str, Any]] = []
        self.called: dict[str, list[str]] = {}
        self.places: dict[tuple[str, ...], str] = {}

    def add(self, path: str, text: str, *, is_json: bool) -> None:
        """The documents of one file."""
        found, wrong = documents(text, is_json=is_json)
        self.wrong += [f"{path}: {why}" for why in wrong]
        name = printable(Path(path).name)
        for document in found:
            try:
                objects = self.objects_of(path, document)
            except Wrong as why:
                self.wrong.append(f"{path}: {why}")
                continue
            needed = [item for item in objects if item["kind"] in FIRST]
            large = any(is_large(item) for item in objects)
            if len(needed) == len(objects):
                self.parts += [Part(name, document.text, True, large)] if objects else []
            else:
                self.parts += [Part(name, json.dumps(item, default=str), True, is_large(item)) for item in needed]
                self.parts.append(Part(name, document.text, False, large))
            self.called.setdefault(name, []).extend(called(item) for item in objects)

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
        return {
            "wrong": [printable(why) for why in self.wrong],
            "kustomization": None,
            "manifests": together(self.parts),
            "objects": self.called,
            "workloads": [workload(item) for item in self.objects if item["kind"] in WORKLOADS],
            "left_out": [printable(name) for name in left_out],
        }


def together(parts: list[Part]) -> list[dict[str, Any]]:
    """The documents of one file that can be applied with one call, as one text."""
    texts: dict[tuple[bool, str, bool], list[str]] = {}
    for part in parts:
        texts.setdefault((not part.first, part.file, part.server_side), []).append(part.text)
    # Sorting by the first of it alone keeps the files in their order.
    return [
        {
            "file": file,
            "text": "---\n".join(
                text if text.endswith("\n") else text + "\n" for text in texts[late, file, server_side]
            ),
            "server_side": server_side,
        }
        for late, file, server_side in sorted(texts, key=lambda key: key[0])
    ]


def workload(item: dict[str, Any]) -> dict[str, str]:
    """What `kubectl rollout status` has to be told."""
    meta = item["metadata"]
    return {"kind": item["kind"], "name": str(meta["name"]), "namespace": str(meta.get("namespace") or "default")}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """Its name."""
        return {"manifests": manifests}
