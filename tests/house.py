"""Holds the house to its rules: who may know whom, how long a file may be, and where a process may be started.

- a crate under crates/ depends on no module, and a module on no other module (only the program that holds them all may);
- no two files of a crate know each other in a circle;
- no file has more than 300 lines, no `plan` names what could do I/O;
- `std::process::Command` stays in its home.
Reads only. Ends with "N passed, N failed", each failure in one line before it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 300
# The program that holds all modules in one.
HOLDS_ALL = {"kubejoin"}
COMMAND_HOME = {"crates/host/src/process.rs", "crates/host/src/process/running.rs"}
# What a plan is not given: see the contract in crates/ansible.
DOES_IO = re.compile(
    r"\b(std::(fs|process|thread)|std::net::(Tcp|Udp|ToSocketAddrs)|std::os::unix::net|SystemTime::now|Instant::now|host::(files|process|systemd)::)"
)


def crates() -> dict[str, Path]:
    """Name -> folder of every crate that is shipped."""
    return {
        path.parent.name: path.parent
        for room in ("crates", "modules")
        for path in sorted((ROOT / room).glob("*/Cargo.toml"))
    }


def dependencies(folder: Path) -> set[str]:
    return set(tomllib.loads((folder / "Cargo.toml").read_text()).get("dependencies", {}))


def arrows(all_crates: dict[str, Path]) -> Iterator[str]:
    modules = {name for name, folder in all_crates.items() if folder.parent.name == "modules"}
    for name, folder in all_crates.items():
        if name not in HOLDS_ALL:
            for other in sorted(dependencies(folder) & modules):
                yield "%s %s depends on the module %s" % ("module" if name in modules else "crate", name, other)


def shipped(path: Path) -> bool:
    return not path.name.endswith(("tests.rs", "properties.rs")) and "tests" not in path.parts


def sources(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("src/**/*.rs")) if shipped(path.relative_to(folder))]


def code(path: Path) -> str:
    """Without the tests at its end and without comments."""
    text = re.split(r"^#\[cfg\(test\)\]\n", path.read_text(), maxsplit=1, flags=re.MULTILINE)[0]
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))


def home(folder: Path, names: list[str]) -> Path | None:
    """The file of the module path that a `use` begins with: the longest that is one."""
    for length in range(len(names), 0, -1):
        path = folder / "src" / Path(*names[:length])
        for file in (path.with_suffix(".rs"), path / "mod.rs"):
            if file.is_file():
                return file
    return None


def place(folder: Path, path: Path) -> list[str]:
    """The module path of a file."""
    parts = list(path.relative_to(folder / "src").with_suffix("").parts)
    return parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts


def uses(folder: Path, path: Path) -> set[Path]:
    """The files of the same crate that a file names through `crate::` or `super::`."""
    here, found = place(folder, path), set()
    for match in re.finditer(r"\b(crate|super(?:::super)*)::((?:\w+::)*\w+|\{[^;]*?\})", code(path)):
        base = [] if match[1] == "crate" else here[: len(here) - match[1].count("super")]
        for name in re.findall(r"[a-z_][\w:]*", match[2]) if match[2].startswith("{") else [match[2]]:
            file = home(folder, base + name.split("::"))
            # What a file says to its own children and to its parent is one thing in several files.
            if file and file != path and not related(folder, path, file):
                found.add(file)
    return found


def related(folder: Path, one: Path, other: Path) -> bool:
    a, b = place(folder, one), place(folder, other)
    return a[: len(b)] == b or b[: len(a)] == a


def reachable(graph: dict[Path, set[Path]], start: Path) -> set[Path]:
    seen: set[Path] = set()
    todo = list(graph[start])
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += graph.get(path, set())
    return seen


def circles(folder: Path) -> Iterator[str]:
    graph = {path: uses(folder, path) for path in sources(folder)}
    reach = {path: reachable(graph, path) for path in graph}
    told: set[Path] = set()
    for path in graph:
        circle = {other for other in reach[path] if path in reach.get(other, set())}
        if path in reach[path] and path not in told:
            told |= circle
            names = sorted(file.relative_to(folder / "src").as_posix() for file in circle)
            yield "%s: %s know each other in a circle" % (folder.relative_to(ROOT), ", ".join(names))


def lines(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("src/**/*.rs")):
        number = len(path.read_text().splitlines())
        if number > MOST_LINES:
            yield "%s has more than %d lines" % (path.relative_to(ROOT), MOST_LINES)


def processes(folder: Path) -> Iterator[str]:
    for path in sources(folder):
        name = path.relative_to(ROOT).as_posix()
        if name not in COMMAND_HOME and re.search(r"process::Command\b|\bCommand::new\b", code(path)):
            yield "%s starts a process by itself: host::process is the home of that" % name


def plans(folder: Path) -> Iterator[str]:
    for path in sources(folder):
        inside = path.relative_to(folder / "src")
        if "plan" in [part.removesuffix(".rs") for part in inside.parts] and (found := DOES_IO.search(code(path))):
            yield "%s is a plan and names %s" % (path.relative_to(ROOT), found[0].rstrip(":"))


def main() -> int:
    everything = crates()
    wrong = list(arrows(everything))
    for folder in everything.values():
        for rule in (circles, lines, processes, plans):
            wrong += rule(folder)
    for one in wrong:
        print(one)
    failed = len(wrong)
    print("%d passed, %d failed" % (len(everything) * 4 + 1 - min(failed, len(everything) * 4), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
