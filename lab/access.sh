# shellcheck shell=bash
# How one reaches the nodes: a key of the lab's own, their host keys read out of the containers (so that host key
# checking stays on), and the inventory that says so to Ansible.

# Uses the caller's $name (of the lab) and $state (its directory).
# shellcheck disable=SC2154

# Sockets of ssh's shared connections: short, because a socket's path may have 107 bytes only.
access_sockets() { echo "${TMPDIR:-/tmp}/kubejoin-$name"; }

access_key() {
    [[ -e $state/id_ed25519 ]] || ssh-keygen -q -t ed25519 -N '' -C "kubejoin lab $name" -f "$state/id_ed25519"
}

# access_fit DIRECTORY NODE...: lays the key and the nodes' names into DIRECTORY, for a node's root.
access_fit() {
    local root=$1 node
    shift
    install -D -m 0600 "$state/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
    chmod 0755 "$root"
    chmod 0700 "$root/root" "$root/root/.ssh"
    mkdir "$root/etc"
    { echo "127.0.0.1 localhost"; for node in "$@"; do echo "$(address "$node") $node"; done; } >"$root/etc/hosts"
}

# access_write: known_hosts and the inventory, for all nodes there are.
access_write() {
    local node
    (umask 077; mkdir -p "$(access_sockets)")
    for node in $(nodes); do
        echo "$(address "$node"),$node $(podman exec "$node" cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)"
    done >"$state/known_hosts"
    inventory >"$state/inventory.yml"
}

inventory() {
    cat <<INVENTORY
# Written by 'lab up' for the lab $name; gone with 'lab down'.
all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: $state/id_ed25519
    ansible_control_path_dir: $(access_sockets)
    ansible_ssh_common_args: >-
      -o "UserKnownHostsFile='$state/known_hosts'" -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes
      -o IdentitiesOnly=yes
  children:
    kubernetes:
      vars:
        control_plane_ip: $(address "$name-cp1")
        # The nodes share this machine's disk, which may be full for their taste: a kubelet would delete images that no node can
        # pull again.
        kubernetes_kubelet_config:
          imageGCHighThresholdPercent: 100
          evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
        # They share its connection table, too, and may not set the size of it: kube-proxy ends when it cannot.
        kubernetes_kube_proxy_config: {conntrack: {maxPerCore: 0}}
      children:
        control_plane:
          hosts:
$(hosts cp)
        workers:
          hosts:
$(hosts w)
INVENTORY
}

hosts() {
    local node
    for node in $(nodes | grep -E -- "-$1[0-9]+\$"); do printf '            %s: {ansible_host: %s}\n' "$node" "$(address "$node")"; done
}

# access_close: ends the shared connections and removes their sockets.
access_close() {
    local socket
    for socket in "$(access_sockets)"/*; do
        [[ ! -S $socket ]] || ssh -o "ControlPath=$socket" -O exit lab 2>/dev/null || true
    done
    rm -rf "$(access_sockets)"
}
