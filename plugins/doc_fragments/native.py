# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds for every module of this collection, because one action plugin runs them all."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by ansible-doc, never run."""

    DOCUMENTATION = r"""
options: {}
attributes:
  async:
    support: partial
    details: Needs Python on the target. A long task is followed live and survives a lost connection without it.
    description: Supports being run with the C(async) keyword.
notes:
  - The task has to run as root, that is, with C(ansible_become=true) or C(become) unless you log in as root. Otherwise it
    fails with that sentence and looks at nothing.
  - The target needs no Python. One static program with all modules is kept there, in C(~/.ansible/kubejoin) of the user the
    task runs as, and sent again only when it has changed. Options travel on standard input, never in a command line.
  - The variable C(kubejoin_cache_dir) names another directory for the program. Without it C(/var/tmp), C(/dev/shm) and C(/tmp)
    are tried where the home directory is full, read-only or mounted noexec.
  - The variable C(kubejoin_progress) shows (C(true)) or hides (C(false)) the phases of a long task; without it they are shown
    on a terminal, and never under C(no_log).
  - The variable C(kubejoin_reconnect_timeout) says for how many seconds (120) a target may be out of reach while a long task
    runs. Afterwards the task fails, and ends by itself on the target.
"""
