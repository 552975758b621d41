# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text for a terminal, or for a page, out of text that is anybody's: names of files and hosts, other programs' words.

A name may hold an escape sequence, a carriage return or a line end, and with them write lines that nobody said; marks of
text direction change what is read. The modules themselves show theirs in the same way (`ansible::printable`).
"""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    """``text`` with what is not printable written as Python writes it, but for the characters in ``keep``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
