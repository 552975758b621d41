"""The filter `manifests`: order, sizes, lists, and errors that name file and line."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError

from support.tree import ROOT

sys.path.insert(0, str(ROOT / "plugins/filter"))
from manifests import manifests

CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: shops.example.com}\n"
SHOP = "apiVersion: example.com/v1\nkind: Shop\nmetadata: {name: corner}\n"
WEB = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: front # where it is\n"


def written(directory: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    return [str(directory / f"{name}.yaml") for name in files]


def text(part: dict) -> str:
    return b"".join(base64.b64decode(chunk) for chunk in part["chunks"]).decode()


def test_definitions_and_namespaces_go_first_whatever_file_they_are_in(tmp_path: Path) -> None:
    read = manifests(written(tmp_path, a=SHOP + "---\n" + WEB, b="# a word\n---\n" + CRD + "---\n\n---\n"))
    assert [(part["file"], part["first"]) for part in read["parts"]] == [("b.yaml", True), ("a.yaml", False)]
    assert read["definitions"] == ["shops.example.com"]
    assert read["workloads"] == [{"kind": "Deployment", "name": "web", "namespace": "front"}]
    assert text(read["parts"][1]) == SHOP + "---\n" + WEB, "the text as it was written, comments included"


def test_a_list_is_looked_into(tmp_path: Path) -> None:
    items = "".join("- " + doc.rstrip("\n").replace("\n", "\n  ") + "\n" for doc in (CRD, SHOP, WEB))
    read = manifests(written(tmp_path, all="apiVersion: v1\nkind: List\nitems:\n" + items))
    assert [part["first"] for part in read["parts"]] == [True, False]
    assert "CustomResourceDefinition" in text(read["parts"][0]) and "Shop" not in text(read["parts"][0])
    assert (read["definitions"], len(read["workloads"])) == (["shops.example.com"], 1)


def test_what_is_large_goes_in_pieces_that_one_argument_can_carry(tmp_path: Path) -> None:
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata:\n  film: " + "ä" * 40_000 + "\n"
    big = "---\n".join([one] * 8)
    (part,) = manifests(written(tmp_path, big=big))["parts"]
    assert len(part["chunks"]) > 5 and max(map(len, part["chunks"])) < 100_000
    assert text(part) == big


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WEB + "---\n" + SHOP + "  bad: [\n", "line 10, column 3"),
        ("a: b: c\n", "line 1, column 5"),
        (WEB + "---\nhello\n", "line 7: no Kubernetes object: it needs apiVersion and kind"),
        (SHOP + "---\n\nkind: Shop\nmetadata: {name: x}\n", "line 6: no Kubernetes object"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", "line 1: the Pod has no metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n", "generateName, which cannot be applied"),
        ("apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n", "line 1, item 1: no Kubernetes object"),
        ("a:\n\t- b\n", "line 2, column 1"),
        (SHOP + "spec: " + "x" * 300_000 + "\n", "the Shop corner has 300"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, content: str, said: str) -> None:
    (path,) = written(tmp_path, wrong=content)
    with pytest.raises(AnsibleFilterError) as told:
        manifests([path])
    assert str(told.value).startswith(path + ": ") and said in str(told.value), str(told.value)
