"""`async:` works where the target has Python, and says why not where it has none."""

from __future__ import annotations

import sys

from support.controller import Controller
from support.node import Node

TASKS = """
- name: polled
  probe: {phases: [a], seconds: 2, text: polled, value: 2024-01-02, changed: true}
  async: 30
  poll: 1
- name: started
  aggressive_reset: {text: later}
  async: 30
  poll: 0
  register: job
- name: asked
  ansible.builtin.async_status: {jid: "{{ job.ansible_job_id }}"}
  register: answer
  until: answer.finished
  retries: 20
  delay: 1
"""


def test_async_with_python(controller: Controller) -> None:
    # Ansible asks the user database for the home directory here, the task its environment.
    places = "ansible_python_interpreter=%s ansible_async_dir=%s" % (sys.executable, controller.home / "jobs")
    run = controller.play(TASKS, "-e", places)
    assert run.rc == 0, run.output
    assert (
        run["polled"]["text"] == "polled"
        and run["polled"]["value"] == "2024-01-02"
        and run["polled"]["changed"] is True
    )
    assert run["started"]["ansible_job_id"] and run["asked"]["text"] == "later"
    assert run["asked"]["argv"][0].endswith("AnsiballZ_aggressive_reset")


def test_async_without_python_says_why_and_leaves_nothing(remote: Controller, node: Node) -> None:
    run = remote.play(
        "- {name: polled, probe: {secret: hush}, async: 30, poll: 1}",
        "-e", "ansible_python_interpreter=auto", hosts="node",
    )  # fmt: skip
    assert (
        run["polled"].verdict == "failed"
        and "async needs Python on the target, and there is none" in run["polled"]["msg"]
    )
    assert node.sh("find / -xdev -path '*ansible*' -newer /run/sshd 2>/dev/null | grep tmp/ || true").strip() == ""
