"""A practice lab of the fault tables' own: shell and modules on its nodes, without Ansible in between."""

import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def sh(node, script, check=True, stdin=""):
    """Runs a shell script on a node and gives back its stdout."""
    ran = subprocess.run(
        ["timeout", "120", "podman", "exec", "-i", node, "sh", "-c", script],
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
    )
    if check and ran.returncode:
        raise RuntimeError(f"{node}: {script}: {ran.returncode}: {ran.stdout}{ran.stderr}")
    return ran.stdout


def module(node, name, options):
    """Runs a module on a node as the action plugin does, and gives back its answer."""
    ran = subprocess.run(
        ["timeout", "400", "podman", "exec", "-i", node, f"/root/bin/{name}", "-"],
        check=False,
        input=json.dumps(options),
        capture_output=True,
        text=True,
    )
    if not ran.stdout.startswith("{"):
        raise RuntimeError(f"{name} on {node}: {ran.returncode}: {ran.stdout}{ran.stderr}")
    return json.loads(ran.stdout)


def install(node, binary, name):
    """Puts a module's program where `module` runs it."""
    sh(node, "mkdir -p /root/bin")
    subprocess.run(["podman", "cp", binary, f"{node}:/root/bin/{name}"], check=True)


def lab(name, command, *more):
    """lab/lab.sh, silent unless it brings something up."""
    subprocess.run(
        [f"{ROOT}/lab/lab.sh", command, "--name", name, *more],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=None if command == "up" else subprocess.DEVNULL,
    )
