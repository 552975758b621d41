"""A module's page in docs/modules, and their index: the same facts as `ansible-doc`, for readers without a terminal."""

from __future__ import annotations

import json
import re
from typing import Any

GENERATED = "<!-- Written by docs/generate.py. -->\n"


def index(specs: list[dict[str, Any]]) -> str:
    """The text of docs/modules/README.md."""
    rows = "".join("| [%s](%s.md) | %s |\n" % (spec["name"], spec["name"], spec["summary"]) for spec in specs)
    return GENERATED + "# Modules\n\n| module | what it is for |\n|---|---|\n" + rows


def page(spec: dict[str, Any], sidecar: dict[str, Any]) -> str:
    """The text of docs/modules/<name>.md."""
    parts = [GENERATED, "# %s\n\n%s.\n" % (spec["name"], spec["summary"])]
    parts += ["\n%s\n" % marked(text) for text in listed(sidecar["description"])]
    parts.append("\n## Options\n\n| option | type | default | |\n|---|---|---|---|\n")
    parts += [row(option) for option in spec["options"]]
    parts += ["\n%s\n" % sentence for sentence in map(rule, spec["rules"])]
    parts.append("\n## Behaviour\n\n")
    for name, attribute in sidecar.get("attributes", {}).items():
        said = " ".join(marked(text) for text in listed(attribute["description"]))
        parts.append("- **%s** (%s): %s\n" % (name.replace("_", " "), attribute["support"], said))
    parts += ["- %s\n" % marked(note) for note in listed(sidecar.get("notes", []))]
    parts.append("\n## Examples\n\n```yaml\n%s```\n" % (sidecar["examples"].rstrip() + "\n"))
    parts.append("\n## Return values\n\n| key | type | returned | |\n|---|---|---|---|\n")
    for name, value in sidecar["return"].items():
        said = " ".join(marked(text) for text in listed(value["description"]))
        parts.append("| `%s` | %s | %s | %s |\n" % (name, kind(value), cell(marked(value["returned"])), cell(said)))
    return "".join(parts)


def row(option: dict[str, Any]) -> str:
    """One line of the table of options."""
    said = marked(option["help"])
    if option["choices"]:
        said += " One of " + ", ".join("`%s`" % choice for choice in option["choices"]) + "."
    if option["aliases"]:
        said += " Also called " + ", ".join("`%s`" % alias for alias in option["aliases"]) + "."
    if option["no_log"]:
        said += " Never shown."
    return "| `%s` | %s | %s | %s |\n" % (option["name"], kind(option), default(option), cell(said))


def default(option: dict[str, Any]) -> str:
    """What holds when an option is left out."""
    value = option["default"]
    if value is None:
        return "required" if option["required"] else ""
    return "`%s`" % (value if isinstance(value, str) else json.dumps(value))


def rule(about: dict[str, Any]) -> str:
    """A rule about several options, as a sentence."""
    names = ", ".join("`%s`" % name for name in about["options"])
    if about["kind"] == "required_if":
        return "When `%s` is `%s`, these are required: %s." % (*about["when"], names)
    sentences = {
        "mutually_exclusive": "Only one of these may be given: %s.",
        "required_together": "These are given together or not at all: %s.",
        "required_one_of": "At least one of these is required: %s.",
    }
    return sentences[about["kind"]] % names


def kind(value: dict[str, Any]) -> str:
    """A type as one reads it."""
    return "%s of %s" % (value["type"], value["elements"]) if value.get("elements") else str(value["type"])


def marked(text: str) -> str:
    """Ansible's markup as Markdown."""
    text = re.sub(r"\bM\(([\w]+\.[\w]+\.)?(\w+)\)", r"[\2](\2.md)", text)
    text = re.sub(r"\bdocs/([\w-]+\.md)\b", r"[\1](../\1)", text)
    return re.sub(r"\b(?:RV|[CVOEIB])\(([^)]*)\)", r"`\1`", text)


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def listed(value: str | list[str]) -> list[str]:
    """One or several paragraphs, as a list."""
    return [value] if isinstance(value, str) else value
