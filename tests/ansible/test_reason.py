"""The filter `reason`: one line out of what ssh, sudo or a module said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins/filter"))

from reason import reason

REFUSED = "ssh: connect to host 192.0.2.1 port 22: No route to host"
NO_SUDO = "/bin/sh: 1: sudo: not found"
OURS = "there is no /etc/kubernetes/admin.conf: this machine is not a control plane"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("Failed to connect to the host via ssh: " + REFUSED, REFUSED),
        ("Task failed: Failed to connect to the host via ssh: Welcome\n** all is logged **\n%s\r\n" % REFUSED, REFUSED),
        ("Task failed: Premature end of stream waiting for become success.\n>>> Standard Error\n" + NO_SUDO, NO_SUDO),
        (OURS, OURS),
        ("", "no reason was given"),
    ],
)
def test_it_is_the_line_that_says_why(said: str, line: str) -> None:
    assert reason(said) == line
