"""Practice labs of the fault tables' own: shell and modules on their nodes, without Ansible in between."""

import json
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
# An open file that gets every command with what it said, tokens left out. None: nobody keeps it.
transcript = None


def note(where, what, ran):
    """Keeps what was run, for whoever reads the transcript."""
    if transcript:
        text = f"$ {where}: {what}\n{ran.stdout}{ran.stderr or ''}[exit status {ran.returncode}]\n\n"
        transcript.write(TOKEN.sub("<token>", text))


def sh(node, script, check=True, stdin=""):
    """Runs a shell script on a node and gives back its stdout."""
    ran = subprocess.run(
        ["timeout", "120", "podman", "exec", "-i", node, "sh", "-c", script],
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
    )
    note(node, script, ran)
    if check and ran.returncode:
        raise RuntimeError(f"{node}: {script}: {ran.returncode}: {ran.stdout}{ran.stderr}")
    return ran.stdout


def module(node, name, options, environment=None):
    """Runs a module on a node as the action plugin does, and gives back its answer."""
    variables = [word for pair in (environment or {}).items() for word in ("-e", "=".join(pair))]
    ran = subprocess.run(
        ["timeout", "400", "podman", "exec", "-i", *variables, node, "/root/kubejoin", name, "-"],
        check=False,
        input=json.dumps(options),
        capture_output=True,
        text=True,
    )
    note(node, f"{name} {json.dumps(options)}", ran)
    if not ran.stdout.startswith("{"):
        raise RuntimeError(f"{name} on {node}: {ran.returncode}: {ran.stdout}{ran.stderr}")
    return json.loads(ran.stdout)


def install(node, program):
    """Puts the program with all modules where `module` runs it."""
    subprocess.run(["podman", "cp", program, f"{node}:/root/kubejoin"], check=True)


def lab(name, command, *more):
    """lab/lab.sh, silent unless it brings something up: with the stand-ins, or what KUBE_BIN_DIR names."""
    source = ["--kubernetes", "rehearsal"] if command == "up" and not os.environ.get("KUBE_BIN_DIR") else []
    subprocess.run(
        [f"{ROOT}/lab/lab.sh", command, "--name", name, *source, *more],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=None if command == "up" else subprocess.DEVNULL,
    )
