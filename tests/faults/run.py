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

from bed import CP, HERE, ROOT, W, bring_up, clean, fault, lab, module, parser, sh, token
from judge import judge


def run_case(case):
    name, where, provoke, options = case[:4]
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
    seen, wrong = judge(answer, seconds, case[4:], secret, join)
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
