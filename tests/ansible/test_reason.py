"""The filter `reason`: one line out of what ssh, sudo or a module said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins/filter"))

from reason import reason


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 port 22: No route to host", "ssh: connect to host 192.0.2.1 port 22: No route to host"),
        ("Task failed: Failed to connect to the host via ssh: Welcome\n** all is logged **\nssh: connect to host a port 22: Connection timed out\r\n", "ssh: connect to host a port 22: Connection timed out"),
        ("Task failed: Premature end of stream waiting for become success.\n>>> Standard Error\n/bin/sh: 1: sudo: not found", "/bin/sh: 1: sudo: not found"),
        ("there is no /etc/kubernetes/admin.conf: this module runs on a control plane", "there is no /etc/kubernetes/admin.conf: this module runs on a control plane"),
        ("", "no reason was given"),
    ],
)  # fmt: skip
def test_it_is_the_line_that_says_why(said: str, line: str) -> None:
    assert reason(said) == line
