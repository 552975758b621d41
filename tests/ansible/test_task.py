"""A task through the plugin behaves as a builtin module's does."""

from __future__ import annotations

import json
import subprocess

from support.controller import Controller

PLAY = """
- name: typed
  probe: {value: {list: [1, 2.5, true, null, "x"], text: "ž\\u2028"}, changed: true}
- name: variable
  vmstation.kubejoin.probe: {text: "{{ 1 + 1 }}", value: 2024-01-02}
- name: vault
  probe:
    text: !vault |
      $ANSIBLE_VAULT;1.1;AES256
%(vault)s
    value: {inner: "{{ secret }}"}
- name: loop
  probe: {text: "{{ item }}"}
  loop: [a, b, c]
- name: environment
  probe: {environment: [PLAIN, ODD, MISSING, b]}
  environment: {PLAIN: one, ODD: "it's \\"two\\"\\n$HOME;`id`", b: "3"}
- name: delegated
  probe: {text: "{{ inventory_hostname }}"}
  delegate_to: there
- name: once
  probe: {text: once}
  run_once: true
- name: refused
  probe: {txt: wrong}
  ignore_errors: true
- name: failed
  probe: {fail: as asked, secret: hushhush}
  ignore_errors: true
- name: secret
  probe: {secret: hushhush, text: "xhushhushx"}
- name: hidden
  probe: {text: topsecret}
  no_log: true
- name: checked
  probe: {changed: true}
  check_mode: true
- name: warned
  probe: {text: warn}
- name: condition
  probe: {}
  when: false
- name: registered
  probe: {changed: true, text: !unsafe "{{ 1 }}"}
  register: answer
- name: used
  probe: {text: "{{ answer.changed and answer is succeeded }}", value: "{{ answer.text | length }}"}
- name: unexpected
  probe: {fail: no}
  failed_when: false
"""


def test_a_play_of_every_kind_of_task(controller: Controller) -> None:
    password = controller.work / "password"
    password.write_text("open sesame")
    controller.inventory.write_text("here ansible_connection=local\nthere ansible_connection=local\n")
    vault = _encrypt(controller, "in the vault", str(password))
    keywords = "vars:\n  secret: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n" + vault.replace("      ", "    ") + "\n"
    run = controller.play(PLAY % {"vault": vault}, "--diff", "--vault-password-file", str(password), keywords=keywords)
    assert run.rc == 0, run.output

    assert run["typed"]["value"] == {"list": [1, 2.5, True, None, "x"], "text": "ž\u2028"}
    assert run["typed"]["changed"] is True and run["typed"]["check"] is False
    assert run["typed"]["uid"] == 0 and run["typed"]["argv"][1:] == ["probe", "-"]
    assert (run["variable"]["text"], run["variable"]["value"]) == ("2", "2024-01-02")
    # Callbacks, which these results come from, are shown what core 2.22 and later knows to be a secret as this.
    masks = tuple(int(number) for number in controller.version.split(".")[:2]) >= (2, 22)
    vaulted = "$REDACTED$" if masks else "in the vault"
    assert (run["vault"]["text"], run["vault"]["value"]) == (vaulted, {"inner": vaulted})
    assert [item["text"] for item in run["loop"]["results"]] == ["a", "b", "c"]
    surroundings = {"PLAIN": "one", "ODD": 'it\'s "two"\n$HOME;`id`', "MISSING": None, "b": "3"}
    assert run["environment"]["environment"] == surroundings
    assert run["delegated"]["text"] == "here" and run["once"]["text"] == "once"
    assert run["refused"].verdict == "failed" and "Did you mean text instead of txt?" in run["refused"]["msg"]
    assert (run["failed"]["msg"], run["failed"]["failure_class"]) == ("as asked", "asked_for")
    assert run["secret"]["secret"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" and run["secret"]["text"] == "x********x"
    assert run["checked"]["check"] is True and run["checked"]["changed"] is True
    assert run["condition"].verdict == "skipped"
    assert run["used"]["text"] == "True" and int(run["used"]["value"]) == len("{{ 1 }}")
    assert run["unexpected"].verdict == "ok"
    assert "-old\n+new" in run.output and "[WARNING]: as asked" in run.output
    assert "hushhush" not in run.output and "topsecret" not in run.output


def test_the_options_are_in_no_command_line_and_a_warm_task_is_one_command(controller: Controller) -> None:
    controller.adhoc("probe", "text=first")
    run = controller.adhoc(
        "probe",
        {"text": "second", "secret": "hushhush"},
        "-vvv",
        ANSIBLE_KEEP_REMOTE_FILES="1",
        ANSIBLE_INJECT_INVOCATION="1",
    )
    assert run.only["text"] == "second" and run.remote_commands() == 1, run.output
    assert run.only["verbosity"] == 3 and run.only["invocation"]["module_args"]["text"] == "second"
    commands = [line for line in run.output.splitlines() if "> EXEC" in line]
    assert commands and all("second" not in line for line in commands) and "hushhush" not in run.output


def test_a_death_by_signal_is_a_failed_task_and_says_which(controller: Controller) -> None:
    for module in ("probe", "aggressive_reset"):
        run = controller.adhoc(module, "die=SIGKILL")
        assert run.only.verdict == "failed" and run.only["rc"] == 137, run.output
        assert "signal 9 (SIGKILL, out of memory, or killed by hand)" in run.only["msg"]


def test_ad_hoc_text_arrives_as_text_and_is_converted_by_the_module(controller: Controller) -> None:
    run = controller.adhoc("vmstation.kubejoin.probe", "changed=yes phases=a,b seconds=0.01 environment=HOME")
    assert run.only["changed"] is True and run.only["environment"] == {"HOME": str(controller.home)}


def test_check_mode_on_the_command_line_reaches_the_module(controller: Controller) -> None:
    assert controller.adhoc("probe", "changed=true", "--check").only["check"] is True


def test_a_wrong_variable_is_named_with_what_would_be_right(controller: Controller) -> None:
    for setting, right in (
        ("kubejoin_cache_dir=relative/path", "must be an absolute path or begin with ~/"),
        ("kubejoin_reconnect_timeout=5", "must be a number of seconds from 30 on"),
        ("kubejoin_progress=perhaps", "must be true or false"),
    ):
        run = controller.adhoc("aggressive_reset", "text=x", "-e", setting)
        assert run.only.verdict == "failed" and right in run.only["msg"] and setting.split("=")[0] in run.only["msg"]


def _encrypt(controller: Controller, text: str, password: str) -> str:
    command = [str(controller.programs / "ansible-vault"), "encrypt_string", "--vault-password-file", password, text]
    done = subprocess.run(command, env=controller.environ(), capture_output=True, text=True, check=True)
    lines = [line.strip() for line in done.stdout.splitlines()]
    return "\n".join("      " + line for line in lines if line[:1].isdigit())


def test_results_are_json_serialisable(controller: Controller) -> None:
    assert json.dumps(controller.adhoc("probe", "text=x").only.result)


def test_core_is_told_of_secrets_and_masks_them_everywhere_where_it_can(controller: Controller, core: str) -> None:
    tasks = """
    - {name: given, probe: {text: a, secret: "{{ lookup('env', 'SESAME') }}"}, register: given}
    - {name: shown, ansible.builtin.debug: {msg: "it is {{ lookup('env', 'SESAME') }}"}}
    """
    run = controller.play(tasks, "-vvv", SESAME="open-sesame-1")
    assert run["given"]["text"] == "a" and "_ansible_new_secrets" not in run.output, run.output
    masks = tuple(int(number) for number in core.split(".")[:2]) >= (2, 22)
    assert ("open-sesame-1" in run.output) is not masks, run.output


def test_invocation_is_left_out_where_core_wants_none(controller: Controller) -> None:
    for wanted in ("1", "0"):
        run = controller.adhoc("probe", "text=a", ANSIBLE_INJECT_INVOCATION=wanted)
        # Cores before 2.21 always want it.
        assert "invocation" in run.only.result or wanted == "0", run.output
