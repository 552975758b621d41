#!/usr/bin/env bash
# The practice lab: one control plane and some workers, as systemd containers on this machine.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$here")
# shellcheck source=say.sh
source "$here/say.sh"
# shellcheck source=packages.sh
source "$here/packages.sh"
# shellcheck source=lock.sh
source "$here/lock.sh"
# shellcheck source=built.sh
source "$here/built.sh"
# shellcheck source=network.sh
source "$here/network.sh"
# shellcheck source=node.sh
source "$here/node.sh"
# shellcheck source=kubernetes.sh
source "$here/kubernetes.sh"
# shellcheck source=space.sh
source "$here/space.sh"
# shellcheck source=access.sh
source "$here/access.sh"

usage() {
    cat <<'USAGE'
usage: lab/lab.sh up     [--name NAME] [--workers N] [--suite SUITE] [--kubernetes VERSION|rehearsal|none]
       lab/lab.sh down   [--name NAME]
       lab/lab.sh status [--name NAME]

  --name NAME           which lab; several can live side by side (default kubejoin)
  --workers N           how many workers, 0 to 50 (default 2); more than before adds to a running lab
  --suite SUITE         Debian of the nodes: bookworm (default), trixie, forky
  --kubernetes VERSION  kubeadm, kubelet and kubectl from the Kubernetes package repository, such as 1.33 or 1.33.2;
                        'rehearsal' takes the stand-ins, 'none' leaves all three and containerd out.
                        Without it: what the lab was made with; or the programs in KUBE_BIN_DIR, if that is set; or the
                        repository's newest release, if it answers within 3 seconds; or else the stand-ins.

KUBEJOIN_KUBERNETES_REPOSITORY names a mirror of the repository (default https://pkgs.k8s.io).
'up' leaves nodes alone that are up already, replaces half-made ones, and prints the inventory's path.
USAGE
}

parse() {
    command=${1:-}
    name=kubejoin workers='' suite='' version=''
    case $command in
        up | down | status) shift ;;
        -h | --help | help) usage; exit ;;
        *) refuse "unknown lab command '$command': up, down or status" ;;
    esac
    while (($#)); do
        case $1 in
            -h | --help) usage; exit ;;
            --name | --workers | --suite | --kubernetes) (($# > 1)) || refuse "$1 needs a value" ;;
            *) refuse "unknown argument '$1' for lab $command" ;;
        esac
        case $1 in
            --name) name=$2 ;;
            --workers) workers=$2 ;;
            --suite) suite=$2 ;;
            --kubernetes) version=$2 ;;
        esac
        shift 2
    done
    [[ $name =~ ^[a-z][a-z0-9-]{0,30}$ ]] || refuse "--name must be lower-case letters, digits and hyphens, at most 31; not '$name'"
    [[ $workers =~ ^([0-9]|[1-4][0-9]|50|)$ ]] || refuse "--workers must be 0 to 50, not '$workers'"
    [[ $suite =~ ^(bookworm|trixie|forky|)$ ]] || refuse "--suite must be bookworm, trixie or forky, not '$suite'"
    ((EUID == 0)) || refuse "the lab needs root, because its nodes are privileged containers: run it with sudo"
    state=$checkout/.lab/$name
}

nodes() { podman ps --all --filter "label=kubejoin.lab=$name" --format '{{.Names}}' | sort -V; }

label() { podman inspect -f "{{index .Config.Labels \"$2\"}}" "$1"; }

# The nodes asked for, with those the lab has beyond them.
wanted() { { printf '%s\n' "$name-cp1"; for ((i = 1; i <= workers; i++)); do echo "$name-w$i"; done; nodes; } | sort -uV; }

# Made to the end by an earlier run, as the note of its id shows.
complete() { [[ -s $state/nodes/$1 && $(podman inspect -f '{{.Id}}' "$1" 2>/dev/null) == "$(<"$state/nodes/$1")" ]]; }

running() { [[ $(podman inspect -f '{{.State.Running}}' "$1" 2>/dev/null) == true ]]; }

all_up() {
    local node
    for node in $(wanted); do complete "$node" && running "$node" || return 1; done
}

# adopt ASKED: what is not asked for is as it was when the lab came up first. Sets source when the lab has one.
adopt() {
    local node
    for node in $(nodes); do
        [[ $(label "$node" kubejoin.checkout) == "$checkout" ]] ||
            refuse "a lab named $name was brought up from $(label "$node" kubejoin.checkout): take it down first, or choose another --name"
        complete "$node" || continue
        source=$(label "$node" kubejoin.kubernetes)
        [[ $source != packages* ]] || repository=$(label "$node" kubejoin.repository)
        suite=${suite:-$(label "$node" kubejoin.suite)}
        [[ $(label "$node" kubejoin.suite) == "$suite" ]] || refuse "the lab $name is up with Debian $(label "$node" kubejoin.suite): take it down first to change that"
        kubernetes_is "$source" "$1" || refuse "the lab $name is up with $(kubernetes_name "$source"): take it down first to change that"
    done
    suite=${suite:-bookworm}
    # A lab that is there keeps its size; one that is not even half made gets two.
    [[ -n $workers ]] || { workers=0; complete "$name-cp1" || workers=2; }
}

address() {
    local prefix
    prefix=$(network_prefix "$name")
    if [[ $1 == "$name-cp1" ]]; then echo "$prefix.10"; else echo "$prefix.$((100 + ${1##*-w}))"; fi
}

make_node() {
    local node=$1 fit=$state/fit
    rm -f "$state/nodes/$node"
    node_remove "$node"
    node_create "$node" "$(address "$node")"
    tar -C "$fit" --owner=0 --group=0 -c . | podman cp - "$node:/"
    podman start "$node" >/dev/null 9>&-
}

make_nodes() {
    local node all started=()
    mapfile -t all < <(wanted)
    # A cluster does not outlive its control plane.
    if ! complete "$name-cp1"; then for node in "${all[@]}"; do node_remove "$node"; rm -f "$state/nodes/$node"; done; fi
    rm -rf "$state/fit"
    mkdir -p "$state/fit" "$state/nodes"
    access_fit "$state/fit" "${all[@]}"
    kubernetes_fit "$source" "$state/fit"
    for node in "${all[@]}"; do
        if ! complete "$node"; then make_node "$node"; elif ! running "$node"; then podman start "$node" >/dev/null 9>&-; else continue; fi
        started+=("$node")
    done
    for node in "${started[@]}"; do
        node_wait "$node"
        kubernetes_images "$source" "$node"
        podman inspect -f '{{.Id}}' "$node" >"$state/nodes/$node"
    done
    rm -rf "$state/fit"
}

up() {
    local asked
    asked=$(kubernetes_asked "$version")
    need_for lab
    lab_lock "$name"
    source='' megabytes=0
    adopt "$asked"
    if [[ -n $source ]]; then kubernetes_kept "$source"; else kubernetes_choose "$asked"; fi
    space_check
    kubernetes_built "$source"
    image=$("$here/image.sh" --suite "$suite")
    image=$(kubernetes_image "$source" "$image")
    mkdir -p "$state"
    load_modules
    raise_limits
    network_up "$name"
    access_key
    if all_up; then
        say "==> the lab $name is up (Debian $suite): $(wanted | xargs)"
    else
        step "starting the lab $name (Debian $suite): $(wanted | xargs)" make_nodes
    fi
    access_write
    kubernetes_banner "$source"
    [[ $(bridge_netfilter) == present ]] ||
        say "    br_netfilter is missing in this machine's kernel: traffic over a bridge does not pass iptables"
    say "    inventory: ${state#"$PWD"/}/inventory.yml"
}

down() {
    command -v podman >/dev/null 2>&1 || return 0
    lab_lock "$name"
    step "removing the lab $name" remove_lab
}

remove_lab() {
    local node volume
    access_close
    for node in $(nodes); do node_remove "$node"; done
    for volume in $(podman volume ls -q --filter "label=kubejoin.lab=$name"); do podman volume rm --force "$volume" >/dev/null; done
    ! podman network exists "$name" || podman network rm --force "$name" >/dev/null
    rm -rf "$state"
    rmdir "$checkout/.lab" 2>/dev/null || true
    rm -f "/run/lock/kubejoin-lab-$name.lock"
}

status() {
    need podman=podman
    local node
    [[ -n $(nodes) ]] || { echo "no lab named $name; bring one up with: lab up${name:+ --name $name}"; exit 1; }
    printf '%-24s %-10s %-16s %-10s %-10s %s\n' NODE STATE ADDRESS CONTAINERD KUBELET KUBERNETES
    for node in $(nodes); do
        printf '%-24s %-10s %-16s %-10s %-10s %s\n' "$node" "$(in_node "$node" systemctl is-system-running)" \
            "$(address "$node")" "$(in_node "$node" systemctl is-active containerd)" \
            "$(in_node "$node" systemctl is-active kubelet)" "$(label "$node" kubejoin.kubernetes)"
    done
    echo "br_netfilter: $(bridge_netfilter); cgroups: $(stat -f -c %T /sys/fs/cgroup | sed 's/cgroup2fs/v2/;s/tmpfs/v1/')"
}

# in_node NODE COMMAND...: the first line of what it says there.
in_node() { if running "$1"; then timeout 10 podman exec "$@" 2>/dev/null | head -n 1; else echo stopped; fi || true; }

parse "$@"
"$command"
