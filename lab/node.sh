# shellcheck shell=bash
# One node: a container that boots systemd, with volumes for what a node keeps and an identity of its own.
# Uses the caller's $name, $checkout, $suite, $source and $image.
# shellcheck disable=SC2154

# The container options this machine asks for, one per line. The same set serves cgroup v1 and v2. podman's own
# systemd mode (--systemd=always) is not used: on cgroup v1 with a private namespace it lets one node's systemd kill
# the next node's.
node_options() {
    printf '%s\n' --privileged --cgroupns=private --systemd=false --no-hosts --env container=podman --pids-limit=-1 \
        --tmpfs /run --tmpfs /run/lock --tmpfs /tmp:exec
    limit_options
    [[ ! -d /lib/modules ]] || printf '%s\n' --volume /lib/modules:/lib/modules:ro
}

# Without CAP_SYS_RESOURCE (bit 24) nothing may be raised above the present hard limits, which podman's defaults do.
# podman itself cuts its processes to what pid_max allows.
limit_options() {
    ! ((0x$(awk '/^CapEff/ {print $2}' /proc/self/status) >> 24 & 1)) || return 0
    local files processes most
    files=$(ulimit -Hn) processes=$(ulimit -Hu) most=$(</proc/sys/kernel/pid_max)
    if [[ $processes == unlimited ]] || ((processes > most)); then processes=$most; fi
    printf '%s\n' --ulimit "nproc=$processes:$processes"
    [[ $files == unlimited ]] || printf '%s\n' --ulimit "nofile=$files:$files"
}

# node_create NODE ADDRESS: made, not started.
node_create() {
    local node=$1 options directory
    mapfile -t options < <(node_options)
    for directory in containerd kubelet etcd; do
        volume_create "$node-$directory" "$directory"
        # podman would mount it nodev and nosuid, which a machine's own /var/lib is not.
        options+=(--volume "$node-$directory:/var/lib/$directory:dev,suid,exec")
    done
    podman --runtime runc create --name "$node" --hostname "$node" --network "$name" --ip "$2" \
        --label "kubejoin.lab=$name" --label "kubejoin.checkout=$checkout" --label "kubejoin.suite=$suite" \
        --label "kubejoin.kubernetes=$source" "${options[@]}" "$image" >/dev/null
}

# containerd's snapshots are overlays, and an overlay cannot lie on another: where podman itself keeps its volumes on
# one (a container in a container), containerd's goes to memory.
volume_create() {
    local options=()
    if [[ $2 == containerd && $(stat -f -c %T "$(podman info -f '{{.Store.GraphRoot}}')") == overlayfs ]]; then
        options=(--opt type=tmpfs --opt device=tmpfs)
    fi
    podman volume create --label "kubejoin.lab=$name" "${options[@]}" "$1" >/dev/null
}

# node_remove NODE: the container and its volumes, whatever state an interrupted run left them in.
node_remove() {
    local directory
    podman rm --force --time 0 --ignore "$1" >/dev/null
    for directory in containerd kubelet etcd; do
        ! podman volume exists "$1-$directory" || podman volume rm --force "$1-$directory" >/dev/null
    done
}

# node_wait NODE: until systemd has finished booting.
node_wait() {
    local node=$1 deadline=$((SECONDS + 90)) state=
    until [[ $state == running || $state == degraded ]]; do
        ((SECONDS < deadline)) ||
            fail "$node has not booted within 90 s (systemd says: ${state:-nothing}); see: podman logs $node"
        [[ $(podman inspect -f '{{.State.Running}}' "$node" 2>/dev/null) == true ]] ||
            fail "$node has stopped; see: podman logs $node"
        state=$(timeout 30 podman exec "$node" systemctl is-system-running --wait 2>/dev/null) || pause 0.2
    done
    [[ $state == running ]] || say "warning: $node: failed units: $(podman exec "$node" \
        systemctl list-units --failed --plain --no-legend | awk '{print $1}' | xargs)"
}

# pause SECONDS: between two polls.
pause() { read -rt "$1" <> <(:) || true; }
