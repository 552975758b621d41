#!/usr/bin/env python3
"""A picture of what a command says: runs it in a terminal of its own and draws the end of its output as SVG.

    docs/picture.py --lines 39 docs/run.svg ./deploy.sh join --limit kubejoin-w1

Only text and colours are drawn; whoever looks at it can search and copy it. The command's exit status is kept.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import struct
import sys
import termios
from fcntl import ioctl
from html import escape

COLUMNS, LINE, CHARACTER, MARGIN = 110, 17, 7.8, 14
# The colours that Ansible uses, for a light page; by their numbers in a terminal (SGR).
COLOURS = {31: "#b3261e", 32: "#1a7f37", 33: "#9a6700", 34: "#0550ae", 35: "#8250df", 36: "#1b7c83", 90: "#6e7781"}
SGR = re.compile(r"\x1b\[([0-9;]*)m")
WORDS = re.compile(r"\S+(?: \S+)*")
OTHER = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]|\x1b\][^\x07]*\x07|\r")


def run(command: list[str]) -> tuple[str, int]:
    """What ``command`` writes to a terminal of COLUMNS, shown meanwhile, and its exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm", COLUMNS=str(COLUMNS))
        os.execvp(command[0], command)
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    output = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the terminal is gone with its last process
            break
        output += piece
        os.write(sys.stdout.fileno(), piece)
    return output.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def drawn(lines: list[str], said: str) -> str:
    """``lines`` with their colours as one SVG document, described by ``said``."""
    longest = max([COLUMNS, *(len(SGR.sub("", line)) for line in lines)])
    width, height = longest * CHARACTER + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    rows = [row(line, MARGIN + (number + 0.75) * LINE) for number, line in enumerate(lines)]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-size="13"\n'
        ' font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" fill="#24292f">\n'
        '<desc>%s</desc>\n<rect width="100%%" height="100%%" rx="8" fill="#f6f8fa" stroke="#d0d7de"/>\n%s\n</svg>\n'
    ) % (width, height, escape(said), "\n".join(filter(None, rows)))


def row(line: str, y: float) -> str:
    """One line as text elements; nothing for an empty one."""
    parts, colour, column = [], "", 0
    # Every other piece is the number of a colour.
    for place, piece in enumerate(SGR.split(line)):
        if place % 2:
            numbers = [int(number or 0) for number in piece.split(";")]
            colour = next((' fill="%s"' % COLOURS[number] for number in numbers if number in COLOURS), "")
            continue
        # Browsers collapse spaces (Chromium in spite of xml:space) and have other fonts: what two spaces part is an element
        # of its own, with its place and its length.
        for words in WORDS.finditer(piece):
            x, length = MARGIN + (column + words.start()) * CHARACTER, len(words[0]) * CHARACTER
            parts.append(
                '<text x="%.5g" y="%g" textLength="%.5g"%s>%s</text>' % (x, y, length, colour, escape(words[0]))
            )
        column += len(piece)
    return "\n".join(parts)


def main() -> int:
    """Runs the command, and writes the picture when it has ended well."""
    parser = argparse.ArgumentParser(description="Draw the end of a command's output as SVG.")
    parser.add_argument("--lines", type=int, default=30, help="how many lines, from the end (30)")
    parser.add_argument("file", help="the picture")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    output, status = run(asked.command)
    lines = [line[: 2 * COLUMNS].rstrip().expandtabs() for line in OTHER.sub("", output).rstrip().split("\n")]
    cut = ["\x1b[90m...\x1b[0m"] if len(lines) > asked.lines else []
    shown = ["\x1b[90m$ %s\x1b[0m" % " ".join(asked.command), *cut, *lines[-asked.lines :]]
    if status == 0:
        with open(asked.file, "w", encoding="utf-8") as file:
            file.write(drawn(shown, "Made by " + " ".join(sys.argv)))
    return status


if __name__ == "__main__":
    sys.exit(main())
