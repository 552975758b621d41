#!/usr/bin/env python3
"""The fault drill: what can happen to a node in the middle of the work, done to a lab node, and nothing may be lost.

For each case: what is not ours is put on the worker (drills/kept.py) and the trouble is made (the other files there).
What is under test keeps its deadline and ends as the table says. After it nobody's film, firewall or container is lost, no
token, gate, mask or half a file is left, the next join succeeds, and one more changes nothing. What this machine cannot
do is a SKIP with its reason, never a pass.

Each result is kept in docs/drill.tsv, and docs/drill.md is written from it.

Usage: drill.py [--keep] [--bin FILE] [CASE...]     (as root; brings up a lab of its own with the stand-ins)
"""

import subprocess
import sys

import bed
from bed import W, bring_up, clean, lab, left_behind, module, sh
from drills import CASES, Drill, Skip, control_plane, cut_off, kept, silent, storage, together

import page

# Each has put its cases into the table.
KINDS = (control_plane, cut_off, silent, storage, together)
# A power cut takes memory with it, and a boot what was started by hand.
POWER = {"power-cut", "rebooted"}
IN_MEMORY = ("nas/film", "FAMILY", "192.0.2.", "radio    ")


def aftermath(drill, case, before):
    """What must hold after every case."""
    drill.wrong += kept.lost(before, IN_MEMORY if case.name in POWER else ())
    for secret in drill.secrets:
        drill.wrong += left_behind(secret)
    join = drill.token()
    again = module(W, "kubeadm_join_guarded", join)
    drill.expect("the next join", again.get("joined"), again.get("msg"))
    drill.wrong += [f"after the next run {line}" for line in left_behind(join["token"])]
    drill.wrong += kept.half_written()
    second = module(W, "kubeadm_join_guarded", join)
    drill.expect(
        "one more changes something", not second.get("changed") and not second.get("failed"), second.get("msg")
    )


def run_case(case):
    """(verdict, seconds, what was said); complaints are printed."""
    clean()
    before = kept.put()
    drill = Drill()
    try:
        case.run(drill)
        aftermath(drill, case, before)
    except Skip as skip:
        print(f"SKIP {case.name}: {skip}", flush=True)
        return "skipped", 0.0, str(skip)
    except (RuntimeError, AssertionError, ValueError, OSError, subprocess.SubprocessError) as error:
        drill.wrong.append(f"{type(error).__name__}: {error}"[:2000])
    drill.expect("its deadline is over", drill.seconds <= case.most, f"{drill.seconds:.1f} s of {case.most}")
    verdict = "FAIL" if drill.wrong else "ok  "
    print(f"{verdict} {case.name:26} {drill.seconds:6.1f} s of {case.most:3.0f}  {drill.said[:170]}", flush=True)
    for line in drill.wrong:
        print(f"       {line}", flush=True)
    return "failed" if drill.wrong else "ok", drill.seconds, drill.said


def main():
    command = bed.parser(__doc__.splitlines()[0])
    command.add_argument("cases", nargs="*")
    arguments = command.parse_args()
    unknown = set(arguments.cases) - {case.name for case in CASES}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(case.name for case in CASES)}")
    bring_up(arguments.bin)
    kept.install()
    sh(W, "mkdir -p /var/lib/kubejoin")
    verdicts = []
    try:
        for case in CASES:
            if not arguments.cases or case.name in arguments.cases:
                result = run_case(case)
                verdicts.append(result[0])
                page.keep(case, result)
    finally:
        if not arguments.keep:
            lab("down")
    page.write(CASES)
    print(f"{verdicts.count('ok')} passed, {verdicts.count('failed')} failed, {verdicts.count('skipped')} skipped")
    sys.exit("failed" in verdicts)


if __name__ == "__main__":
    main()
