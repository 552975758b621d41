"""Names in a node's diagnosis are anybody's: the page shows them, and they make neither markup nor columns."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).resolve().parents[2] / "roles/diagnose/templates"
NAME = "a`b|c\n# d<script>alert(1)</script>[x](javascript:y)<img src=x onerror=z>\\| 1\"'&amp;"
FINDING = {
    "code": "mount_hangs",
    "severity": "critical",
    "title": "a mounted file system does not answer",
    "evidence": [NAME.replace("\n", " ")],
    "cause": NAME,
    "remedy": NAME,
    "link": "docs/troubleshooting.md#mount_hangs",
}
HOSTS = {
    "w1|<b>": {"healthy": False, "primary_cause": FINDING, "findings": [FINDING], "report": "# Node w1\n"},
    "w2": {"msg": f"no Python\n{NAME}"},
    "w3": {"msg": NAME},
}


def rendered(name: str) -> str:
    """As Ansible's template module renders it (trim_blocks), with the filters and the global that it adds."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), trim_blocks=True)
    environment.filters["split"] = str.split
    environment.filters["regex_replace"] = lambda text, pattern, by, multiline=False: re.sub(
        pattern, by, text, flags=re.MULTILINE if multiline else 0
    )
    environment.globals["now"] = lambda **_: "2026-11-21 00:00"
    hosts = {name: {"diagnose_seen": seen} for name, seen in HOSTS.items()}
    return environment.get_template(name).render(ansible_play_hosts_all=list(HOSTS), hostvars=hosts)


def test_the_web_page_has_no_tag_but_its_own() -> None:
    tags: list[tuple[str, list[tuple[str, str | None]]]] = []
    text: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append((tag, attrs))

        def handle_data(self, data: str) -> None:
            text.append(data)

    reader: Any = Reader()
    reader.feed(rendered("index.html.j2"))
    assert not {tag for tag, _ in tags} & {"script", "img"}
    assert not [attribute for _, attributes in tags for attribute, _ in attributes if attribute.startswith("on")]
    assert "<script>alert(1)</script>" in "".join(text), "the name itself is shown"


def test_the_summary_has_the_columns_and_the_lines_that_it_has() -> None:
    lines = rendered("report.md.j2").splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + len(HOSTS)
    for row in rows:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 6, row
        assert "<" not in row and not re.search(r"(?<!\\)(?:\\\\)*[`\[]", row), row
    assert [line for line in lines if line.startswith("#")] == ["# Nodes, 2026-11-21 00:00 UTC", "## Node w1"]
