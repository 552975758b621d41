# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a document has to be before it is sent: a Kubernetes object that `kubectl apply` can apply, or a list of them."""

from __future__ import annotations

import json
from typing import Any

from .manifest_text import Wrong
from .printable import printable

# What the API server takes of annotations, into which `kubectl apply` writes the whole object.
APPLICABLE = 262_144


def checked(said: Any, where: str) -> list[dict[str, Any]]:
    """The objects in it: itself, or those of a list. Refuses what is none."""
    if not isinstance(said, dict) or not isinstance(said.get("kind"), str) or not said.get("apiVersion"):
        raise Wrong(f"{where}: no Kubernetes object: it needs apiVersion and kind")
    if is_list(said):
        items = enumerate(said["items"] or [], 1)
        return [inner for number, item in items for inner in checked(item, f"{where}, item {number}")]
    kind = said["kind"]
    if str(said["apiVersion"]).startswith("kustomize.config.k8s.io/"):
        raise Wrong(f"{where}: a {kind} is read by kubectl only from a file called kustomization.yaml")
    meta = said.get("metadata")
    if not isinstance(meta, dict) or not (meta.get("name") or meta.get("generateName")):
        raise Wrong(f"{where}: the {kind} has no metadata.name")
    if not meta.get("name"):
        raise Wrong(f"{where}: the {kind} has generateName, which cannot be applied: give it a name")
    try:
        size(said)
    except (ValueError, RecursionError):
        raise Wrong(f"{where}: the {kind} {meta['name']} contains itself") from None
    return [said]


def size(item: dict[str, Any]) -> int:
    """Bytes of it as JSON. Dates are text to Kubernetes."""
    return len(json.dumps(item, separators=(",", ":"), default=str))


def is_large(item: dict[str, Any]) -> bool:
    """Whether it is too large for `kubectl apply`, so that the API server has to merge it."""
    return size(item) > APPLICABLE


def called(item: dict[str, Any]) -> str:
    """What kubectl calls it, such as `deployment.apps/web`."""
    group = str(item["apiVersion"]).rpartition("/")[0]
    dot = "." if group else ""
    return printable(f"{item['kind'].lower()}{dot}{group}/{item['metadata']['name']}")


def is_list(said: dict[str, Any]) -> bool:
    """Whether it is a `List`, or a `ConfigMapList` and its like, which kubectl takes too."""
    return said["kind"].endswith("List") and isinstance(said.get("items"), (list, type(None))) and "items" in said


def identity(item: dict[str, Any]) -> tuple[str, str, str, str]:
    """What makes it one object in the cluster, whatever the version of its API: group, kind, namespace and name."""
    group = str(item["apiVersion"]).rpartition("/")[0]
    meta = item["metadata"]
    return group, item["kind"], str(meta.get("namespace") or "default"), str(meta["name"])
