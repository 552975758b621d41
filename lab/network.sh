# shellcheck shell=bash
# The lab's own podman network: a fixed subnet that nothing on this machine uses, so that every node keeps its address
# over a restart.

# network_up NAME: makes it when it is not there.
network_up() {
    local name=$1 third
    podman network exists "$name" && return
    for third in {30..250}; do
        subnet_is_free "172.29.$third.0/24" || continue
        podman network create --label "kubejoin.lab=$name" --disable-dns --subnet "172.29.$third.0/24" \
            "$name" >/dev/null 2>&1 && return
    done
    fail "no free subnet below 172.29.0.0/16 for the lab's network $name"
}

# network_prefix NAME: the first three octets of its subnet.
network_prefix() {
    local subnet
    subnet=$(podman network inspect "$1" | sed -n 's/.*"subnet": "\(.*\)\.0\/24".*/\1/p')
    [[ -n $subnet ]] || fail "podman's network $1 was not made by the lab: choose another --name"
    echo "$subnet"
}

# No route but the default one may lead there, nor may a narrower one lie inside.
subnet_is_free() {
    [[ -z $(ip -4 route show to match "$1" | grep -v '^default') && -z $(ip -4 route show to root "$1") ]]
}

# What the nodes need from this machine's kernel; a container cannot load modules itself.
load_modules() {
    local module
    for module in overlay br_netfilter vxlan nf_conntrack; do modprobe -q "$module" 2>/dev/null || true; done
}

# Limits of this machine that all nodes share, and cannot raise themselves.
raise_limits() {
    # systemd, containerd and kubelet of every node take inotify instances; a containerd that gets none has no CRI. Debian's
    # 128 are used up by about four nodes (measured).
    raise_limit fs/inotify/max_user_instances 1024
    # What a kube-proxy that is not told otherwise would set: 32768 for each processor, and 131072 at least. It ends when it cannot.
    raise_limit net/netfilter/nf_conntrack_max $(($(nproc) > 4 ? 32768 * $(nproc) : 131072))
}

raise_limit() {
    local limit=/proc/sys/$1 name=${1//\//.}
    [[ -e $limit && $(<"$limit") -lt $2 ]] || return 0
    if echo "$2" 2>/dev/null >"$limit"; then
        say "    raised $name to $2 until the next boot: the nodes share it"
    else
        say "    $name is $(<"$limit"), and the nodes together need $2"
    fi
}

bridge_netfilter() {
    if [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then echo present; else echo missing; fi
}
