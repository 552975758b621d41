#!/usr/bin/env python3
"""Many workers at once through the playbooks: some fail, each differently, and stop no other; the table tells each.

Also what only the control plane can mend (a refused token, a stale Node), which the role lets it mend, and that no token
shows in what Ansible prints at -vvv.

Usage: fleet.py [--keep] [--bin FILE] [--workers N]     (as root; brings up a lab of its own with the stand-ins)
"""

import re
import subprocess
import sys
import threading
import time

import bed
from bed import ADMIN, CP, LAB, ROOT, fault, sh

# worker: the stand-ins' fault, the class it leads to, what the last words have to name
FAILING = {
    2: ("swap-on", "swap_on", "swapoff"),
    4: ("missing-program", "program_missing", "install its package"),
    7: ("clock-behind", "clock_behind", "clock"),
}
passed, failed = [], []


def check(what, good, shown=""):
    (passed if good else failed).append(what)
    print(f"{'ok  ' if good else 'FAIL'} {what}", flush=True)
    if not good:
        print(str(shown)[-6000:], flush=True)


def deploy(*words):
    began = time.monotonic()
    ran = subprocess.run([f"{ROOT}/deploy.sh", *words, "--name", LAB], check=False, capture_output=True, text=True)
    ran.stdout += ran.stderr
    print(f"     {time.monotonic() - began:6.1f} s  {' '.join(words)}", flush=True)
    return ran


def table(output):
    """Rows of the table at the end: host to (result, class, seconds, attempts)."""
    text = output.rsplit("RESULT", 1)[-1].split("\n\n")[0]
    # Below a row stands its sentence, indented.
    rows = (line.split() for line in text.splitlines()[1:] if not line.startswith(" "))
    # "was joined" and "would join" are two words.
    return {row[0]: (" ".join(row[1:-3]), *row[-3:]) for row in rows if row and row[0].startswith(LAB)}


def tokens():
    return re.findall(r"^[a-z0-9]{6}\.[a-z0-9]{16}", sh(CP, f"kubeadm token list --kubeconfig {ADMIN}"), re.MULTILINE)


def lift_when(node, shows, name):
    """Takes a fault of the control plane back as soon as the worker's log shows what it led to."""

    def watch():
        for _ in range(600):
            if sh(node, f"grep -rls {shows} /var/log/kubejoin || true").strip():
                break
            time.sleep(0.3)
        sh(CP, f"rm -f {bed.FAULTS}/{name}")

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def many_at_once(workers):
    failing = {number: row for number, row in FAILING.items() if number <= len(workers)}
    for number, (name, *_) in failing.items():
        fault(workers[number - 1], name)
    sh(workers[2], "mkdir -p /etc/kubernetes/pki; echo x > /etc/kubernetes/pki/ca.crt")
    ran = deploy("cluster", "-vvv")
    rows = table(ran.stdout)
    check("a play in which a node fails fails", ran.returncode != 0)
    for number, node in enumerate(workers, 1):
        wanted = ("failed", failing[number][1]) if number in failing else ("joined",)
        check(f"{node}: {' '.join(wanted)}", rows.get(node, ())[: len(wanted)] == wanted, rows)
    check("leftovers of an earlier join took one more attempt", rows.get(workers[2], ("",) * 4)[3] == "2", rows)
    for _, name, words in failing.values():
        check(f"the last words name the way out of {name}", words in ran.stdout.split("TASK [Fail for this node]")[-1])
    check("no token is in what Ansible prints at -vvv", not any(token in ran.stdout for token in tokens()))
    check("nor any secret half of one", not any(token[7:] in ran.stdout for token in tokens()))


def once_mended(workers):
    before = tokens()
    for node in workers:
        sh(node, f"rm -f {bed.FAULTS}/*")
    ran = deploy("join")
    rows = table(ran.stdout)
    check("all join once that is mended", ran.returncode == 0, ran.stdout)
    results = [rows.get(node, ("",))[0] for node in workers]
    check(
        "those that had joined are left alone",
        results == ["joined" if number in FAILING else "was joined" for number in range(1, len(workers) + 1)],
        rows,
    )
    check("no token was made for it, there was one", tokens() == before)


def refused_token(workers):
    two = workers[:2]
    check("two nodes go", deploy("reset", "--limit", ",".join(two)).returncode == 0)
    nodes = sh(CP, f"kubectl --kubeconfig {ADMIN} get nodes -o name").split()
    check("and the cluster forgets them", not any(f"node/{node}" in nodes for node in two), nodes)
    sh(workers[0], "rm -rf /var/log/kubejoin")
    before = tokens()
    fault(CP, "token-expired")
    thread = lift_when(workers[0], "token_unknown", "token-expired")
    ran = deploy("join")
    thread.join()
    check("both join with a fresh token after theirs was refused", ran.returncode == 0, ran.stdout)
    check("one fresh token for both", len(tokens()) == len(before) + 1)


def throttled(workers):
    check("all go", deploy("reset", "--limit", ",".join(workers)).returncode == 0)
    answer = bed.module(CP, "join_token", {"state": "absent"})
    check("and so do the tokens", not answer.get("failed"), answer)
    fault(CP, "api-throttled")
    relief = threading.Timer(6, lambda: sh(CP, f"rm -f {bed.FAULTS}/api-throttled"))
    relief.start()
    began = time.monotonic()
    answer = bed.module(CP, "join_token", {})
    seconds = time.monotonic() - began
    relief.join()
    check("a token is made although every request is refused for 6 s", not answer.get("failed"), answer)
    print(f"     {seconds:6.1f} s  join_token", flush=True)
    bed.module(CP, "join_token", {"state": "absent"})
    for percent in (0, 30, 60):
        fault(CP, "api-busy", str(percent))
        ran = deploy("join")
        sh(CP, f"rm -f {bed.FAULTS}/api-busy")
        rows = table(ran.stdout)
        good = all(rows.get(node, ("",))[0] == "joined" for node in workers)
        check(f"all {len(workers)} join at once while {percent} % of requests are turned away", good, ran.stdout)
        for node in workers:
            print(f"              {' '.join(rows.get(node, ()))}  {node}", flush=True)
        if percent < 60:
            check("and go again", deploy("reset", "--limit", ",".join(workers)).returncode == 0)


def stale_node(workers):
    node = workers[0]
    answer = bed.module(node, "aggressive_reset", {"level": "gentle"})
    check("a node is wiped without the cluster's knowing", not answer.get("failed"), answer)
    ran = deploy("join", "--limit", node, "-e", "kubernetes_on_node_conflict=delete")
    check("its stale Node is removed, and it joins", ran.returncode == 0, ran.stdout)
    check(
        "which took two joins and no waiting",
        table(ran.stdout).get(node, ("",) * 4)[1::2] == ("node_exists", "2"),
        table(ran.stdout),
    )
    # A kubelet that still runs would tell the cluster the new id, and the Node would be this machine's.
    sh(node, "systemctl stop kubelet; echo 00000000000000000000000000000001 > /etc/machine-id")
    bed.module(node, "aggressive_reset", {"level": "gentle"})
    ran = deploy("join", "--limit", node, "-e", "kubernetes_on_node_conflict=delete")
    last = ran.stdout.split("TASK [Fail for this node]")[-1]
    check(
        "another machine's Node of that name is not deleted",
        ran.returncode != 0 and "another machine" in last,
        ran.stdout,
    )


def main():
    command = bed.parser(__doc__.splitlines()[0])
    command.add_argument("--workers", type=int, default=5)
    arguments = command.parse_args()
    workers = [f"{LAB}-w{number}" for number in range(1, arguments.workers + 1)]
    bed.lab("up", "--workers", str(arguments.workers))
    try:
        for node in (CP, *workers):
            sh(node, f"mkdir -p {bed.FAULTS}")
            subprocess.run(["podman", "cp", arguments.bin, f"{node}:/root/kubejoin"], check=True)
        for step in (many_at_once, once_mended, refused_token, throttled, stale_node):
            step(workers)
    finally:
        if not arguments.keep:
            bed.lab("down")
    print(f"{len(passed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
