"""The filter `manifests`: order, large ones, lists, kustomizations; and what is wrong, each once, with file and line."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmstation.kubejoin.plugins.filter.manifests import manifests

CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: shops.example.com}\n"
SHOP = "apiVersion: example.com/v1\nkind: Shop\nmetadata: {name: corner}\n"
WEB = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: front # where it is\n"


def written(directory: Path, **files: str) -> str:
    """A directory of manifests."""
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    return str(directory)


def read(directory: str) -> dict[str, Any]:
    """What is in it, when nothing is wrong."""
    found = manifests(directory)
    assert not found["wrong"], found["wrong"]
    return found


def test_definitions_and_namespaces_go_first_whatever_file_they_are_in(tmp_path: Path) -> None:
    found = read(written(tmp_path, a=SHOP + "---\n" + WEB, b="# a word\n---\n" + CRD + "---\n\n---\n"))
    assert [part["file"] for part in found["manifests"]] == ["b.yaml", "a.yaml"]
    assert found["objects"]["b.yaml"] == ["customresourcedefinition.apiextensions.k8s.io/shops.example.com"]
    assert found["objects"]["a.yaml"] == ["shop.example.com/corner", "deployment.apps/web"]
    assert found["workloads"] == [{"kind": "Deployment", "name": "web", "namespace": "front"}]
    assert found["manifests"][1]["text"] == SHOP + "---\n" + WEB, "the text as it was written, comments included"


def test_a_list_is_looked_into(tmp_path: Path) -> None:
    items = "".join("- " + doc.rstrip("\n").replace("\n", "\n  ") + "\n" for doc in (CRD, SHOP, WEB))
    found = read(written(tmp_path, all="apiVersion: v1\nkind: List\nitems:\n" + items))
    first, rest = (part["text"] for part in found["manifests"])
    assert "CustomResourceDefinition" in first and '"Shop"' not in first and "Shop" in rest
    assert len(found["workloads"]) == 1


def test_what_is_too_large_for_an_annotation_is_merged_by_the_server(tmp_path: Path) -> None:
    small = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n"
    found = read(written(tmp_path, a=SHOP + "spec: " + "x" * 300_000 + "\n---\n" + small))
    assert [(part["server_side"], len(part["text"]) > 300_000) for part in found["manifests"]] == [
        (True, True),
        (False, False),
    ]
    assert found["manifests"][1]["text"] == small


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WEB + "---\n" + SHOP + "  bad: [\n", "line 10, column 3: "),
        ("a: b: c\n", "line 1, column 5: mapping values are not allowed here"),
        (WEB + "---\nhello\n", "line 7: no Kubernetes object: it needs apiVersion and kind"),
        (SHOP + "---\n\nkind: Shop\nmetadata: {name: x}\n", "line 6: no Kubernetes object"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", "line 1: the Pod has no metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n", "generateName, which cannot be applied"),
        ("apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n", "line 1, item 1: no Kubernetes object"),
        ("a:\n\t- b\n", "line 2, column 1: there is a tab where YAML wants spaces"),
        (
            SHOP + "---\n" + SHOP + "spec: 1\nkind: Again\n",
            "line 9, column 1: the key 'kind' stands twice, first on line 6",
        ),
        (WEB + "spec:\n  a: 1\n  b: 2\n  a: 3\n", "line 9, column 3: the key 'a' stands twice, first on line 7"),
        ("kind: {{ .Values.kind }}\n", "{{ }} is a template (of Helm?), which something has to render first"),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "only from a file called kustomization.yaml",
        ),
        (SHOP + "spec: &a [*a]\n", "line 1: the Shop corner contains itself"),
        (SHOP + "spec: !!python/object:os.system x\n", "line 4, column 7: could not determine a constructor"),
        (SHOP + "spec: 'a\x07b'\n", "line 4: the character U+0007 may not stand in YAML"),
        (SHOP + "---\n" + SHOP, "line 5: the Shop corner of the namespace default is in {path}, line 1, too"),
        (
            '{"apiVersion": "v1",\n "kind": "Pod", "kind": "Pod"}\n',
            "from line 1: the key 'kind' stands twice in one object",
        ),
        ('{"apiVersion": "v1",\n\t"metadata": {"name": "x"}}\n', "line 1: no Kubernetes object"),
    ],
)
def test_what_is_wrong_is_told_once_with_file_and_line(tmp_path: Path, content: str, said: str) -> None:
    directory = written(tmp_path, wrong=content)
    path = f"{directory}/wrong.yaml"
    (told,) = manifests(directory)["wrong"]
    assert told.startswith(path + ": ") and said.replace("{path}", path) in told and "\n" not in told, told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfea\x00", "it is UTF-16: save it as UTF-8"),
        (b"a: 1\nb: f\xefn\n", "line 2: it is not UTF-8 (byte 0xef): save it as UTF-8"),
        (b'{"a": 1,\n "b": }', "line 2, column 7: expecting value"),
        (b"[1,\n", "line 2, column 1: expecting value"),
        (b"[" * 100_000, "line 1: it is nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told_too(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    (told,) = manifests(str(tmp_path))["wrong"]
    assert told == f"{tmp_path}/x.json: {said}"


def test_all_that_is_wrong_is_told_at_once_and_names_write_no_lines(tmp_path: Path) -> None:
    written(tmp_path, a="a: b: c\n", b=SHOP, c="x\n")
    (tmp_path / "d\x1b[2K\nok.yaml").write_text("x\n")
    (tmp_path / "gone.yml").symlink_to("nowhere")
    told = manifests(str(tmp_path))["wrong"]
    assert [Path(why.split(": ")[0]).name for why in told] == ["a.yaml", "c.yaml", "d\\x1b[2K\\nok.yaml", "gone.yml"]
    assert told[-1].endswith("it cannot be read: No such file or directory")


def test_json_may_have_tabs_and_several_values_and_stand_in_any_file(tmp_path: Path) -> None:
    one = '{\n\t"apiVersion": "v1",\n\t"kind": "ConfigMap",\n\t"metadata": {"name": "%s"}\n}\n'
    (tmp_path / "a.json").write_text("\ufeff" + one % "a" + one % "b")
    (tmp_path / "c.yaml").write_text(one % "c")
    assert [part["text"].count("ConfigMap") for part in read(str(tmp_path))["manifests"]] == [2, 1]


def test_what_yaml_allows_is_allowed(tmp_path: Path) -> None:
    merged = "base: &base {a: 1}\nmore:\n  <<: *base\n  a: 2\n  when: 2026-11-26\n"
    written(
        tmp_path, a="%YAML 1.1\n---\n# nothing\n---\r\n" + SHOP + merged + "...\n", empty="", comment="# later\n---\n"
    )
    assert [part["file"] for part in read(str(tmp_path))["manifests"]] == ["a.yaml"]


def test_a_directory_with_nothing_to_apply_says_what_it_is(tmp_path: Path) -> None:
    def wrong(**files: str) -> str:
        for name, content in files.items():
            (tmp_path / name.replace("__", "/").replace("_", ".")).parent.mkdir(exist_ok=True)
            (tmp_path / name.replace("__", "/").replace("_", ".")).write_text(content)
        (told,) = manifests(str(tmp_path))["wrong"]
        return told

    assert wrong(README_md="x") == f"{tmp_path}: there is no manifest (.yaml, .yml, .json) in it"
    assert wrong(web__a_yaml=SHOP).endswith("; it has directories, of which one may be meant: web/")
    assert wrong(a_yaml="# nothing\n").endswith("there is no object in any of its manifests")
    assert "this is a Helm chart (Chart.yaml)" in wrong(Chart_yaml="name: x\n")
    assert "there are kustomization.yaml and kustomization.yml" in wrong(kustomization_yaml="", kustomization_yml="")
    for nothing in ("", str(tmp_path / "a.yaml"), str(tmp_path / "gone")):
        (told,) = manifests(nothing)["wrong"]
        assert told == f"apps_directory must be a directory of manifests on this machine, and '{nothing}' is not one"


def test_directories_that_are_left_out_are_named(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / ".git").mkdir()
    assert read(written(tmp_path, a=SHOP))["left_out"] == ["more/"]


def kustomized(tmp_path: Path) -> str:
    for name, content in {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": WEB,
        "overlays/kustomization.yaml": "resources: [not-this]\n",
        "overlays/home/kustomization.yml": "resources: [../../base]\nnamePrefix: my-\npatches: [{path: patches/x.yaml}]\n",
        "overlays/home/patches/x.yaml": "kind: Deployment\n",
        "overlays/home/.git/config": "secret\n",
        "private.txt": "secret\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return str(tmp_path / "overlays/home")


def test_a_kustomization_goes_with_the_directories_that_it_names_and_no_other(tmp_path: Path) -> None:
    found = read(kustomized(tmp_path))["kustomization"]
    assert sorted(found["files"]) == [
        "base/kustomization.yaml", "base/web.yaml", "overlays/home/kustomization.yml", "overlays/home/patches/x.yaml",
    ]  # fmt: skip
    assert base64.b64decode(found["files"]["base/web.yaml"]).decode() == WEB
    assert found["entry"] == "overlays/home"


def test_what_a_kustomization_renders_to_is_read_like_a_manifest(tmp_path: Path) -> None:
    directory = kustomized(tmp_path)
    found = manifests(directory, rendered=(WEB + "---\n" + CRD).replace("\n", "\r\n"))
    assert [part["file"] for part in found["manifests"]] == ["kustomization.yml"] * 2
    assert "CustomResourceDefinition" in found["manifests"][0]["text"] and found["workloads"]
    assert found["kustomization"] is None and not found["wrong"]
    assert "there is no object in any" in manifests(directory, rendered="")["wrong"][0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("resources: [\n", "line 2, column 1: "),
        ("- a\n", "it must be one document of keys and values"),
        ("", "it must be one document of keys and values"),
        ("helmCharts: [{name: x}]\n", "it uses Helm charts, which kubectl does not render"),
        ("resources: [a]\nresources: [b]\n", "line 2, column 1: the key 'resources' stands twice, first on line 1"),
    ],
)
def test_a_kustomization_that_cannot_be_read_is_told_before_anything_is_sent(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "kustomization.yaml").write_text(content)
    (told,) = manifests(str(tmp_path))["wrong"]
    assert told.startswith(f"{tmp_path}/kustomization.yaml: {said}"), told


def test_a_directory_that_is_no_kustomization_but_a_disk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    with (tmp_path / "film.mkv").open("wb") as film:
        os.truncate(film.fileno(), 5 << 20)
    (told,) = manifests(str(tmp_path))["wrong"]
    assert "too many for a kustomization" in told
