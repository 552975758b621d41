"""The report of a diagnosis: who is ill comes first, with the evidence in sight; names are anybody's and stay names."""

from __future__ import annotations

import json
import os
import re
import subprocess
from html.parser import HTMLParser
from typing import Any

import pytest
from conftest import CORES

from support.tree import ROOT

NAME = "a`b|c\n# d<script>alert(1)</script>[x](javascript:y)<img src=x onerror=z>\\| 1\"'&amp;\x1b[2K\u202e"


def finding(code: str, severity: str, text: str) -> dict[str, Any]:
    """As node_diagnose gives it: what is anybody's is one printable line there."""
    said = " ".join(text.split()).replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    return {
        "code": code,
        "severity": severity,
        "title": "a mounted file system does not answer",
        "evidence": [said],
        "cause": said,
        "remedy": said,
        "mended_by": None,
        "link": "docs/troubleshooting.md#" + code,
    }


def ill(severity: str, *codes: str) -> dict[str, Any]:
    findings = [finding(code, severity, NAME) for code in codes]
    more = "".join("## %s (x): y\n\n- more: [%s](%s)\n" % (f["code"], f["code"], f["link"]) for f in findings)
    return {"healthy": False, "primary_cause": findings[-1], "findings": findings, "report": "# Node n\n\n" + more,
            "seen": [["kernel", "6.1"], ["a<b>", findings[0]["cause"]]], "passed_over": []}  # fmt: skip


WELL = {"healthy": True, "primary_cause": None, "findings": [], "report": "# Node n\n\n| kernel | 6.1 |\n",
        "seen": [["kernel", "6.1"]], "passed_over": []}  # fmt: skip
HOSTS: dict[str, dict[str, Any]] = {
    "fine": WELL,
    "warned": ill("warning", "clock_unsynchronized"),
    "partly": {**WELL, "passed_over": ["the API server: refused"]},
    "off": {"unreachable": True, "msg": "Failed to connect to the host via ssh: No route\n" + NAME},
    "odd": {"msg": f"no answer\n{NAME}"},
    "ill": ill("critical", "bridge_down", "mount_hangs"),
}
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
  - {ansible.builtin.set_fact: {diagnose_seen: "{{ facts[inventory_hostname] }}"}}
  - {ansible.builtin.include_role: {name: diagnose, tasks_from: page.yml}}
  - {ansible.builtin.debug: {msg: "{{ lookup('template', role_dir ~ '/templates/nodes.txt.j2') }}"}, run_once: true}
"""


@pytest.fixture(scope="module", params=sorted(CORES))
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the role writes for HOSTS, with each ansible-core."""
    work = tmp_path_factory.mktemp("report")
    (work / "play.yml").write_text(PLAY)
    (work / "facts.json").write_text(
        json.dumps({"facts": HOSTS, "role_dir": str(ROOT / "roles/diagnose"), "diagnose_directory": str(work)})
    )
    command = [
        CORES[request.param] + "/ansible-playbook",
        "-i",
        ",".join(HOSTS) + ",",
        "-c",
        "local",
        "-e",
        f"@{work}/facts.json",
    ]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "HOME": str(work)}
    done = subprocess.run(
        [*command, str(work / "play.yml")], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: (work / name).read_text() for name in ("index.html", "report.md")}


class Page(HTMLParser):
    """A web page's tags, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes]


SUMMARY = "6 nodes: 1 critical, 1 could not be reached, 1 could not be looked at, 1 with warnings, 2 healthy."
ORDER = ["ill", "off", "odd", "warned", "fine", "partly"]


def test_it_begins_with_a_summary_and_who_needs_somebody_comes_first(pages: dict[str, str]) -> None:
    assert re.findall(r'<tr class="\w+"><td><a href="#node-\d+">(\w+)</a>', pages["index.html"]) == ORDER
    assert re.findall(r"<h2>(\w+) ", pages["index.html"]) == ORDER
    assert re.findall(r"^\| (\w+) \|", pages["report.md"].split("## ")[0], re.MULTILINE)[1:] == ORDER
    assert SUMMARY in pages["index.html"].split("<table")[0] and pages["report.md"].splitlines()[2] == SUMMARY


def test_the_primary_cause_is_first_and_evidence_is_in_sight(pages: dict[str, str]) -> None:
    page = pages["index.html"]
    assert page.index('id="node-1-mount_hangs"') < page.index('id="node-1-bridge_down"')
    folded = "".join(re.findall(r"<details>.*?</details>", page, re.DOTALL))
    assert "What was looked at" in folded and "Evidence" in page and "Evidence" not in folded and "<pre>" not in folded
    assert "nothing is wrong, but not all could be looked at" in page
    assert "<p>could not be reached: No route</p>" in page, "ssh's own reason, without what Ansible says around it"


def test_every_link_works_without_anything_but_the_page_and_explanations_are_in_it(pages: dict[str, str]) -> None:
    page = Page(pages["index.html"])
    ids, links = page.all("id"), page.all("href")
    assert len(ids) == len(set(ids)) and len(links) > len(HOSTS)
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert {link for link in links if not link.startswith("#")} == {"report.md"}
    assert "timeout 2 stat -f MOUNTPOINT; echo $?" in page.text, "how to look, from the page troubleshooting"
    headings = re.findall(r"^### (\w+)$", pages["report.md"], re.MULTILINE)
    assert re.findall(r"\]\(#(\w+)\)", pages["report.md"]) and set(
        re.findall(r"\]\(#(\w+)\)", pages["report.md"])
    ) <= set(headings)
    assert "](docs/" not in pages["report.md"] and "**Look:** `timeout 2 stat" in pages["report.md"]


def test_there_is_no_markdown_in_the_web_page(pages: dict[str, str]) -> None:
    assert "|---|" not in pages["index.html"] and "| kernel" not in pages["index.html"]


def test_the_web_page_has_no_tag_but_its_own(pages: dict[str, str]) -> None:
    page = Page(pages["index.html"])
    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text, "the name itself is shown"


def test_no_page_has_a_character_that_is_not_printable(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert page.replace("\n", "").isprintable()


def test_the_summary_has_the_columns_and_the_lines_that_it_has(pages: dict[str, str]) -> None:
    lines = pages["report.md"].split("## ")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + len(HOSTS)
    for row in rows:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 6, row
        assert "<" not in row and not re.search(r"(?<!\\)(?:\\\\)*[`\[]", row), row
    assert lines[0].startswith("# Nodes, ")


def test_the_page_is_small_enough_to_mail(pages: dict[str, str]) -> None:
    assert len(pages["index.html"]) < 20_000
