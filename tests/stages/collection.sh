# shellcheck shell=bash
# The Ansible side: what is generated is up to date, everything is linted, and the action plugin works with the oldest and
# the newest ansible-core.

generated() { venv && .venv/bin/pip -q install pyyaml && .venv/bin/python docs/generate.py --check binaries/x86_64/kubejoin; }

plugin() { tests/ansible/run; }

stages+=(plugin)
