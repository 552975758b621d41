# shellcheck shell=bash
# The Ansible side: read by linters, and run with the oldest and the newest ansible-core (documentation included).

lint() {
    tests/ansible/lint
    git ls-files -z | xargs -0 grep -lzE '\A#!(/usr)?/bin/(env )?(bash|sh)' | xargs -0 shellcheck
}

plugin() { tests/ansible/run; }

stages+=(lint plugin)
