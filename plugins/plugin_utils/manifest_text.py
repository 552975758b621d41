# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the text of a manifest to the objects in it. What is wrong is a sentence with the line, and nothing is guessed.

YAML is read as kubectl reads it, but for two things that it lets pass and nobody wants: a key that stands twice, and a
template that nobody has rendered.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import yaml

SEPARATOR = re.compile(r"^---(?:[ \t].*)?\r?$", re.MULTILINE)
# Only comments, directives and ends of documents.
NOTHING = re.compile(r"(?:[ \t]*(?:#.*|%.*|\.\.\.)?\r?(?:\n|$))*")
BLANK = re.compile(r"\s*")
TEMPLATE = "{{ }} is a template (of Helm?), which something has to render first"


class Wrong(Exception):
    """What is wrong with a manifest: where, and why."""


class Document(NamedTuple):
    """One document: its text as it is written, the line it begins on, and what it says."""

    text: str
    line: int
    said: Any


class Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: of two values, one would be lost without a word."""

    lines_before = 0

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Looked at here, before merge keys are resolved, which may be overridden."""
        node = super().compose_mapping_node(anchor)
        seen: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            line = key.start_mark.line + 1 + self.lines_before
            if (key.tag, key.value) in seen:
                first = seen[key.tag, key.value]
                raise yaml.MarkedYAMLError(
                    problem=f"the key '{key.value}' stands twice, first on line {first}", problem_mark=key.start_mark
                )
            seen[key.tag, key.value] = line
        return node


def decoded(content: bytes) -> str:
    """The text of a file."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Wrong("it is UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Wrong(f"line {line}: it is not UTF-8 (byte 0x{content[error.start]:02x}): save it as UTF-8") from None


def looks_like_json(text: str) -> bool:
    """Whether kubectl would read it as JSON, whatever the file is called; a YAML mapping may begin in the same way."""
    try:
        json.JSONDecoder().raw_decode(text, skipped(text, 0))
    except (ValueError, RecursionError):
        return False
    return text[skipped(text, 0)] in "{["


def documents(text: str, *, is_json: bool) -> tuple[list[Document], list[str]]:
    """The documents that can be read, without empty ones, and what is wrong with the others."""
    found: list[Document] = []
    wrong: list[str] = []
    for piece, line in json_pieces(text) if is_json else yaml_pieces(text):
        try:
            said = read_json(piece, line) if is_json else read_yaml(piece, line)
        except Wrong as why:
            wrong.append(str(why))
        else:
            if said is not None:
                blank = len(piece) - len(piece.lstrip("\r\n"))
                found.append(Document(piece.strip("\n") + "\n", line + 1 + piece.count("\n", 0, blank), said))
    return found, wrong


def yaml_pieces(text: str) -> list[tuple[str, int]]:
    """What stands between separators, with the number of lines before it."""
    pieces, start = [], 0
    for end in [*SEPARATOR.finditer(text), None]:
        piece = text[start : end.start() if end else len(text)]
        if not NOTHING.fullmatch(piece):
            pieces.append((piece, text.count("\n", 0, start)))
        start = end.end() if end else start
    return pieces


def read_yaml(piece: str, line: int) -> Any:
    """What one document says; nothing when it is empty."""
    try:
        loader = Loader(piece)
        loader.lines_before = line
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise Wrong(marked(error, piece, line)) from None
    except yaml.reader.ReaderError as error:
        at = line + 1 + piece.count("\n", 0, error.position)
        raise Wrong(f"line {at}: the character U+{ord(piece[error.position]):04X} may not stand in YAML") from None
    except (ValueError, RecursionError) as error:
        raise Wrong(f"line {line + 1}: {error}") from None


def marked(error: yaml.MarkedYAMLError, piece: str, line: int) -> str:
    """A YAML error as a sentence."""
    mark = error.problem_mark or error.context_mark
    why = str(error.problem or error.context)
    if "\\t" in why:
        why = "there is a tab where YAML wants spaces"
    if not mark:
        return f"line {line + 1}: {why}"
    rows = piece.split("\n")
    if any("{{" in row for row in rows[max(0, mark.line - 1) : mark.line + 1]):
        why = f"{why}; {TEMPLATE}"
    return f"line {line + mark.line + 1}, column {mark.column + 1}: {why}"


def json_pieces(text: str) -> list[tuple[str, int]]:
    """The values of a JSON file, of which there may be several, one after the other."""
    pieces, at = [], skipped(text, 0)
    while at < len(text):
        try:
            _, end = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            end = len(text)
        pieces.append((text[at:end], text.count("\n", 0, at)))
        at = skipped(text, end)
    return pieces


def skipped(text: str, at: int) -> int:
    """Where what is not blank goes on."""
    blank = BLANK.match(text, at)
    return blank.end() if blank else at


def read_json(piece: str, line: int) -> Any:
    """What one JSON value says."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise Wrong(f"from line {line + 1}: the key '{key}' stands twice in one object")
        return dict(pairs)

    try:
        return json.loads(piece, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        why = error.msg[:1].lower() + error.msg[1:]
        raise Wrong(f"line {line + error.lineno}, column {error.colno}: {why}") from None
    except RecursionError:
        raise Wrong(f"line {line + 1}: it is nested too deeply") from None
