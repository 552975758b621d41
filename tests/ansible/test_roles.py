"""What a role's argument_specs.yml says is what its defaults are, and the names of a whole play reach every role."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2.nativetypes
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
# What the environment or the inventory decides has no default that could be written down.
DECIDED_ELSEWHERE = {
    "control_plane_ip",
    "worker_control_plane_ip",
    "verify_control_plane_ip",
    "node_reset_control_plane_ip",
    "cni_placeholder_profile",
    "node_labels_name",
    "node_labels_there",
}
DECIDED_ELSEWHERE |= {"diagnose_directory", "apps_directory"}
# role's variable: the play's.
ALIAS = re.compile(r"^{{ ([a-z_]+) \| default\(")


def read(role: str, file: str) -> dict[str, Any]:
    path = ROOT / "roles" / role / file
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def value(text: Any, **variables: Any) -> Any:
    """As Ansible would template it."""
    return (
        jinja2.nativetypes.NativeEnvironment().from_string(text).render(**variables)
        if isinstance(text, str) and text
        else text
    )


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_is_documented_with_its_real_default(role: str) -> None:
    defaults = read(role, "defaults/main.yml")
    entries = read(role, "meta/argument_specs.yml")["argument_specs"]
    options = {name: option for entry in entries.values() for name, option in entry["options"].items()}
    assert set(defaults) == set(options)
    for name, option in options.items():
        if name in DECIDED_ELSEWHERE:
            assert "default" not in option, name
        else:
            assert option["default"] == value(defaults[name]), name


@pytest.mark.parametrize("role", ROLES)
def test_a_variable_of_a_whole_play_is_named_where_the_role_takes_it(role: str) -> None:
    defaults = read(role, "defaults/main.yml")
    entries = read(role, "meta/argument_specs.yml")["argument_specs"]
    options = {name: option for entry in entries.values() for name, option in entry["options"].items()}
    for name, text in defaults.items():
        found = ALIAS.match(text) if isinstance(text, str) else None
        if found:
            said = options[name]["description"]
            assert "C(%s)" % found[1] in (said if isinstance(said, str) else " ".join(said)), name
            if name not in DECIDED_ELSEWHERE:
                assert value(text, **{found[1]: "mine"}) == "mine", name


@pytest.mark.parametrize("role", ROLES)
def test_a_role_names_nothing_that_another_role_may_name_too(role: str) -> None:
    """As ansible-lint asks; here for what registers or sets it, in every file of the role."""
    for path in (ROOT / "roles" / role).glob("tasks/*.yml"):
        for name in re.findall(r"register: (\w+)", path.read_text()):
            assert name.startswith(role + "_"), (path, name)
