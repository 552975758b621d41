# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what came back over the connection to a task result.

The module's side of the contract: one JSON object on one line of ASCII, real booleans, nothing else on stdout. What
else may arrive (a login banner, the carriage returns of a terminal) is not an answer. The exit status says nothing
when there is an answer, as for a builtin module.
"""

from __future__ import annotations

import json
import signal
from typing import Any, NamedTuple

from ansible.utils.unsafe_proxy import wrap_var

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:  # before ansible-core 2.22
    register_secrets = None

# Ansible would drop the host for the rest of the play: a module that answers has reached it.
NEVER = frozenset(["unreachable"])

# Whether core masks values that it is told of wherever it shows them.
MASKS = register_secrets is not None
# As AnsibleModule tells core, which takes it from modules that it runs itself alone.
SECRETS = "_ansible_new_secrets"

MEANING = {
    signal.SIGKILL: "out of memory, or killed by hand",
    signal.SIGILL: "the processor lacks an instruction",
    signal.SIGSEGV: "a fault in the module",
    signal.SIGABRT: "a fault in the module",
}


class Refusal(Exception):
    """The task cannot be run as it is; the text says why. A failed task, without the trace of a fault in the plugin."""


class Reply(NamedTuple):
    """The end of one remote command: exit status, standard output and error as text."""

    rc: int
    stdout: str
    stderr: str


def parse(reply: Reply, module: str) -> dict[str, Any]:
    """The task result in ``reply``; a failed one that says what went wrong when there is none."""
    for line in reversed(reply.stdout.splitlines()):
        if not line.lstrip().startswith("{"):
            continue
        try:
            return _clean(json.loads(line))
        except (ValueError, RecursionError):
            # Nested more deeply than Python follows: no module of ours said that.
            continue
    said = {"rc": reply.rc, "module_stdout": reply.stdout, "module_stderr": reply.stderr}
    return failure("%s gave no answer: %s" % (module, _reason(reply)), **said)


def failure(msg: str, **fields: Any) -> dict[str, Any]:
    """The result of a task that failed on this side."""
    return _clean({"failed": True, "msg": msg, **fields})


def _clean(result: dict[str, Any]) -> dict[str, Any]:
    secrets = result.get(SECRETS)
    if MASKS and isinstance(secrets, list):
        register_secrets([secret for secret in secrets if isinstance(secret, str)])
    kept = {key: value for key, value in result.items() if key not in NEVER and not key.startswith("_ansible_")}
    for stream in ("stdout", "stderr"):
        if isinstance(kept.get(stream), str):
            kept.setdefault(stream + "_lines", kept[stream].splitlines())
    # What a target says is never a template; before ansible-core 2.19 that has to be said.
    marked: dict[str, Any] = wrap_var(kept)
    return marked


def _reason(reply: Reply) -> str:
    last = [line for line in (reply.stderr or reply.stdout).splitlines() if line.strip()][-1:]
    said = ": " + last[0].strip() if last else ""
    if reply.rc in (126, 127):
        return "it could not be started%s" % said
    if 128 < reply.rc <= 128 + 64:
        return "it was ended by %s" % _signal(reply.rc - 128)
    return "it ended with status %d%s" % (reply.rc, said)


def _signal(number: int) -> str:
    try:
        known = signal.Signals(number)
    except ValueError:
        return "signal %d" % number
    return "signal %d (%s%s)" % (number, known.name, ", " + MEANING[known] if known in MEANING else "")
