"""A role's README.md and meta/main.yml, out of its argument_specs and defaults: the words are written once, there.

What stands in a README before the mark is written by hand and stays: what the role does, with an example.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from page import cell, kind, listed, marked

MARK = "<!-- From here on written by docs/generate.py, from meta/argument_specs.yml and defaults/main.yml. -->\n"
EXAMPLE = "```yaml\n- hosts: %s\n  gather_facts: false\n  roles:\n    - vmstation.kubejoin.%s\n```\n\n"
META = """\
---
# Written by docs/generate.py.
galaxy_info:
  author: The kubejoin authors
  description: %s
  license: GPL-3.0-or-later
  min_ansible_version: "2.15"
  platforms:
    - name: Debian
      versions: [bookworm, trixie]
    - name: Ubuntu
      versions: [noble]
  galaxy_tags: [kubernetes, kubeadm, containerd, cluster, linux]
dependencies: []
"""


def files(root: Path) -> dict[Path, str]:
    """Every generated file of every role, with its text."""
    wanted = {}
    for role in names(root):
        specs = yaml.safe_load((root / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
        wanted[root / "roles" / role / "README.md"] = readme(root, role, specs)
        wanted[root / "roles" / role / "meta/main.yml"] = META % specs["main"]["short_description"]
    return wanted


def names(root: Path) -> list[str]:
    """The roles there are."""
    return sorted(path.parent.parent.name for path in (root / "roles").glob("*/meta/argument_specs.yml"))


def index(root: Path) -> str:
    """The roles, as a table for the index of the documentation."""
    rows = ""
    for role in names(root):
        specs = yaml.safe_load((root / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
        rows += "| [%s](../../roles/%s/README.md) | %s |\n" % (role, role, marked(specs["main"]["short_description"]))
    return "\n# Roles\n\n| role | what holds when it is done |\n|---|---|\n" + rows


def readme(root: Path, role: str, specs: dict[str, Any]) -> str:
    """The text of a role's README.md."""
    path = root / "roles" / role / "README.md"
    head = path.read_text().partition(MARK)[0] if path.exists() else ""
    head = head or "# %s\n\n%s.\n\n%s" % (role, specs["main"]["short_description"], EXAMPLE % ("all", role))
    path = root / "roles" / role / "defaults/main.yml"
    defaults = (yaml.safe_load(path.read_text()) if path.exists() else None) or {}
    return head + MARK + "".join(entry_point(name, spec, defaults) for name, spec in specs.items())


def entry_point(name: str, spec: dict[str, Any], defaults: dict[str, Any]) -> str:
    """The variables of one way into the role."""
    called = "Variables" if name == "main" else "Variables with `tasks_from: %s`" % name
    intro = "" if name == "main" else "%s.\n\n" % marked(spec["short_description"])
    intro += "".join("%s\n\n" % marked(text) for text in listed(spec.get("description", [])))
    options = spec.get("options") or {}
    if not options:
        return "\n## %s\n\n%sNone.\n" % (called, intro)
    rows = "".join(row(option, about, defaults) for option, about in options.items())
    return "\n## %s\n\n%s| variable | type | default | |\n|---|---|---|---|\n%s" % (called, intro, rows)


def row(name: str, about: dict[str, Any], defaults: dict[str, Any]) -> str:
    """One line of the table."""
    said = " ".join(marked(text) for text in listed(about["description"]))
    if about.get("choices"):
        said += " One of %s." % ", ".join("`%s`" % choice for choice in about["choices"])
    # A default of a role may be a name of the whole play; what holds without it is what the specs say.
    value = about.get("default", defaults.get(name))
    shown = "`%s`" % (value if isinstance(value, str) and value else json.dumps(value)) if value is not None else ""
    return "| `%s` | %s | %s | %s |\n" % (name, kind(about), cell(shown), cell(said))
