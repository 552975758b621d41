"""What a person sees of a failed task with the callback that ./deploy.sh uses."""

from __future__ import annotations

from support.controller import Controller, Run

FAILING = """
- name: ours
  vmstation.kubejoin.probe: {fail: as asked}
  register: answer
  ignore_errors: true
- name: more
  probe: {fail: "{{ answer.failure_class }} and {{ answer.failed }}"}
  loop: [a]
  ignore_errors: true
- name: hidden
  probe: {fail: a sentence, text: topsecret}
  no_log: true
  ignore_errors: true
- name: crashed
  probe: {die: SIGKILL}
  ignore_errors: true
- name: builtin
  ansible.builtin.fail: {msg: ["one", "two"]}
  ignore_errors: true
- name: refused
  ansible.builtin.assert: {that: false, fail_msg: never so}
  ignore_errors: true
- name: foreign
  ansible.builtin.raw: echo from a command; exit 3
"""


HOSTILE = """
- name: ours
  probe: {fail: "deleting /srv/x\\e[1A\\e[2K\\r\\nok: [here] => nothing is wrong\\u202e"}
  ignore_errors: true
- name: builtin
  ansible.builtin.fail: {msg: "one\\e]0;title\\a\\r\\ntwo"}
"""


def brief(controller: Controller, *arguments: str) -> Run:
    return controller.play(
        FAILING,
        *arguments,
        ANSIBLE_STDOUT_CALLBACK="vmstation.kubejoin.brief",
        ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
    )


def part(run: Run, task: str) -> list[str]:
    """The lines below the banner of ``task``."""
    return run.output.split("TASK [%s]" % task)[1].split("\nTASK [")[0].split("\nPLAY ")[0].rstrip().splitlines()[1:]


def test_a_failed_task_is_its_sentence_and_what_it_is_called(controller: Controller) -> None:
    run = brief(controller)
    assert part(run, "ours") == ["fatal: [here]: FAILED! => as asked", "    failure_class: asked_for", "...ignoring"], (
        run.output
    )
    assert "failed: [here] (item=a) => asked_for and True" in part(run, "more"), run.output
    crashed = part(run, "crashed")[0]
    assert crashed.startswith("fatal: [here]: FAILED! => probe gave no answer: it was ended by signal 9"), run.output
    assert part(run, "builtin")[:2] == ["fatal: [here]: FAILED! => one", "two"], run.output
    assert part(run, "refused")[0] == "fatal: [here]: FAILED! => never so", run.output
    assert "topsecret" not in run.output


def test_a_name_writes_no_line_and_no_escape_sequence(controller: Controller) -> None:
    run = controller.play(HOSTILE, ANSIBLE_STDOUT_CALLBACK="vmstation.kubejoin.brief")
    said = r"deleting /srv/x\x1b[1A\x1b[2K\r\nok: [here] => nothing is wrong\u202e"
    assert part(run, "ours")[0] == "fatal: [here]: FAILED! => " + said, run.output
    assert part(run, "builtin")[:2] == [r"fatal: [here]: FAILED! => one\x1b]0;title\x07\r", "two"], run.output
    assert run.output.replace("\n", "").isprintable()


def test_other_peoples_modules_are_shown_as_ansible_does(controller: Controller) -> None:
    shown = "\n".join(part(brief(controller), "foreign"))
    assert "from a command" in shown and "rc: 3" in shown, shown


def test_what_merely_went_on_is_left_out(controller: Controller) -> None:
    (controller.work / "more.yml").write_text("- {name: inner, probe: {text: a}}\n")
    tasks = """
    - {name: arguments, ansible.builtin.validate_argument_spec: {argument_spec: {}}}
    - {name: outer, ansible.builtin.include_tasks: more.yml}
    """
    env = {"ANSIBLE_STDOUT_CALLBACK": "vmstation.kubejoin.brief"}
    for skipped in ("true", "false"):
        said = controller.play(tasks, ANSIBLE_DISPLAY_SKIPPED_HOSTS=skipped, **env).output
        assert "TASK [inner]" in said and "ok: [here]" in said and "arguments" not in said and "outer" not in said, said
    said = controller.play(tasks, "-v", **env).output
    assert "TASK [arguments]" in said and "TASK [outer]" in said and "included: " in said, said
    said = controller.play(tasks.replace("{}", "{a: {required: true}}"), **env).output
    assert "TASK [arguments]" in said and "fatal: [here]: FAILED! => Validation of arguments failed" in said, said


def test_everything_is_shown_when_asked_and_registered_in_any_case(controller: Controller) -> None:
    run = brief(controller)
    assert run["ours"]["failure_class"] == "asked_for" and run["ours"]["changed"] is False
    shown = "\n".join(part(brief(controller, "-v"), "ours"))
    assert "failure_class: asked_for" in shown and "changed: false" in shown and "msg: as asked" in shown, shown


def test_a_table_is_its_lines_and_a_task_that_is_tried_again_waits(controller: Controller) -> None:
    tasks = """
    - name: table
      ansible.builtin.debug: {msg: ["NODE  READY", "w1    yes", "", "bell: \\e]0;x\\a"]}
      run_once: true
    - name: late
      ansible.builtin.raw: "false"
      register: late
      until: late.rc == 0
      retries: 12
      delay: 0
      ignore_errors: true
    """
    env = {"ANSIBLE_STDOUT_CALLBACK": "vmstation.kubejoin.brief", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    run = controller.play(tasks, **env)
    assert part(run, "table")[:4] == ["NODE  READY", "w1    yes", "", "bell: \\x1b]0;x\\x07"], run.output
    waiting = [line for line in part(run, "late") if line.startswith("waiting")]
    assert waiting == ["waiting: [here]: late (1 of 12)", "waiting: [here]: late (10 of 12)"], run.output
    assert "RETRYING" not in run.output
    # Another callback shows the same lines, one by one.
    other = controller.play(tasks, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default").output
    assert '"w1    yes"' in other and "RETRYING" in other, other
