"""Runs the parts in tests/bench/parts and writes docs/benchmarks.md and its plots: tests/bench/run.py [PART...].

A part is an executable that prints lines, fields parted by tabs, and whatever else it likes on stderr:

    BENCH  group  subject  median in seconds  number of runs
    SIZE   program  bytes
    SHARE  program  crate  bytes of its code

A group that ends in " @N" is a point of a curve: groups that differ only in N become one plot. The first subject of a group
is what the others are compared with. What parts print is kept in docs/benchmarks/PART.tsv with the machine it was measured
on, so that a part can be run again alone. A part that fails keeps what it measured before, and the run fails.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import targets

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / "tests/bench/parts"
KEPT = ROOT / "docs/benchmarks"
PAGE = ROOT / "docs/benchmarks.md"
Rows = targets.Rows


def first_line(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "none"
    return ((done.stdout + done.stderr).splitlines() or ["none"])[0].strip()


def machine() -> str:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return "; ".join(
        [
            "%d x %s" % (os.cpu_count() or 0, model[1] if model else platform.machine()),
            "%d GB" % (int(memory[1]) // 1_000_000 if memory else 0),
            "Linux " + platform.release().split("-")[0],
            # Others' work on the same machine is part of what was measured.
            "load %.1f before" % os.getloadavg()[0],
            first_line("podman", "--version"),
            first_line("ssh", "-V"),
            first_line("rustc", "--version"),
            "kubejoin " + first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
            "kubeadm of KUBE_BIN_DIR" if os.environ.get("KUBE_BIN_DIR") else "stand-in kubeadm",
        ]
    )


def measure(part: Path) -> bool:
    before, started = machine(), datetime.datetime.now(datetime.timezone.utc)
    done = subprocess.run([part], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("BENCH\t", "SIZE\t", "SHARE\t"))]
    if done.returncode or not lines:
        print("%s failed: status %d, %d lines" % (part.name, done.returncode, len(lines)), file=sys.stderr)
        return False
    KEPT.mkdir(exist_ok=True)
    head = "# %s UTC; %s" % (started.strftime("%Y-%m-%d %H:%M"), before)
    (KEPT / (part.name + ".tsv")).write_text("\n".join([head, *lines]) + "\n")
    return True


def seconds(value: float) -> str:
    return "%.1f ms" % (value * 1000) if value < 1 else "%.2f s" % value


def table(group: str, rows: Rows) -> str:
    text = "\n### %s\n\n| | median | runs | ratio |\n|---|---|---|---|\n" % group
    base = rows[0][1]
    for subject, median, runs in rows:
        text += "| %s | %s | %d | %.2f |\n" % (subject, seconds(median), runs, median / base if base else 0)
    return text


class Part:
    """What a part printed, sorted."""

    def __init__(self, text: str) -> None:
        self.head, *lines = text.splitlines()
        self.groups: targets.Groups = {}
        self.sizes: targets.Sizes = {}
        self.shares: dict[str, list[tuple[str, int]]] = {}
        for line in lines:
            kind, *fields = line.split("\t")
            if kind == "SIZE":
                self.sizes[fields[0]] = int(fields[1])
            elif kind == "SHARE":
                self.shares.setdefault(fields[0], []).append((fields[1], int(fields[2])))
            else:
                self.groups.setdefault(fields[0], []).append((fields[1], float(fields[2]), int(fields[3])))


def section(name: str, part: Part, taken: set[str]) -> str:
    page = "\n## %s\n\n`make bench PARTS=%s`: %s.\n" % (name, name, part.head.lstrip("# "))
    for group, rows in part.groups.items():
        page += table(group, rows)
    for curve_name, curve in curves(part.groups).items():
        file = re.sub(r"[^a-z0-9]+", "-", (name + " " + curve_name).lower()).strip("-") + ".svg"
        taken.add(file)
        (KEPT / file).write_text(plot(curve_name, curve))
        page += "\n![%s](benchmarks/%s)\n" % (curve_name, file)
    if part.sizes:
        page += "\n| program | bytes |\n|---|---|\n"
        page += "".join("| %s | %s |\n" % (n, format(b, ",")) for n, b in part.sizes.items())
    for program, crates in part.shares.items():
        page += "\n### %s: its code by crate\n\n| crate | bytes |\n|---|---|\n" % program
        page += "".join("| %s | %s |\n" % (crate, format(count, ",")) for crate, count in crates)
    return page


def curves(groups: dict[str, Rows]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Name of the plot -> subject -> points; only where there are two points or more."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for group, rows in groups.items():
        match = re.fullmatch(r"(.*?) @(\d+)", group)
        for subject, median, _ in rows if match else []:
            found.setdefault(match[1], {}).setdefault(subject, []).append((float(match[2]), median))  # type: ignore[index]
    return {name: curve for name, curve in found.items() if max(map(len, curve.values())) > 1}


def plot(name: str, curve: dict[str, list[tuple[float, float]]]) -> str:
    """Lines from zero on both axes: a curve that looks flat is flat."""
    width, height, left, below = 640, 320, 60, 40
    most_x = max(x for points in curve.values() for x, _ in points)
    most_y = max(y for points in curve.values() for _, y in points) or 1
    place = lambda x, y: (left + x / most_x * (width - left - 170), height - below - y / most_y * (height - below - 30))  # noqa: E731
    colours = ["#0b6", "#c33", "#36c", "#a60", "#828", "#555"]
    parts = ['<text x="%d" y="18" font-weight="bold">%s</text>' % (left, name)]
    for share in (0, 0.5, 1):
        x, y = place(0, most_y * share)
        parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (x - 6, y + 4, seconds(most_y * share)))
        parts.append('<path d="M%d %.0fH%d" stroke="#ddd"/>' % (left, y, width - 170))
    tick = '<text x="%.0f" y="%d" text-anchor="middle">%d</text>'
    every = sorted({x for points in curve.values() for x, _ in points})
    parts += [tick % (place(x, 0)[0], height - below + 18, x) for x in every]
    for at, (subject, points) in enumerate(curve.items()):
        colour = colours[at % len(colours)]
        line = " ".join("%.1f,%.1f" % place(x, y) for x, y in sorted(points))
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (line, colour))
        parts.append('<text x="%d" y="%d" fill="%s">%s</text>' % (width - 160, 40 + 18 * at, colour, subject))
    size = 'width="%d" height="%d" viewBox="0 0 %d %d"' % (width, height, width, height)
    style = 'font-family="sans-serif" font-size="12" style="background:#fff"'
    return '<svg xmlns="http://www.w3.org/2000/svg" %s %s>\n%s\n</svg>\n' % (size, style, "\n".join(parts))


def main() -> int:
    parts = sorted(path for path in PARTS.iterdir() if os.access(path, os.X_OK) and path.is_file())
    wanted = sys.argv[1:] or [part.name for part in parts]
    wanted = [] if wanted == ["none"] else wanted
    unknown = set(wanted) - {part.name for part in parts}
    if unknown:
        print(
            "no such part: %s; there are %s" % (", ".join(unknown), ", ".join(p.name for p in parts)), file=sys.stderr
        )
        return 2
    good = [measure(part) for part in parts if part.name in wanted]
    taken: set[str] = set()
    page = "# Benchmarks\n\nWritten by `make bench`, from what its parts measured; medians, the first line of a table is 1.\n"
    kept = {path.stem: Part(path.read_text()) for path in sorted(KEPT.glob("*.tsv"))}
    groups = {name: rows for part in kept.values() for name, rows in part.groups.items()}
    sizes = {name: size for part in kept.values() for name, size in part.sizes.items()}
    page += targets.table(groups, sizes)
    for name, part in kept.items():
        page += section(name, part, taken)
    for old in KEPT.glob("*.svg"):
        if old.name not in taken:
            old.unlink()
    PAGE.write_text(page)
    print(page)
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
