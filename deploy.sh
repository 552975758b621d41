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

usage() {
    cat <<'USAGE'
usage: ./deploy.sh COMMAND [options]

  cluster     bring a whole cluster up: control plane, pod network, workers; changes nothing when it is up
  join        join workers; nodes that have joined are left alone
  reset       take nodes out and clean them; needs --limit
  verify      check the cluster and show its nodes
  diagnose    find out what is wrong with nodes, touching nothing
  repair      mend what keeps nodes and their pod network from working
  apps DIR    apply the manifests in DIR and wait for them
  lab         the practice lab: up, down, status

  -i, --inventory FILE   your nodes; see inventory/example.yml. Without it: the practice lab on this machine
  -l, --limit PATTERN    only these hosts of the inventory
  -C, --check            say what would be done, do nothing
  -D, --diff             show what is changed
  -e, --extra-vars VARS  set variables, as ansible-playbook does
  -v, -vv, -vvv          say more
  -- OPTIONS             anything else for ansible-playbook
  --name, --workers, --suite, --kubernetes   for the practice lab; see ./deploy.sh lab --help

Environment: MASTER_IP sets control_plane_ip, JOIN_TIMEOUT kubernetes_join_timeout (seconds), MAX_RETRIES
kubernetes_join_retries. KUBE_BIN_DIR names a directory with kubeadm, kubelet and kubectl for the practice lab.

./deploy.sh COMMAND --help says more about one command.
USAGE
}

help_for() {
    case $1 in
        cluster) echo "usage: ./deploy.sh cluster [-i FILE] [--check] [--diff]
Prepares every node (CNI, then containerd), runs kubeadm init on the control plane, sets up the pod network, joins the
workers, hands over from the placeholder network and shows the nodes. Without -i it brings the practice lab up first." ;;
        join) echo "usage: ./deploy.sh join [-i FILE] [--limit NODE] [--check] [--diff]
Joins the workers of the inventory, or those of --limit. A node that failed before is diagnosed, cleaned as far as its
diagnosis says, and tried again. MASTER_IP, JOIN_TIMEOUT and MAX_RETRIES are heeded." ;;
        reset) echo "usage: ./deploy.sh reset --limit NODE [-i FILE] [--check] [--diff] [-e reset_level=gentle|aggressive]
Takes what Kubernetes left on a node away, and nothing else: no mount is deleted through, preserve_paths are proved
unharmed. Control planes are refused unless -e reset_control_plane=true." ;;
        verify) echo "usage: ./deploy.sh verify [-i FILE]
Waits until every node is Ready and shows them; fails when one is not." ;;
        diagnose) echo "usage: ./deploy.sh diagnose [-i FILE] [--limit NODE] [-e diagnose_directory=DIR] [-e diagnose_textfile_directory=DIR]
Looks at every node, changes nothing there, and writes index.html and report.md to DIR (by default ./kubejoin-report):
what is wrong with which node, what it comes from, what helps. A node that cannot be reached is a row, too. With
diagnose_textfile_directory, nodes get kubejoin.prom there, for node_exporter; alert rules: docs/prometheus-alerts.yml." ;;
        repair) echo "usage: ./deploy.sh repair [-i FILE] [--limit NODE] [--check] [--diff] [-e repair_recreate_pods=false]
Diagnoses, and stops when nothing is wrong. Otherwise mends what is safe to mend on each node (containerd, kernel settings,
kubelet, CNI, the pod bridge), then flannel, looks again, and proves from pods that they reach each other, DNS and the
outside. What only a person can mend is named with what helps. Fails for nodes that do not work then." ;;
        apps) echo "usage: ./deploy.sh apps DIR [-i FILE] [--check] [-e apps_timeout=SECONDS]
Applies the manifests in DIR (.yaml, .yml, .json; not below it) with kubectl on the control plane, waits until its
Deployments, DaemonSets and StatefulSets have rolled out (300 s each), and tells of each object. DIR is on this machine." ;;
        *) usage ;;
    esac
}

parse() {
    command=${1:-} inventory='' limit='' name=kubejoin directory='' lab_options=() options=()
    case $command in
        '') usage >&2; exit 2 ;;
        -h | --help | help) usage; exit ;;
        lab) shift; exec "$checkout/lab/lab.sh" "$@" ;;
        cluster | join | reset | verify | diagnose | repair | apps) shift ;;
        *) refuse "unknown command '$command'; ./deploy.sh --help lists them" ;;
    esac
    local option value
    while (($#)); do
        option=$1 value=''
        case $option in
            --*=*) value=${option#*=} option=${option%%=*} ;;
            -i | --inventory | -l | --limit | -e | --extra-vars | --name | --workers | --suite | --kubernetes)
                (($# > 1)) || refuse "$option needs a value"
                value=$2
                shift
                ;;
        esac
        shift
        case $option in
            -h | --help) help_for "$command"; exit ;;
            -i | --inventory) inventory=$value ;;
            -l | --limit) limit=$value ;;
            -e | --extra-vars) options+=(--extra-vars "$value") ;;
            --name) name=$value ;;&
            --name | --workers | --suite | --kubernetes) lab_options+=("$option" "$value") ;;
            -C | --check) options+=(--check) ;;
            -D | --diff) options+=(--diff) ;;
            -v | -vv | -vvv | -vvvv) options+=("$option") ;;
            --) options+=("$@"); break ;;
            -*) refuse "unknown option $option; ./deploy.sh $command --help lists them" ;;
            *)
                [[ $command == apps && -z $directory ]] || refuse "unexpected argument '$option' for $command"
                directory=$option
                ;;
        esac
    done
}

# The original's environment variables, as Ansible's; what -e says wins over them.
environment() {
    local variables=()
    if [[ -n ${MASTER_IP:-} ]]; then
        [[ $MASTER_IP =~ ^[A-Za-z0-9.:-]+$ ]] || refuse "MASTER_IP must be an address or a name, not '$MASTER_IP'"
        variables+=(--extra-vars "control_plane_ip=$MASTER_IP")
    fi
    local pair name
    for pair in JOIN_TIMEOUT=kubernetes_join_timeout MAX_RETRIES=kubernetes_join_retries; do
        name=${pair%=*}
        [[ -n ${!name:-} ]] || continue
        [[ ${!name} =~ ^[0-9]+$ ]] || refuse "$name must be a whole number, not '${!name}'"
        variables+=(--extra-vars "{\"${pair#*=}\": ${!name}}")
    done
    options=("${variables[@]}" "${options[@]}")
}

# What can be seen to be wrong without Ansible.
check_call() {
    [[ -e $checkout/playbooks/$command.yml ]] || refuse "this version has no playbook for '$command'"
    [[ -z $inventory || $inventory == *,* || -r $inventory ]] || refuse "cannot read the inventory $inventory"
    [[ -z $inventory || ${#lab_options[@]} -eq 0 ]] || refuse "${lab_options[0]} is for the practice lab, and -i names an inventory: give one of them"
    if [[ $command == apps ]]; then
        [[ -d $directory ]] || refuse "apps needs a directory of manifests, and '$directory' is none"
        compgen -G "$directory/*.y*ml" >/dev/null || compgen -G "$directory/*.json" >/dev/null || refuse "no manifest (.yaml, .yml or .json) in $directory"
        options+=(--extra-vars "{\"apps_directory\": \"$(cd "$directory" && pwd)\"}")
    fi
    if [[ $command == reset && -z $limit && "${options[*]}" != *reset_nodes* ]]; then
        refuse "reset wipes nodes: say which with --limit"
    fi
    if [[ -z $inventory && $command != cluster && ! -e $checkout/.lab/$name/inventory.yml ]]; then
        refuse "no inventory given, and the practice lab is not up: give one with -i, or run ./deploy.sh cluster"
    fi
}

# ansible-core of its own in .venv, made again when requirements.txt changes.
venv() {
    local stamp=$checkout/.venv/requirements.txt
    cmp -s "$checkout/requirements.txt" "$stamp" && return
    need python3=python3
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || refuse "python3 is $(python3 --version), and ansible-core needs 3.11 or newer"
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages "Python's venv" python3-venv
    step "installing ansible-core into .venv" make_venv
    cp "$checkout/requirements.txt" "$stamp"
}

# shellcheck disable=SC2317  # called through step
make_venv() {
    rm -rf "$checkout/.venv"
    python3 -m venv "$checkout/.venv"
    "$checkout/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$checkout/requirements.txt" >&2 ||
        fail "ansible-core could not be installed: pip says why above"
}

# What only Ansible can tell: the inventory parses, and --limit names hosts of it.
check_hosts() {
    local answer
    answer=$("$checkout/.venv/bin/ansible" -i "$inventory" "${limit:-all}" --list-hosts 2>&1) ||
        refuse "the inventory $inventory cannot be used: $(grep -m 1 -E 'ERROR' <<<"$answer" || tail -n 1 <<<"$answer")"
    if [[ $answer == *'hosts (0)'* || $answer == *'Could not match supplied host pattern'* ]]; then
        refuse "--limit $limit: no such host in $inventory"
    fi
}

main() {
    parse "$@"
    environment
    check_call
    local started
    started=$(now_ms)
    export ANSIBLE_CONFIG=$checkout/ansible.cfg
    venv
    # Bad input is told before anything is built or brought up.
    [[ -z $inventory ]] || check_hosts
    built "$checkout/binaries/$(uname -m)/kubejoin" kubejoin "$checkout/Cargo.toml" "$checkout/Cargo.lock" "$checkout/crates" "$checkout/modules"
    if [[ -z $inventory ]]; then
        lab_lock "$name"
        [[ $command != cluster ]] || "$checkout/lab/lab.sh" up "${lab_options[@]}" 9>&-
        inventory=$checkout/.lab/$name/inventory.yml
        check_hosts
    fi
    [[ -z $limit ]] || options+=(--limit "$limit")
    say "==> running playbooks/$command.yml on $inventory"
    "$checkout/.venv/bin/ansible-playbook" -i "$inventory" "${options[@]}" "$checkout/playbooks/$command.yml" 9>&- ||
        fail "$command failed after $(since "$started")"
    say "==> $command: done in $(since "$started")"
}

main "$@"
