"""A signal that ends a task is an exception first, so that what was started on the target can be ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

SIGNALLED_TWICE = """
import os, signal
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils.interruption import interruptible
with interruptible():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
    except BaseException:
        # Between the first signal and the clearing-up: Ansible has ended meanwhile.
        os.kill(os.getpid(), signal.SIGTERM)
        print("cleared up", flush=True)
        raise
"""


def test_a_second_signal_does_not_keep_the_clearing_up_from_beginning() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED_TWICE], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "cleared up\n", done.stderr
    # The signal that came first is delivered again, as Ansible wants it.
    assert done.returncode in (-signal.SIGINT, 1) and "KeyboardInterrupt" in done.stderr, (done.returncode, done.stderr)
