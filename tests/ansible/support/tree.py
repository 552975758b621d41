"""A collection like ours around the probe: the real plugin, two modules, and a configuration with short names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROBE = Path(os.environ.get("KUBEJOIN_PROBE", ROOT / "target/x86_64-unknown-linux-musl/rehearsal/probe"))
MODULES = ("probe", "aggressive_reset", "sequence")

STUB = '''#!/usr/bin/python
DOCUMENTATION = """
module: %s
short_description: Reports
description: Reports.
options: {}
"""
'''


class Tree:
    """Where a test's controller looks for plugins and modules."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.collection = base / "collections/ansible_collections/vmstation/kubejoin"
        for directory in ("plugins/modules", "meta", "binaries/x86_64"):
            (self.collection / directory).mkdir(parents=True)
        for directory in ("action", "callback", "filter", "plugin_utils"):
            (self.collection / "plugins" / directory).symlink_to(ROOT / "plugins" / directory)
        names = base / "names"
        names.mkdir()
        routing = ""
        for module in MODULES:
            (self.collection / "plugins/modules" / (module + ".py")).write_text(STUB % module)
            (names / (module + ".py")).symlink_to(ROOT / "plugins/action/kubejoin.py")
            routing += "    %s: {action_plugin: vmstation.kubejoin.kubejoin}\n" % module
        (self.collection / "meta/runtime.yml").write_text("plugin_routing:\n  modules:\n" + routing)
        shutil.copy(PROBE, self.binary())
        (base / "ansible.cfg").write_text(
            "[defaults]\n"
            "collections_path = %s\n"
            "library = %s\n"
            "action_plugins = %s\n"
            "callback_plugins = %s\n"
            "connection_plugins = %s\n"
            "interpreter_python = /nonexistent/python\n"
            "retry_files_enabled = false\n"
            "localhost_warning = false\n"
            % (
                base / "collections",
                self.collection / "plugins/modules",
                names,
                ROOT / "tests/ansible/callbacks",
                ROOT / "tests/ansible/connections",
            )
        )

    def binary(self, arch: str = "x86_64") -> Path:
        """The program for ``arch``."""
        return self.collection / "binaries" / arch / "kubejoin"
