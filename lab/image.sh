#!/usr/bin/env bash
# The node image: a Debian that boots with systemd in a container, with everything a kubeadm node needs except
# Kubernetes itself, and without Python. Prints the image's name.
#
#   lab/image.sh [--suite bookworm|trixie|forky] [--bare] [--rebuild]
#
# With --bare without what makes it a node: no containerd, runc, CNI plugins, firewall tools.
#
# Bootstrapped from Debian's packages, so nothing comes from an image registry. In two layers, each labelled with the hash
# of what it was made from: the packages, which take a minute, and our own files on top. The second time costs nothing.
# KUBEJOIN_DEBIAN_MIRROR chooses a mirror.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=say.sh
source "$here/say.sh"
# shellcheck source=packages.sh
source "$here/packages.sh"

contents=systemd,systemd-sysv,dbus,openssh-server,sudo,containerd,runc,containernetworking-plugins
contents+=,iptables,nftables,iproute2,kmod,conntrack,ethtool,socat,procps,iputils-ping,ca-certificates

# Nothing for these to do in a container, or they would reach out of it: kernel file systems, the console, apt's
# timers, udev, a first-boot dialogue.
masked=(
    systemd-firstboot.service systemd-udevd.service systemd-timesyncd.service systemd-logind.service
    systemd-modules-load.service systemd-binfmt.service systemd-remount-fs.service
    getty.target console-getty.service
    dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount
    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
)

suite=bookworm
rebuild=false bare=false
while (($#)); do
    case $1 in
        --suite) suite=${2:-}; shift ;;
        --rebuild) rebuild=true ;;
        --bare) bare=true ;;
        *) refuse "unknown argument $1; usage: lab/image.sh [--suite bookworm|trixie|forky] [--bare] [--rebuild]" ;;
    esac
    shift
done
case $suite in
    bookworm | trixie | forky) ;;
    *) refuse "--suite must be bookworm, trixie or forky, not '$suite'" ;;
esac

image=localhost/kubejoin-node:$suite
base=localhost/kubejoin-debian:$suite
mirror=${KUBEJOIN_DEBIAN_MIRROR:-http://deb.debian.org/debian}
((EUID == 0)) || refuse "making the node image needs root: debootstrap sets owners and makes device nodes"
# Without the keyring, debootstrap on a machine that is not Debian would take packages unchecked.
need_for image

hash() { sha256sum | cut -c1-16; }

packages_hash() { echo "$contents" | hash; }

recipe_hash() { (cd "$here" && { cat image.sh; find rootfs -type f -print0 | sort -z | xargs -0 sha256sum; } | hash); }

# made NAME LABEL HASH: whether the image is there, made from just that.
made() { [[ $(podman image inspect -f "{{index .Labels \"$2\"}}" "$1" 2>/dev/null) == "$3" ]]; }

# debootstrap, laid out as the layer that both costs time and seldom changes.
bootstrap() {
    local root log=${TMPDIR:-/var/tmp}/kubejoin-debootstrap-$suite.log script=/usr/share/debootstrap/scripts
    # Not in the checkout: that may lie on a file system mounted nodev or noexec.
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/kubejoin-image-XXXXXX")
    # shellcheck disable=SC2064  # the directory of now, not of then
    trap "rm -rf --one-file-system '$root'" EXIT
    # An older debootstrap does not know a newer suite by name; sid's script does for all of them.
    if [[ -e $script/$suite ]]; then script+=/$suite; else script+=/sid; fi
    debootstrap --variant=minbase "--include=$contents" "$suite" "$root" "$mirror" "$script" >"$log" 2>&1 ||
        { grep -E '^(E|W):' "$log" | tail -n 3 >&2; fail "debootstrap of $suite from $mirror failed; its log is $log"; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
    tar -C "$root" --numeric-owner --xattrs -c . |
        podman import -q -c "LABEL kubejoin.packages=$(packages_hash)" - "$base" >/dev/null
    rm -rf --one-file-system "$root" "$log"
    trap - EXIT
}

fit() {
    local root=$1 unit
    [[ -z $(compgen -G "$root/usr/bin/python3*") ]] || fail "the node image must have no Python, but a package brought it in"
    cp -a --remove-destination "$here/rootfs/." "$root/"
    # Each node gets an identity of its own at boot.
    rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
    : >"$root/etc/machine-id"
    for unit in "${masked[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
    # The distribution's own settings are for a whole machine, and a privileged container would change the host's.
    # What is put into /etc/sysctl.d on a node works as it should.
    local sysctl
    for sysctl in "$root"/usr/lib/sysctl.d/*.conf; do ln -sf /dev/null "$root/etc/sysctl.d/$(basename "$sysctl")"; done
    # containerd may not lower a container's OOM score where the lab has no CAP_SYS_RESOURCE: let it do what it can.
    sed -i '/^ *\[plugins\."io\.containerd\.grpc\.v1\.cri"\]$/a\    restrict_oom_score_adj = true' "$root/etc/containerd/config.toml"
    grep -q restrict_oom_score_adj "$root/etc/containerd/config.toml" ||
        fail "containerd's packaged configuration has an unexpected form; the recipe must be adapted"
    # Volumes are mounted here.
    mkdir -p "$root/var/lib/etcd" "$root/var/lib/kubelet"
    chmod 0700 "$root/var/lib/etcd"
}

# Takes away again what makes a Debian a node. containerd's configuration stays, as it does on a machine that had one: it
# knows that it runs in a container.
strip() {
    local log=${TMPDIR:-/var/tmp}/kubejoin-bare-$suite.log
    DEBIAN_FRONTEND=noninteractive chroot "$1" apt-get remove -q -y --autoremove containerd runc containernetworking-plugins \
        iptables nftables conntrack ethtool socat >"$log" 2>&1 || fail "the bare image could not be made: $(tail -n 1 "$log"); see $log"
    rm -f "$log"
}

# Our files on the packages, as a second layer; no container is started.
build() { # <from> <to> <what is done to its root>
    local container root label base=$1 image=$2
    container=$(podman create --label kubejoin.build=image "$base" true)
    # shellcheck disable=SC2064  # the container of now, not of then
    trap "podman rm -f $container >/dev/null" EXIT
    root=$(podman mount "$container")
    "$3" "$root"
    podman umount "$container" >/dev/null
    podman commit -q -c 'CMD ["/usr/local/sbin/node-init"]' -c 'STOPSIGNAL SIGRTMIN+3' \
        -c "LABEL kubejoin.recipe=$(recipe_hash)" "$container" "$image" >/dev/null
    podman rm -f "$container" >/dev/null
    trap - EXIT
    # What the name no longer points to is of no use, unless a running lab still has it.
    for label in kubejoin.recipe kubejoin.packages; do podman image prune --force --filter "label=$label" >/dev/null; done
}

exec 9>"/run/lock/kubejoin-image.lock"
flock 9
if $rebuild || ! made "$base" kubejoin.packages "$(packages_hash)"; then
    step "bootstrapping Debian $suite for the nodes (downloads 100 MB, one to two minutes, once)" bootstrap
    rebuild=true
fi
if $rebuild || ! made "$image" kubejoin.recipe "$(recipe_hash)"; then
    step "making the node image $image" build "$base" "$image" fit
    rebuild=true
fi
if $bare; then
    if $rebuild || ! made "${image/node/bare}" kubejoin.recipe "$(recipe_hash)"; then
        step "making the bare image ${image/node/bare}" build "$image" "${image/node/bare}" strip
    fi
    image=${image/node/bare}
fi
echo "$image"
