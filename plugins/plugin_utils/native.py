# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a task of this collection: the action plugin's one implementation.

The module is not Python and the target needs none. What the task says (`become`, `environment`, `timeout`, check mode,
connection) is Ansible's and stays so; this adds how the program gets there, and that a long task survives a lost
connection and says what it is doing.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from . import answer, launch_script, sequence
from .answer import Refusal
from .background import BackgroundAction
from .channel import Channel, Overdue
from .delivery import Delivery, environment_line
from .interruption import interruptible, undisturbed
from .long_modules import LONG
from .long_task import LongTask, Progress
from .options import Settings, encode

# ansible-core's words, in its ssh and local connections.
PASSWORD = re.compile(r"(?i)\b(missing|incorrect|duplicate)\b[\w. ]*\bpassword")
ENDING = 40  # seconds that ending the remote work may take


class NativeAction(BackgroundAction):
    """What runs for every module of the collection."""

    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result, as a builtin module's would be."""
        # Before ansible-core 2.16 the base class sets these per object.
        self._supports_check_mode = self._supports_async = True
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            if getattr(self._connection._shell, "_IS_WINDOWS", False):
                raise Refusal("%s runs on Linux targets, not on Windows" % self._module())
            result.update(self._native(variables))
        except Refusal as refusal:
            result.update(answer.failure(str(refusal)))
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            words = self._password(str(error), str(self._task.delegate_to or variables.get("inventory_hostname", "")))
            if words is None:
                raise
            result.update(answer.failure(words))
        return result

    def _password(self, said: str, target: str) -> str | None:
        """What Ansible says of a password that is missing or wrong, as what to do; None when it says something else."""
        found = PASSWORD.search(said)
        if not found:
            return None
        method = getattr(self._connection.become, "name", "sudo").rpartition(".")[2]
        if found[1].lower() == "missing":
            return (
                "%s on %s asks for a password: give it with -K (--ask-become-pass) or ansible_become_password, or allow "
                "this user %s without one" % (method, target, method)
            )
        return (
            "%s did not take the password for %s: give the right one with -K (--ask-become-pass) or ansible_become_password"
            % (target, method)
        )

    def _module(self) -> str:
        # As the task names it. ansible-core 2.16 to 2.18 resolve that to the name of the action plugin.
        name: str = self._task.action
        return name.rpartition(".")[2]

    def _native(self, variables: dict[str, Any]) -> dict[str, Any]:
        module = self._module()
        settings = Settings.read(variables, self._templar)
        host = self._task.delegate_to or variables.get("inventory_hostname", "")
        channel = Channel(self)
        if self._task.async_val:
            return self.run_in_background(module, channel, variables)
        delivery = Delivery(channel, host, settings.cache_dir, self.get_shell_option("remote_tmp", default=None))
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        options = dict(self._task.args)
        if module == sequence.NAME:
            sequence.complete(options, self._task, self._templar, variables)
        long = bool(LONG & ({module} | sequence.modules(options)))
        self._update_module_args(self._task.action, options, variables)
        options["_kubejoin_secrets"] = answer.MASKS
        line, surroundings = encode(options), environment_line(environment)
        run = uuid.uuid4().hex
        with interruptible():
            try:
                if not long:
                    return answer.parse(delivery.run(launch_script.attached(run, module), line, surroundings), module)
                progress = Progress(host, module, settings.quiet(self._task.no_log))
                job = LongTask(channel, run, settings.reconnect_timeout, progress)
                start = launch_script.job(run, module, settings.reconnect_timeout)
                return answer.parse(job.wait(lambda: delivery.run(start, line, surroundings)), module)
            except Exception:
                raise
            except BaseException:
                # `timeout:` of the task, or Ctrl-C: what was started on the target must not go on by itself.
                self._end(channel, run)
                raise

    def _end(self, channel: Channel, run: str) -> None:
        with undisturbed():
            try:
                channel.run(launch_script.end(run), seconds=ENDING)
            except (Exception, Overdue) as error:
                self._display.warning("the task may still be running on the target, it could not be ended: %s" % error)
