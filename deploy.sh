#!/usr/bin/env bash
# One command per job on a Kubernetes cluster. Without an inventory: on the practice lab in containers on this machine.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab/say.sh
source "$checkout/lab/say.sh"
# shellcheck source=lab/packages.sh
source "$checkout/lab/packages.sh"
# shellcheck source=lab/lock.sh
source "$checkout/lab/lock.sh"
# shellcheck source=lab/built.sh
source "$checkout/lab/built.sh"
# shellcheck source=deploy/help.sh
source "$checkout/deploy/help.sh"
# shellcheck source=deploy/options.sh
source "$checkout/deploy/options.sh"
# shellcheck source=deploy/environment.sh
source "$checkout/deploy/environment.sh"
# shellcheck source=deploy/ansible.sh
source "$checkout/deploy/ansible.sh"
# shellcheck source=deploy/nodes.sh
source "$checkout/deploy/nodes.sh"

# What can be seen to be wrong without Ansible.
check_call() {
    local inventory
    [[ -e $checkout/playbooks/$command.yml ]] || refuse "this version has no playbook for '$command'"
    for inventory in "${inventories[@]}"; do
        [[ $inventory == *,* || -r $inventory ]] || refuse "cannot read the inventory $inventory"
    done
    [[ -z ${inventories[*]} || ${#lab_options[@]} -eq 0 ]] || refuse "${lab_options[0]} is for the practice lab, and -i names an inventory: give one of them"
    if [[ $command == apps ]]; then
        [[ -d $directory ]] || refuse "apps needs a directory of manifests, and '$directory' is not a directory"
        compgen -G "$directory/*.y*ml" >/dev/null || compgen -G "$directory/*.json" >/dev/null || refuse "no manifest (.yaml, .yml or .json) in $directory"
        options+=(--extra-vars "{\"apps_directory\": \"$(cd "$directory" && pwd)\"}")
    fi
    # A file of variables may name them: the playbook looks there.
    if [[ $command == remove || $command == replace ]]; then
        [[ -n $limit ]] || refuse "$command is for nodes that are named: say which with --limit"
    elif [[ $command == reset && -z $limit && "${decisive[*]}" != *reset_nodes* && "${decisive[*]}" != *'--extra-vars @'* ]]; then
        refuse "reset wipes nodes: say which with --limit"
    fi
    [[ -n ${inventories[*]} ]] || check_lab
}

# The lab is wanted: can it be, on this machine, by this user?
check_lab() {
    ((EUID == 0)) || refuse "the practice lab needs root, because its nodes are privileged containers: run it with sudo, or name your nodes with -i"
    [[ $command == cluster || -e $(lab_inventory) ]] ||
        refuse "no inventory given, and the practice lab is not up: give one with -i, or run ./deploy.sh cluster"
}

lab_inventory() { echo "$checkout/.lab/$name/inventory.yml"; }

main() {
    parse "$@"
    environment
    check_call
    local started
    started=$(now_ms)
    # What cannot be had is told before anything is downloaded.
    $lists || built_can_be
    # For the lab all at once: a package manager is slow to start.
    if [[ -z ${inventories[*]} && $command == cluster ]] && ! $lists; then
        local purposes=(ansible lab image)
        brought || purposes+=(build)
        need_for "${purposes[@]}"
    fi
    venv
    if [[ -n ${inventories[*]} ]]; then
        # Bad input is told before anything is built or brought up.
        check_nodes
    else
        lab_lock "$name"
        [[ $command != cluster ]] || $lists || "$checkout/lab/lab.sh" up "${lab_options[@]}" 9>&-
        inventories=("$(lab_inventory)")
        check_nodes
    fi
    $lists || built_kubejoin
    local arguments=()
    inventory_arguments
    $lists || say "==> running playbooks/$command.yml on ${inventories[*]}"
    "$checkout/.venv/bin/ansible-playbook" "${arguments[@]}" "${options[@]}" "$checkout/playbooks/$command.yml" 9>&- ||
        fail "$command failed after $(since "$started")"
    $lists || say "==> $command: done in $(since "$started")"
}

main "$@"
