"""A cluster of the suite's own, what it is asked, and the count of what was right."""

import contextlib
import json
import pathlib
import re
import subprocess
import time

import lab
from lab import ROOT, TOKEN, module, sh

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
TROUBLES = (RuntimeError, AssertionError, ValueError, KeyError, IndexError, subprocess.SubprocessError)


class Stage:
    """One control plane and two workers."""

    def __init__(self, name, directory, lab_options):
        self.name, self.directory, self.lab_options = name, directory, lab_options
        self.cp, self.w1, self.w2 = (f"{name}-{node}" for node in ("cp1", "w1", "w2"))
        self.nodes = (self.cp, self.w1, self.w2)
        self.part, self.remark, self.passed, self.failed = "", "", 0, 0

    @contextlib.contextmanager
    def case(self, title):
        """Something that has to be so: passes when nothing is added to the list of complaints, and leaves a transcript."""
        wrong, self.remark = [], ""
        number = self.passed + self.failed + 1
        path = self.directory / f"{number:02d}-{self.part}-{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}.txt"
        began = time.monotonic()
        with path.open("w") as lab.transcript:
            try:
                yield wrong
            except TROUBLES as error:
                wrong.append(f"{type(error).__name__}: {error}"[:2000])
            lab.transcript.write("".join(f"WRONG: {line}\n" for line in wrong))
        lab.transcript = None
        verdict = "FAIL" if wrong else "ok  "
        print(
            f"{verdict} {time.monotonic() - began:6.1f} s  {self.part}: {title}{self.remark and f' ({self.remark})'}",
            flush=True,
        )
        for line in wrong:
            print(f"       {TOKEN.sub('<token>', str(line))}", flush=True)
        if wrong:
            print(f"       transcript: {path.relative_to(ROOT)}", flush=True)
        self.passed, self.failed = self.passed + (not wrong), self.failed + bool(wrong)

    def deploy(self, *words):
        """deploy.sh on this lab: its exit status and everything it said."""
        command = ["timeout", "900", f"{ROOT}/deploy.sh", *words, "--name", self.name]
        ran = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lab.note("here", " ".join(["./deploy.sh", *words]), ran)
        return ran.returncode, ran.stdout

    def done(self, *words):
        """As `deploy`, for what has to succeed; gives back what it said."""
        status, said = self.deploy(*words)
        assert not status, f"./deploy.sh {' '.join(words)}: exit status {status}: {last(said)}"
        return said

    def unchanged(self, *words):
        said = self.done(*words)
        changed = re.findall(r"^\S+ +: .*changed=[1-9].*", said, re.M)
        assert not changed, f"./deploy.sh {' '.join(words)} changed something: {changed}"
        return said

    def kubectl(self, words, stdin=""):
        return sh(self.cp, f"{KUBECTL} {words}", stdin=stdin)

    def ready(self):
        """The nodes that the cluster calls Ready."""
        items = json.loads(self.kubectl("get nodes -o json"))["items"]
        good = [n for n in items for c in n["status"]["conditions"] if (c["type"], c["status"]) == ("Ready", "True")]
        return sorted(node["metadata"]["name"] for node in good)

    def pods(self):
        """Name, node and address of the suite's own pods that are to be reached."""
        listed = json.loads(self.kubectl("get pods -n default -o json"))["items"]
        ready = [p for p in listed if p["status"].get("podIP") and not p["metadata"].get("deletionTimestamp")]
        ready = [p for p in ready if all(s["ready"] for s in p["status"].get("containerStatuses", [{"ready": False}]))]
        return sorted((p["metadata"]["name"], p["spec"]["nodeName"], p["status"]["podIP"]) for p in ready)

    def settle(self, node):
        """Waits until a node that has joined has begun with its pods, and starts no container right now."""
        # A Node that a test made for this name may be called Ready, too.
        if sh(node, "test -e /etc/kubernetes/kubelet.conf && echo joined", check=False).strip() != "joined":
            return
        quiet = "n=0; until [ $n = 5 ]; do n=$((n + 1)); ! pgrep -x runc >/dev/null || n=0; sleep 0.2; done; pgrep -fc shim-runc"
        if node in self.ready():
            until(f"{node} has begun with its pods", lambda: int(sh(node, quiet, check=False)) >= 2, 120)

    def talk(self):
        """Whether each pod's network namespace on every node reaches each pod; judged by bash, not by our module."""
        pods = self.pods()
        addresses = " ".join(address for _, _, address in pods)
        script = f"""for n in $(ip netns list | cut -d' ' -f1); do for a in {addresses}; do
            ip netns exec $n timeout 3 bash -c "exec 3<>/dev/tcp/$a/8096; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -c 4 <&3" ||
            echo "no answer from $a in $n"; done; done"""
        said = [sh(node, script, check=False) for node in sorted({node for _, node, _ in pods})]
        enough = sorted({node for _, node, _ in pods}) == sorted(self.nodes)
        return enough and all("HTTP" in text and "no answer" not in text for text in said)

    def prove_pods(self):
        """Pods of all nodes reach each other: by our module, and by bash."""
        until("pods of all nodes reach each other", self.talk, 150)
        for node in self.nodes:
            peers = [address for _, other, address in self.pods() if other != node]
            answer = module(node, "pod_connectivity", {"peers": peers, "fail": False})
            kinds = {row["check"] for row in answer.get("matrix", []) if not row.get("skipped") and "check" in row}
            assert answer.get("failures") == [] and answer.get("matrix"), f"{node}: {answer.get('msg')} {sorted(kinds)}"


def until(what, look, seconds=60):
    """Waits until `look` is true, and gives back how long that took."""
    began = time.monotonic()
    seen = None
    while time.monotonic() - began < seconds:
        with contextlib.suppress(*TROUBLES):
            seen = look()
            if seen:
                return time.monotonic() - began
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what} ({seen})")


def last(said):
    """The lines in which a playbook says why it failed."""
    lines = [line for line in said.splitlines() if re.search(r"fatal|FAILED|error|failed:|rror", line)]
    return " | ".join(lines[-6:])[:1500]


def table(path, columns):
    """The rows of a table of cases, each as long as the table is wide."""
    lines = pathlib.Path(path).read_text().splitlines()
    rows = [line.split("\t") for line in lines if line.strip() and line[0] != "#"]
    return [row + [""] * (columns - len(row)) for row in rows]
