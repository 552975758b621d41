#!/usr/bin/env python3
"""Every way a join can fail, provoked on a lab node and held against what the join module makes of it.

The table is faults.tsv beside this file: what is provoked and where, the class, whether the node has joined at the end,
what whoever called is to do, the most seconds to the verdict, and what must have been mended (or "evidence: WORDS" that must be
quoted, or "attempts: N" that may not be exceeded). After each case the node
must be as clean as before: no token on disk, no gate, no mask, no lock held, and kubeadm gone.

Usage: run.py [--keep] [--bin FILE] [CASE...]     (as root; brings up a lab of its own with the stand-ins)
"""

import json
import sys
import time

from bed import CP, HERE, ROOT, W, bring_up, clean, fault, lab, left_behind, module, parser, sh, token


def run_case(case):
    name, where, provoke, options, expect, joined, action, most, *mended = case
    clean()
    join = token()
    secret = join["token"]
    node = CP if where == "cp" else W
    environment = {}
    for step in filter(None, provoke.split(" ; ")):
        kind, _, words = step.partition(": ")
        if kind == "fault":
            fault(node, *words.split("=", 1))
        elif kind == "env":
            environment.update([words.split("=", 1)])
        elif kind == "cp":
            sh(CP, words.replace("{W}", W))
        elif kind == "put":
            source, target = words.split()
            sh(W, f"cat > {target}", stdin=(ROOT / source).read_text())
        elif step == "joined":
            answer = module(W, "kubeadm_join_guarded", join)
            assert answer.get("joined"), answer
        else:
            sh(node, step)
    join.update(json.loads((options or "{}").replace("{W}", W)))
    began = time.monotonic()
    answer = module(W, "kubeadm_join_guarded", join, environment)
    seconds = time.monotonic() - began
    evidence = [words.removeprefix("evidence: ") for words in mended if words.startswith("evidence: ")]
    attempts = [int(words.removeprefix("attempts: ")) for words in mended if words.startswith("attempts: ")]
    mended = [words for words in mended if not words.startswith(("evidence: ", "attempts: "))]
    classes = [a.get("failure_class") for a in answer.get("attempts", []) if a.get("failure_class")]
    last = answer.get("failure_class")
    seen = last or (classes[0] if classes else "-")
    wrong = []
    if expect not in (seen, last) and expect not in classes:
        wrong.append(f"class {seen} (attempts: {classes}) instead of {expect}")
    if bool(answer.get("joined")) != (joined == "joined"):
        wrong.append(f"joined is {answer.get('joined')}")
    if action != "-" and answer.get("next_action") != action:
        wrong.append(f"next_action is {answer.get('next_action')} instead of {action}")
    wrong += [f"no step {words!r}" for words in mended if not any(words in step for step in answer.get("steps", []))]
    wrong += [f"no evidence {words!r}" for words in evidence if words not in f"{answer.get('evidence')} {answer.get('msg')}"]
    wrong += [f"{len(answer['attempts'])} attempts, more than {most}" for most in attempts if len(answer["attempts"]) > most]
    if seconds > float(most):
        wrong.append(f"{seconds:.1f} s, more than {most}")
    if secret in json.dumps(answer):
        wrong.append("the token is in the answer")
    wrong += left_behind(secret)
    if joined == "joined":
        again = module(W, "kubeadm_join_guarded", join)
        if again.get("changed") or again.get("failed"):
            wrong.append(f"the second run: {again.get('msg')}")
    verdict = "ok  " if not wrong else "FAIL"
    print(f"{verdict} {name:24} {seconds:6.1f} s  {seen:30} {answer.get('msg', '')[:150]}", flush=True)
    for line in wrong:
        print(f"       {line}", flush=True)
    if wrong:
        print(json.dumps(answer, indent=1)[:6000])
    return not wrong


def main():
    command = parser(__doc__.splitlines()[0])
    command.add_argument("cases", nargs="*")
    arguments = command.parse_args()
    lines = (HERE / "faults.tsv").read_text().splitlines()
    table = [line.split("\t") for line in lines if line.strip() and line[0] != "#"]
    unknown = set(arguments.cases) - {row[0] for row in table}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    bring_up(arguments.bin)
    passed = failed = 0
    try:
        for row in table:
            if not arguments.cases or row[0] in arguments.cases:
                try:
                    good = run_case(row)
                except (RuntimeError, AssertionError, ValueError) as error:
                    good = False
                    print(f"FAIL {row[0]}: {error}", flush=True)
                passed, failed = passed + good, failed + (not good)
    finally:
        if not arguments.keep:
            lab("down")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
