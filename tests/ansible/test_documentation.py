"""What is said about the modules is what the modules do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CORES

from support.tree import ROOT

PROGRAM = Path(os.environ.get("KUBEJOIN_PROGRAM", ROOT / "target/debug/kubejoin"))


def modules() -> list[str]:
    """The modules there are: their crates."""
    return sorted(path.parent.name for path in (ROOT / "modules").glob("*/Cargo.toml"))


def actions() -> list[str]:
    """What a task can call: the modules, and the sequence of them, which is the runner's own."""
    return sorted([*modules(), "sequence"])


def stems(pattern: str) -> list[str]:
    return sorted(path.stem for path in ROOT.glob(pattern))


def test_every_module_is_in_the_program_has_documentation_a_name_and_a_route() -> None:
    routing = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    listed = subprocess.run([PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert sorted(listed) == actions()
    assert stems("modules/*/*.yml") == modules()
    assert stems("plugins/modules/*.py") == actions()
    assert stems("plugins/action/names/*.py") == actions()
    assert stems("docs/modules/[!R]*.md") == actions()
    assert sorted(routing["plugin_routing"]["modules"]) == actions()
    assert routing["action_groups"]["all"] == modules()


def test_generated_files_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs/generate.py"), str(PROGRAM), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "run `make docs`:\n" + done.stdout + done.stderr


def test_every_module_and_role_has_a_scenario() -> None:
    roles = [path.name for path in (ROOT / "roles").iterdir() if path.is_dir()]
    scenarios = [path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")]
    assert not set(modules() + roles) - set(scenarios)


def test_every_role_has_an_example_with_variables_that_it_has() -> None:
    for path in sorted((ROOT / "roles").iterdir()):
        assert (path / "meta/main.yml").exists(), path
        specs = yaml.safe_load((path / "meta/argument_specs.yml").read_text())["argument_specs"]
        known = {option for spec in specs.values() for option in spec.get("options") or {}}
        blocks = re.findall(r"```yaml\n(.*?)```", (path / "README.md").read_text(), re.DOTALL)
        plays = [play for block in blocks for play in yaml.safe_load(block)]
        assert f"vmstation.kubejoin.{path.name}" in json.dumps(plays), path
        for play in plays:
            for role in play.get("roles", []):
                if isinstance(role, dict) and role["role"].endswith("." + path.name):
                    assert set(role.get("vars", {})) <= known, (path, role)


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [path for path in ROOT.glob("**/*.md") if not {".cache", ".venv", "target"} & set(path.parts)]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())]
    dead = [(page, link) for page, link in links if "://" not in link and not (page.parent / link).exists()]
    assert len(links) > len(pages)
    assert not dead


def test_what_the_workflows_run_is_there() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = [
        target
        for workflow in ROOT.glob(".github/workflows/*.yml")
        for target in re.findall(r"make ([a-z-]+)", workflow.read_text())
    ]
    assert not set(called) - set(targets)


def examples() -> list[Any]:
    found = []
    for name in actions():
        sidecar = ROOT / ("crates/ansible" if name == "sequence" else "modules/" + name) / (name + ".yml")
        if sidecar.exists():
            tasks = yaml.safe_load(yaml.safe_load(sidecar.read_text())["examples"])
            found += [pytest.param(name, task, id="%s: %s" % (name, task["name"])) for task in tasks]
    return found


@pytest.mark.parametrize(("module", "task"), examples())
def test_every_example_is_accepted_by_the_modules_own_parser(module: str, task: dict[str, Any]) -> None:
    calls = [name for name in actions() if name in task or "vmstation.kubejoin." + name in task]
    assert calls, "no module of ours in %r" % (task,)
    for name in calls:
        options = json.dumps(task.get(name, task.get("vmstation.kubejoin." + name)) or {}, default=str)
        done = subprocess.run(
            [PROGRAM, name, "--validate", "-"], input=options, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("core", sorted(CORES))
def test_ansible_doc_shows_and_lists_every_module(core: str, tmp_path: Path) -> None:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "HOME": str(tmp_path)}

    def doc(*arguments: str) -> Any:
        command = [CORES[core] + "/ansible-doc", "--json", *arguments]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
        return json.loads(done.stdout)

    names = ["vmstation.kubejoin." + name for name in actions()]
    assert sorted(doc("--list", "vmstation.kubejoin")) == names
    for name, shown in doc(*names).items():
        assert shown["doc"]["attributes"]["check_mode"]["support"] == "full", name
        assert shown["return"] and shown["examples"], name
