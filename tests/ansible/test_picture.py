"""The picture in README keeps its columns in every browser: no space has to be kept, every word has its place."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET

import pytest

from support.tree import ROOT

sys.path.insert(0, str(ROOT / "docs"))
from picture import CHARACTER, MARGIN, drawn

TABLE = [
    "NODE            READY   AGE",
    "\x1b[32mw1\x1b[0m              \x1b[31mno <&>\x1b[0m  5",
    "    \x1b[33min\x1b[0m:deep ",
    "",
]


def texts(svg: str) -> list[tuple[float, float, str]]:
    found = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [(float(e.attrib["x"]), float(e.attrib["y"]), "".join(e.itertext())) for e in found]


def test_every_word_stands_in_its_column() -> None:
    columns = {said: round((x - MARGIN) / CHARACTER) for x, _, said in texts(drawn(TABLE, "made"))}
    assert columns == {"NODE": 0, "READY": 16, "AGE": 24, "w1": 0, "no <&>": 16, "5": 24, "in": 4, ":deep": 6}


@pytest.mark.parametrize("svg", [drawn(TABLE, "made"), (ROOT / "docs/run.svg").read_text()], ids=["table", "run.svg"])
def test_no_text_depends_on_spaces_that_a_browser_collapses_and_none_is_outside(svg: str) -> None:
    width, height = map(float, ET.fromstring(svg).attrib["viewBox"].split()[2:])
    assert "xml:space" not in svg and texts(svg)
    for x, y, said in texts(svg):
        assert said == " ".join(said.split()), said
        assert x + len(said) * CHARACTER <= width and y <= height, said
