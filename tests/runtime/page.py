"""docs/runtime-upgrade.md, from what the last run of each case found (docs/runtime-upgrade.tsv)."""

from __future__ import annotations

import datetime
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench.run import machine  # noqa: E402

KEPT = ROOT / "docs/runtime-upgrade.tsv"
PAGE = ROOT / "docs/runtime-upgrade.md"
WORDS = ROOT / "tests/runtime/page.md"
COLUMNS = [
    "case",
    "what",
    "from",
    "offered",
    "end",
    "now",
    "alive",
    "announced",
    "lost",
    "not_ready",
    "seconds",
    "problems",
    "date",
    "said",
]


def kept() -> dict[str, list[str]]:
    if not KEPT.exists():
        return {}
    return {line.split("\t")[0]: line.split("\t") for line in KEPT.read_text().splitlines()[1:]}


def keep(row: dict[str, object]) -> None:
    """Puts the row in the place of an earlier one of the same case."""
    rows = kept()
    row = {**row, "date": datetime.date.today().isoformat(), "problems": len(list(row["problems"]))}  # type: ignore[call-overload]
    rows[str(row["case"])] = [" ".join(str(row[name]).split()) for name in COLUMNS]
    KEPT.write_text("\t".join(COLUMNS) + "\n" + "".join("\t".join(values) + "\n" for values in rows.values()))


def write() -> None:
    order = [
        line.split("\t")[0]
        for line in (ROOT / "tests/runtime/cases.tsv").read_text().splitlines()
        if not line.startswith("#")
    ]
    rows = [dict(zip(COLUMNS, values, strict=True)) for name, values in kept().items() if name in order]
    rows.sort(key=lambda row: order.index(row["case"]))
    lines = [
        "| case | what | before | offered | wanted | after | processes alive | pods announced | bytes lost | s not Ready | s | |",
        "|---|---|---|---|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        values = [row[name] for name in COLUMNS[:11]]
        values[0] = "`%s`" % values[0]
        lines.append("| %s | %s |" % (" | ".join(values), "ok" if row["problems"] == "0" else "**failed**"))
    good = sum(row["problems"] == "0" for row in rows)
    missing = [name for name in order if name not in kept()]
    text = WORDS.read_text().replace("@TABLE@", "\n".join(lines))
    text = text.replace("@COUNT@", "%d of %d cases" % (good, len(order)))
    text = text.replace("@MISSING@", "Never run yet: %s." % ", ".join(missing) if missing else "")
    PAGE.write_text(text.replace("@MACHINE@", machine()))
