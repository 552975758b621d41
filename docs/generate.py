"""Writes what is said twice: `python docs/generate.py PROGRAM` after a change of options or of a module's documentation.

PROGRAM is a built `kubejoin`; its `--docs` are the options, `modules/<name>/<name>.yml` the prose, examples and return
values. From them come the documentation stubs that `ansible-doc` and ansible-lint read (plugins/modules), the names that
lead to the one action plugin (plugins/action/names, meta/runtime.yml) and the pages in docs/modules. Beside them: what is
said of each role, and the list of files in galaxy.yml. `--check` writes nothing and fails when something differs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

import registry
import roles
from archive import galaxy
from page import index, page

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = "vmstation.kubejoin"
# Runs the others, and is none of them.
SEQUENCE = "sequence"
SINCE = "0.1.0"

# Options that several modules share with one meaning: a group of modules for each, for shared `module_defaults`.
SHARED_OPTIONS = ("timeout", "socket", "kubeconfig")

# Names that Ansible's own checks take for secrets: there, "this is none" has to be said.
LOOKS_SECRET = re.compile(r"pass(?!ive)|secret|token|cryptkey", re.IGNORECASE)

HEADER = """\
#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py out of {source}: change it there.
# The module itself is a program without Python, which plugins/action/kubejoin.py runs; this is its documentation.

from __future__ import annotations
"""

LONG = """\
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Written by docs/generate.py.
\"\"\"Modules that may take long: they run by themselves and are followed.\"\"\"

from __future__ import annotations

LONG = frozenset(
    [
%s    ]
)
"""

MAIN = """
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={spec},
{rules}        supports_check_mode=True,
    )
    module.fail_json(msg="{collection}.{name} is run by the action plugin of its collection; this file is documentation only")


if __name__ == "__main__":
    main()
"""


def main(arguments: list[str]) -> int:
    """Writes, or with --check compares, every generated file."""
    check = "--check" in arguments
    (program,) = [a for a in arguments if a != "--check"]
    said = subprocess.run([program, "--docs"], stdout=subprocess.PIPE, check=True).stdout
    specs = sorted(json.loads(said), key=lambda spec: str(spec["name"]))
    undocumented = [spec["name"] for spec in specs if not prose(spec["name"]).exists()]
    for name in undocumented:
        print("missing: " + str(prose(name).relative_to(ROOT)))
    specs = [spec for spec in specs if spec["name"] not in undocumented]
    wanted = files(specs)
    stale = [
        p for d in ("plugins/modules", "plugins/action/names", "docs/modules") for p in sorted((ROOT / d).glob("*"))
    ]
    different = [path for path, text in wanted.items() if content(path) != text]
    different += [path for path in stale if path not in wanted and path.name != "__pycache__"]
    for path in different:
        print(("differs: " if check else "writing ") + str(path.relative_to(ROOT)))
        if not check:
            write(path, wanted.get(path))
    return 1 if undocumented or (check and different) else 0


def files(specs: list[dict[str, Any]]) -> dict[Path, str]:
    """Every generated file with its text; a link's text is where it leads."""
    wanted: dict[Path, str] = {
        **registry.files(ROOT),
        ROOT / "plugins/plugin_utils/long_modules.py": LONG
        % "".join("        %s,\n" % json.dumps(spec["name"]) for spec in specs if spec["long"]),
        ROOT / "meta/runtime.yml": runtime(specs),
        ROOT / "docs/modules/README.md": index(specs) + roles.index(ROOT),
    }
    names = [spec["name"] for spec in specs if spec["name"] != SEQUENCE]
    for spec in specs:
        name = spec["name"]
        sidecar = yaml.safe_load(prose(name).read_text())
        sidecar["examples"] = qualified(sidecar["examples"], names)
        if "failure_class" in sidecar["return"]:
            sidecar["return"]["failure_class"]["choices"] = failure_classes()
        wanted[ROOT / "plugins/modules" / (name + ".py")] = stub(spec, sidecar)
        wanted[ROOT / "plugins/action/names" / (name + ".py")] = "-> ../kubejoin.py"
        wanted[ROOT / "docs/modules" / (name + ".md")] = page(spec, sidecar)
    wanted.update(roles.files(ROOT))
    # Last: it lists the others.
    wanted[ROOT / "galaxy.yml"] = galaxy(ROOT, wanted)
    return wanted


def failure_classes() -> list[str]:
    """What `failure_class` can be, from the page that is printed from the table of the crate kubeadm."""
    return re.findall(r"^\| \[([a-z0-9_]+)\]\(#", (ROOT / "docs/failure-classes.md").read_text(), re.MULTILINE)


def prose(name: str) -> Path:
    """Where a module's documentation is written by hand; the sequence of modules is the runner's own."""
    return ROOT / ("crates/ansible" if name == SEQUENCE else "modules/" + name) / (name + ".yml")


def stub(spec: dict[str, Any], sidecar: dict[str, Any]) -> str:
    """The text of plugins/modules/<name>.py."""
    documentation: dict[str, Any] = {
        "module": spec["name"],
        "short_description": spec["summary"],
        "version_added": sidecar.get("version_added", SINCE),
        "description": sidecar["description"],
        "options": {option["name"]: described(option) for option in spec["options"]},
        "extends_documentation_fragment": [COLLECTION + ".native"],
        **{key: sidecar[key] for key in ("attributes", "requirements", "notes", "seealso", "author") if key in sidecar},
    }
    parts = [HEADER.format(source=prose(spec["name"]).parent.relative_to(ROOT))]
    for variable, text in (
        ("DOCUMENTATION", dump(documentation)),
        ("EXAMPLES", sidecar["examples"]),
        ("RETURN", dump(sidecar["return"])),
    ):
        assert '"""' not in text, "%s: %s contains three quotes" % (spec["name"], variable)
        parts.append('\n%s = r"""\n---\n%s"""\n' % (variable, text))
    rules = "".join("        %s=%r,\n" % rule for rule in argument_rules(spec["rules"]))
    argument_spec = {option["name"]: argument(option) for option in spec["options"]}
    shown = literal(argument_spec, 8, break_first=True)
    parts.append(MAIN.format(spec=shown, rules=rules, name=spec["name"], collection=COLLECTION))
    return "".join(parts)


def literal(value: Any, indent: int, *, break_first: bool = False) -> str:
    """Python text of a value, broken where it would be too wide."""
    flat = repr(value)
    if not isinstance(value, (dict, list)) or (len(flat) + indent <= 120 and not break_first):
        return flat
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        lines = ["%r: %s" % (key, literal(item, indent + 4)) for key, item in value.items()]
    else:
        lines = [literal(item, indent + 4) for item in value]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return "%s\n%s%s%s" % (opening, "".join("%s%s,\n" % (pad, line) for line in lines), " " * indent, closing)


def described(option: dict[str, Any]) -> dict[str, Any]:
    """An option as DOCUMENTATION has it."""
    entry: dict[str, Any] = {"description": [option["help"]], **typed(option)}
    if option["choices"]:
        entry["choices"] = option["choices"]
    return entry


def argument(option: dict[str, Any]) -> dict[str, Any]:
    """An option as argument_spec has it."""
    entry = typed(option)
    if option["choices"]:
        entry["choices"] = option["choices"]
    if option["no_log"] or LOOKS_SECRET.search(option["name"]):
        entry["no_log"] = option["no_log"]
    return entry


def typed(option: dict[str, Any]) -> dict[str, Any]:
    """What DOCUMENTATION and argument_spec say in the same words."""
    entry = {"type": option["type"]}
    for key in ("elements", "default", "required", "aliases"):
        if option[key] not in (None, False, []) or (key == "default" and option[key] is not None):
            entry[key] = option[key]
    return entry


def argument_rules(rules: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
    """The rules about several options, as keyword arguments of AnsibleModule."""
    keywords: dict[str, list[Any]] = {}
    for rule in rules:
        keywords.setdefault(rule["kind"], []).append(
            [*rule.get("when", []), rule["options"]] if "when" in rule else rule["options"]
        )
    return sorted(keywords.items())


def qualified(examples: str, names: list[str]) -> str:
    """Examples with the collection's name before each module's: right wherever the reader is."""
    return re.sub(
        r"^(\s+(?:- )?)(%s):(?=\s|$)" % "|".join(names), r"\1%s.\2:" % COLLECTION, examples, flags=re.MULTILINE
    )


def runtime(specs: list[dict[str, Any]]) -> str:
    """The text of meta/runtime.yml."""
    groups = {"all": [spec["name"] for spec in specs if spec["name"] != SEQUENCE]}
    for shared in SHARED_OPTIONS:
        having = [spec["name"] for spec in specs if shared in (option["name"] for option in spec["options"])]
        if having:
            groups["with_" + shared] = having
    routing = {spec["name"]: {"action_plugin": COLLECTION + ".kubejoin"} for spec in specs}
    text = {"requires_ansible": ">=2.15.0", "action_groups": groups, "plugin_routing": {"modules": routing}}
    return "---\n# Written by docs/generate.py.\n" + dump(text)


class Dumper(yaml.SafeDumper):
    """Indents lists below their key, as yamllint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Overrides what is passed for `indentless`."""
        super().increase_indent(flow, False)


def dump(value: Any) -> str:
    """YAML in the order given, readable."""
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def content(path: Path) -> str | None:
    """What is there now, in the form of `files`."""
    if path.is_symlink():
        return "-> " + os.readlink(path)
    return path.read_text() if path.is_file() else None


def write(path: Path, text: str | None) -> None:
    """Makes it so; None removes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if text is None:
        return
    if text.startswith("-> "):
        path.symlink_to(text[3:])
    else:
        path.write_text(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
