# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action plugin behind every module of this collection; meta/runtime.yml and plugins/action/names lead here."""

from __future__ import annotations

import os
import runpy

from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.native import NativeAction


class ActionModule(NativeAction):
    """Runs the task's module from the one static binary that holds them all."""


def main() -> None:
    """For ansible-lint alone, which takes a short name's action plugin for its module: checks the module's options."""
    plugins = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    stub = os.path.join(plugins, "modules", __name__.rpartition(".")[2] + ".py")
    runpy.run_path(stub)["main"]()
