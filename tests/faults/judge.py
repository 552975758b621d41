"""What a join's answer and the node that it leaves must be like, for a row of a fault table."""

import json

from bed import W, left_behind, module


def judge(answer, seconds, row, secret, join):
    """The class seen, and a list of complaints. `row` ends with class, end, next_action, most seconds and what was mended."""
    expect, joined, action, most, *mended = row
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
    wrong += [
        f"no evidence {words!r}" for words in evidence if words not in f"{answer.get('evidence')} {answer.get('msg')}"
    ]
    wrong += [
        f"{len(answer['attempts'])} attempts, more than {most}" for most in attempts if len(answer["attempts"]) > most
    ]
    if seconds > float(most):
        wrong.append(f"{seconds:.1f} s, more than {most}")
    if secret in json.dumps(answer):
        wrong.append("the token is in the answer")
    wrong += left_behind(secret)
    if joined == "joined":
        again = module(W, "kubeadm_join_guarded", join)
        if again.get("changed") or again.get("failed"):
            wrong.append(f"the second run: {again.get('msg')}")
    return seen, wrong
