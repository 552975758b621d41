"""Ways in which a join fails, provoked on the real thing: each with its class, its verdict in seconds and its end state.

The table is faults.tsv beside run.py; the rows of tests/faults that need no stand-in, and others that only a real cluster has.
"""

import json
import time

from bed import clean, token
from judge import judge
from source import HERE
from stage import table, until

from lab import module, sh

COLUMNS = 9


def fill(stage, text):
    """The table's names of nodes and addresses."""
    address = sh(stage.cp, "hostname -I | cut -d' ' -f1").strip()
    return text.replace("@W@", stage.w1).replace("@CP@", address)


def signs(stage):
    return not module(stage.cp, "join_token", {"reuse": False}).get("failed")


def run(stage, _version):
    for row in table(HERE / "faults.tsv", COLUMNS):
        name, where, provoke, undo, options, *wanted = [fill(stage, text) for text in row]
        node = stage.cp if where == "cp" else stage.w1
        with stage.case(name) as wrong:
            stage.settle(stage.w1)
            clean()
            # After a minute's silence of the API server, the controllers are on their way back.
            until("the cluster signs tokens", lambda: signs(stage), 180)
            join = token()
            secret = join["token"]
            try:
                for step in filter(None, provoke.split(" ;; ")):
                    sh(node, step.replace("@ID@", secret.split(".")[0]))
                join.update(json.loads(options or "{}"))
                began = time.monotonic()
                answer = module(stage.w1, "kubeadm_join_guarded", join)
                seconds = time.monotonic() - began
            finally:
                for step in filter(None, undo.split(" ;; ")):
                    sh(node, step)
            seen, complaints = judge(answer, seconds, wanted, secret, join)
            wrong.extend(complaints)
            end = "joined" if answer.get("joined") else f"not joined: {answer.get('msg', '')[:110]}"
            stage.remark = f"{seen} after {seconds:.1f} s, {end}"
    with stage.case("after all of that the worker joins and is Ready"):
        stage.settle(stage.w1)
        clean()
        stage.done("join", "--limit", stage.w1)
        stage.prove_pods()
