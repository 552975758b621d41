# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`async:` tasks, run as Ansible runs any binary module: copied for the task, options in a file beside it.

Both async_wrapper, which starts the module, and async_status, which asks for it, are Python modules: without Python on
the target neither works, so that is looked at first, before a file with options is left there.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import tempfile
from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase

from . import binaries
from .answer import Refusal
from .channel import Channel
from .options import encode

NO_PYTHON = 93


class BackgroundAction(ActionBase):  # type: ignore[misc]
    """The part of the action plugin for `async:`."""

    _binary_path: str | None = None

    def run_in_background(self, module: str, channel: Channel, variables: dict[str, Any]) -> dict[str, Any]:
        """Starts the module under async_wrapper and gives the job's id."""
        machine = self._machine_with_python(module, channel, variables)
        binary = binaries.for_machine(binaries.carried(), machine)
        # The program knows which module it is by the name it is called by.
        directory = tempfile.mkdtemp(prefix="kubejoin-", dir=C.DEFAULT_LOCAL_TMP)
        self._binary_path = os.path.join(directory, module)
        os.symlink(binary.path, self._binary_path)
        options = json.loads(encode(self._task.args))
        result: dict[str, Any] = self._execute_module(module_args=options, task_vars=variables, wrap_async=True)
        return result

    def _configure_module(self, module_name: str, module_args: Any, task_vars: Any) -> Any:
        """What Ansible is to copy and run: for our module the binary instead of the documentation beside it."""
        configured = super()._configure_module(module_name=module_name, module_args=module_args, task_vars=task_vars)
        if module_name != self._task.action:
            return configured
        if len(configured) == 4:  # until ansible-core 2.18: style, interpreter, content, path
            return "binary", None, None, self._binary_path
        built = dataclasses.replace(configured[0], module_style="binary", shebang=None, b_module_data=b"")
        return built, self._binary_path

    def _machine_with_python(self, module: str, channel: Channel, variables: dict[str, Any]) -> str:
        configured = variables.get("ansible_python_interpreter") or C.config.get_config_value(
            "INTERPRETER_PYTHON", variables=variables
        )
        interpreter = str(self._templar.template(configured))
        if interpreter.startswith("auto"):
            candidates = C.config.get_config_value("INTERPRETER_PYTHON_FALLBACK", variables=variables)
        else:
            candidates = [interpreter]
        names = " ".join(shlex.quote(name) for name in candidates)
        script = "uname -m;for p in %s;do command -v $p>/dev/null&&exit 0;done;exit %d" % (names, NO_PYTHON)
        reply = channel.run(script)
        if reply.rc == NO_PYTHON:
            raise Refusal(
                "async needs Python on the target, and there is none (looked for %s): leave async out; %s itself needs no"
                " Python, and a long task is followed anyway" % (", ".join(candidates), module)
            )
        return reply.stdout.split()[0] if reply.stdout.split() else ""
