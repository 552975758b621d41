"""Faults of a joined node: named by diagnose, mended by repair, and proved mended from pods."""

import time

import mend
from parts.look import well
from stage import last, until

from lab import module, sh

# Rows of tests/faults/mend.tsv.
CASES = [
    "bridge-missing",
    "bridge-address",
    "veth-detached",
    "conf-missing",
    "vxlan-missing",
    "stale-lease",
    "containerd-stopped",
    "kubelet-masked",
    "ip-forward",
    "node-deleted",
]


def run(stage, _version):
    lines = (mend.HERE / "mend.tsv").read_text().splitlines()
    rows = {line.split("\t")[0]: line.split("\t") for line in lines if line[:1] not in "#"}
    for name in CASES:
        case = mend.Case(*rows[name])
        with stage.case(f"repair mends {name}") as wrong:
            until("all is well before", lambda: well(stage.nodes), 120)
            until("pods talk before", stage.talk, 60)
            before = stage.pods()
            case.do(case.make, [])
            sh(case.node, case.seen)
            answer = module(case.node, "node_diagnose", {})
            began = time.monotonic()
            status, said = stage.deploy("repair")
            took = time.monotonic() - began
            wrong.extend(case.judge_diagnosis(answer, 0))
            if status:
                wrong.append(f"repair failed: {last(said)}")
            until("all is well afterwards", lambda: well(stage.nodes), 120)
            stage.prove_pods()
            if case.mended == "same" and before != stage.pods():
                wrong.append(f"pods were made anew: {before}, {stage.pods()}")
            stage.remark = f"{mend.code(answer)}, repaired in {took:.1f} s"
