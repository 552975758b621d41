"""Holds the tables of docs/security.md against the sources: every file that writes, with its modes, and every `unsafe`.

Reads only. Ends with "N passed, N failed", each failure in one line before it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = [ROOT / "crates", ROOT / "modules"]
# host::files is the one home of the calls themselves; tests and examples are never on a node.
WRITERS = re.compile(r"write_atomic\(|make_dir\(|create_new\(true\)|\.create\(true\)")
MODE = re.compile(r"\b0o([0-7]{3})\b")
HOME = {"host/src/files.rs", "host/src/files/private.rs"}


def sources() -> dict[str, str]:
    """Path below crates/ or modules/ -> the part of the text that is shipped."""
    found = {}
    for path in sorted(path for room in ROOMS for path in room.glob("*/src/**/*.rs")):
        name = path.relative_to(ROOT).as_posix().split("/", 1)[1]
        if name.endswith(("tests.rs", "properties.rs")) or "/tests/" in name:
            continue
        found[name] = re.split(r"^#\[cfg\(test\)\]\n", path.read_text(), maxsplit=1, flags=re.MULTILINE)[0]
    return found


def cells(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading."""
    text = (ROOT / "docs/security.md").read_text().split("\n## %s\n" % heading, 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(text: str) -> str:
    """Without comments, so that a doc comment that names a function is no call of it."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))


def writes(found: dict[str, str]) -> list[str]:
    wrong = []
    told: dict[str, set[str]] = {}
    for row in cells("What is written"):
        told.setdefault(row[3].strip("`"), set()).update(re.findall(r"\b0([0-7]{3})\b", row[1]))
    actual = {}
    for name, text in found.items():
        if name not in HOME and WRITERS.search(code(text)):
            actual[name] = {mode for line in code(text).splitlines() for mode in MODE.findall(line)} - {"777"}
    wrong += [
        "%s writes, and docs/security.md does not say what" % name for name in sorted(actual.keys() - told.keys())
    ]
    wrong += ["docs/security.md has %s, which writes nothing" % name for name in sorted(told.keys() - actual.keys())]
    for name in sorted(actual.keys() & told.keys()):
        # A mode of 0644 may be what a file has that is there, or what the umask makes of it.
        unsaid = (actual[name] - told[name]) | (told[name] - actual[name] - {"644"})
        wrong += [
            "%s: mode 0%s is in the table or in the source, not in both" % (name, mode) for mode in sorted(unsaid)
        ]
    return wrong


def unsafe(found: dict[str, str]) -> list[str]:
    told = {tuple(re.findall(r"`([^`]+)`", row[0])): row[1] for row in cells("`unsafe`")}
    actual = {}
    for name, text in found.items():
        for match in re.finditer(r'#!?\[(?:allow|expect)\(unsafe_code, reason = "([^"]+)"\)\]', text):
            after = re.search(r"\bfn (\w+)", text[match.end() :])
            actual[(name, after[1] if after else "")] = match[1]
        allowed = len(re.findall(r"(?:allow|expect)\([^)]*unsafe_code", text))
        if allowed != sum(1 for key in actual if key[0] == name):
            return ["%s allows unsafe code in a form that this test does not read" % name]
        if re.search(r"\bunsafe\b\s*(\{|fn|impl|extern)", code(text)) and not allowed:
            return ["%s has unsafe code that nothing allows" % name]
    return (
        []
        if told == actual
        else ["unsafe: the table says %s, the sources %s" % (sorted(told.items()), sorted(actual.items()))]
    )


def unshared(_: dict[str, str]) -> list[str]:
    """Nothing is written to, or read from, a name that another user can guess in a directory everybody writes to."""
    shared = re.compile(r'"/(tmp|var/tmp|dev/shm)\b')
    lines = [(name, line.strip()) for name, text in sources().items() for line in code(text).splitlines()]
    return ["%s uses a shared directory: %s" % (name, line) for name, line in lines if shared.search(line)]


def main() -> int:
    found = sources()
    failed = 0
    checks = (writes, unsafe, unshared)
    for check in checks:
        wrong = check(found)
        failed += bool(wrong)
        for line in wrong:
            print("FAIL %s: %s" % (check.__name__, line))
    print("%d passed, %d failed" % (len(checks) - failed, failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
