"""What the guarded join costs over bare kubeadm: the same node joins both ways in turn, seven times each."""

import json
import statistics
import time

from bed import clean, token
from overhead import BUDGET, bare, nothing, signed
from stage import until

from lab import module, sh

PAIRS = 7


def api(version):
    """The configuration API that a bare kubeadm of this version reads."""
    minor = int(version.split(".")[1])
    return "v1beta2" if minor < 22 else "v1beta3" if minor < 31 else "v1beta4"


def run(stage, version):
    seconds = {"kubeadm join": [], "kubeadm_join_guarded": []}
    parts = []
    with stage.case(f"the guarded join costs at most {BUDGET} s more than bare kubeadm") as wrong:
        for _ in range(PAIRS):
            for subject, times in seconds.items():
                stage.settle(stage.w1)
                clean()
                join = token()
                signed(join)
                if subject == "kubeadm join":
                    times.append(bare(join, api(version)))
                else:
                    took, where = guarded(stage, join)
                    times.append(took)
                    parts.append(where)
        medians = {subject: statistics.median(times) for subject, times in seconds.items()}
        over = medians["kubeadm_join_guarded"] - medians["kubeadm join"]
        for subject, times in seconds.items():
            print(f"       {subject:22} {medians[subject]:.2f} s  ({', '.join(f'{t:.2f}' for t in times)})")
        for name in parts[0]:
            print(f"       {'':4}{name:30} {statistics.median(part.get(name, 0) for part in parts):6.3f} s")
        stage.remark = f"{over:+.2f} s"
        if over > BUDGET:
            wrong.append(f"{over:+.2f} s over bare kubeadm, of {BUDGET} s allowed")
    with stage.case("a join with nothing to do takes less than half a second") as wrong:
        sh(stage.w1, "umask 077; cat >/run/options", stdin=json.dumps(join))
        times = [nothing() for _ in range(PAIRS)]
        sh(stage.w1, "rm /run/options")
        stage.remark = f"{statistics.median(times):.3f} s"
        if statistics.median(times) > 0.5:
            wrong.append(f"{statistics.median(times):.2f} s: {times}")
    until("all are Ready", lambda: stage.ready() == sorted(stage.nodes), 120)


def guarded(stage, join):
    """Seconds, and where they went."""
    began = time.monotonic()
    answer = module(stage.w1, "kubeadm_join_guarded", join)
    took = time.monotonic() - began
    assert answer.get("joined"), answer.get("msg")
    return took, dict(answer.get("took", {}))
