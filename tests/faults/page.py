"""docs/drill.md, from what the last run of each case found (docs/drill.tsv), and from the tables of the other suites."""

import datetime
import sys

import interrupted
from bed import LAB

from lab import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from bench.run import machine

KEPT = ROOT / "docs/drill.tsv"
PAGE = ROOT / "docs/drill.md"
HERE = ROOT / "tests/faults"

# Trouble that another suite makes: what it is, the command, and the rows of its table.
ELSEWHERE = [
    (
        "SIGKILL and SIGTERM for the module, in each phase of a join",
        "make faults (interrupted.py)",
        [*interrupted.HELD],
    ),
    (
        "a reset killed after each of its steps, in each of its layouts; deletion raced with exchanged directories",
        "cargo test -p aggressive_reset --test torture",
        [],
    ),
    (
        "API server refused, silent, out of reach, overloaded, not TLS, of another CA, with another name",
        "make faults (faults.tsv)",
        [
            "api-refused-for-ever",
            "api-silent",
            "api-black-hole",
            "api-throttled",
            "etcd-timeout",
            "api-not-tls",
            "ca-mismatch",
            "wrong-san",
        ],
    ),
    (
        "a token that is unknown, expired, wrong or refused",
        "make faults (faults.tsv)",
        ["token-wrong", "token-expired", "jws-bad", "token-unauthorized"],
    ),
    ("a refused token and a stale Node, mended by the role", "make faults (fleet.py)", []),
    ("clocks apart", "make faults (faults.tsv), make mend (mend.tsv)", ["clock-behind", "clock-ahead", "clock"]),
    (
        "containerd stopped, masked, without CRI",
        "make faults (faults.tsv)",
        ["runtime-stopped", "runtime-masked", "cri-disabled"],
    ),
    ("kubeadm that says nothing more", "make faults (faults.tsv)", ["join-hangs"]),
    (
        "a hung containerd, a full or read-only file system, a mount that hangs: found and named",
        "make mend (mend.tsv)",
        ["containerd-hung", "disk-full", "inodes", "read-only", "mount-hangs", "daemon-gone"],
    ),
    ("a lost connection, a killed controller, a full cache directory: the plugin", "tests/ansible/run", []),
    ("a file cut off at each byte, for each file written", "cargo test -p host --test files_faults", []),
]


def rows():
    """Case to [verdict, seconds, allowed, when and where, what was said]."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    return {name: rest for name, *rest in (line.split("\t") for line in lines)}


def keep(case, result):
    """Notes what a case came to, in the place of what it came to before."""
    verdict, seconds, said = result
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    kept = rows()
    # Whatever this lab is called.
    said = " ".join(said.split()).replace(f"{LAB}-", "")[:300]
    kept[case.name] = [verdict, f"{seconds:.1f}", f"{case.most:.0f}", f"{when}; {machine()}", said]
    KEPT.write_text("".join("\t".join([name, *row]) + "\n" for name, row in kept.items()))


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def known():
    """The names of all rows of the other suites' tables."""
    tables = [(HERE / name).read_text().splitlines() for name in ("faults.tsv", "mend.tsv")]
    return {line.split("\t")[0] for lines in tables for line in lines} | {*interrupted.HELD}


def write(cases):
    kept = {name: row for name, row in rows().items() if name in {case.name for case in cases}}
    verdicts = [row[0] for row in kept.values()]
    text = f"""# Fault drill

Written by `make drill` (tests/faults/drill.py): trouble made on nodes of the practice lab, in the middle of the work.
After each case, besides what the table says: films on the disk, films on a mount from a server, both bound below
the kubelet's directory, somebody's firewall rules and somebody's container are as they were; no token, gate, mask or half
a file is left; the next join succeeds, and one more changes nothing. "Seconds" is what was under test, "of" its deadline.

{verdicts.count("ok")} of {len(cases)} cases hold, {verdicts.count("failed")} fail, {verdicts.count("skipped")} cannot be
made here, {len(cases) - len(verdicts)} have not been run.

| case | trouble | what must hold | result | seconds | of |
|---|---|---|---|---|---|
"""
    for case in cases:
        verdict, seconds, most, _, said = kept.get(case.name, ["not run", "", "", "", ""])
        shown = f"skipped: {said}" if verdict == "skipped" else verdict
        text += f"| `{case.name}` | {cell(case.trouble)} | {cell(case.holds)} | {cell(shown)} | {seconds} | {most} |\n"
    text += "\nWhere and when:\n\n"
    places = {}
    for name, row in kept.items():
        when, _, where = row[3].partition("; ")
        # Load and minutes differ from case to case.
        where = "; ".join(part for part in where.split("; ") if not part.startswith("load "))
        places.setdefault((when[:10], where), []).append(name)
    text += "".join(f"- {day}; {where}: {len(names)} cases\n" for (day, where), names in places.items())
    text += "\n## What they said\n\n| case | the module's own sentence |\n|---|---|\n"
    text += "".join(f"| `{name}` | {cell(row[4])} |\n" for name, row in kept.items() if row[4] and row[0] != "skipped")
    text += "\n## Trouble that other suites make\n\n| trouble | command | cases |\n|---|---|---|\n"
    missing = {name for _, _, names in ELSEWHERE for name in names} - known()
    if missing:
        raise ValueError(f"tests/faults/page.py names cases that no table has: {', '.join(sorted(missing))}")
    for trouble, command, names in ELSEWHERE:
        text += f"| {trouble} | `{command}` | {', '.join(f'`{name}`' for name in names)} |\n"
    PAGE.write_text(text)
