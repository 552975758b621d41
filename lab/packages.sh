# shellcheck shell=bash
# What this checkout needs on the machine it runs on, and for what: found, or installed when that is ours to do, or named
# together with the one command that installs it. The only list there is: deploy.sh, the lab and the tests read it.

# Each purpose has pairs THING=PACKAGE. A THING is a program; with a slash, files of which one is there (separated by :);
# with a dot in front, a module of Python.
declare -A machine_needs=(
    [ansible]="python3=python3 .ensurepip=python3-venv"
    # rust-lld links what goes to nodes, but cargo links what runs while it builds with the machine's own cc; gcc alone has
    # no C library to link with.
    [build]="make=make gcc=gcc /usr/lib/x86_64-linux-gnu/crt1.o:/usr/lib/aarch64-linux-gnu/crt1.o:/usr/lib64/crt1.o=libc6-dev"
    [image]="podman=podman runc=runc debootstrap=debootstrap /usr/share/keyrings/debian-archive-keyring.gpg=debian-archive-keyring"
    # podman takes netavark for granted and its package only recommends it; and so does netavark, from Debian 13 on, with nft.
    [lab]="podman=podman runc=runc /usr/lib/podman/netavark:/usr/libexec/podman/netavark=netavark ip=iproute2
        iptables=iptables nft=nftables ssh=openssh-client flock=util-linux ps=procps"
    # What the tests exercise or judge by: the runtime and its plugins, firewalls, file systems, every shell a target has, and
    # what makes a Debian a Fedora.
    [tests]="git=git containerd=containerd /usr/lib/cni/bridge:/opt/cni/bin/bridge=containernetworking-plugins conntrack=conntrack ipset=ipset
        busybox=busybox shellcheck=shellcheck mkfs.vfat=dosfstools mkfs.ext4=e2fsprogs mkfs.btrfs=btrfs-progs fusermount3=fuse3
        fuse-overlayfs=fuse-overlayfs dmsetup=dmsetup
        script=bsdutils dnf=dnf rpmbuild=rpm createrepo_c=createrepo-c curl=curl"
)

# need_for PURPOSE...: installs what is missing when root on Debian or Ubuntu, refuses otherwise.
need_for() {
    local purpose pairs=()
    for purpose in "$@"; do
        read -r -d '' -a list <<<"${machine_needs[$purpose]}" || true
        pairs+=("${list[@]}")
    done
    need "${pairs[@]}"
}

# need THING=PACKAGE...
need() {
    local pair packages=() things=()
    for pair in "$@"; do
        there "${pair%=*}" && continue
        [[ " ${packages[*]} " != *" ${pair##*=} "* ]] || continue
        things+=("${pair%=*}")
        packages+=("${pair##*=}")
    done
    ((${#packages[@]})) || return 0
    install_packages "$(printf '%s\n' "${things[@]}" | sed 's|.*/||; s|^\.|Python module |' | paste -sd' ')" "${packages[@]}"
}

there() {
    local file files
    case $1 in
        .*) python3 -c "import ${1#.}" >/dev/null 2>&1 ;;
        */*)
            IFS=: read -r -a files <<<"$1"
            for file in "${files[@]}"; do [[ ! -e $file ]] || return 0; done
            return 1
            ;;
        # Where a user's PATH leaves out the administrator's programs they are there all the same.
        *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# install_packages WHAT_IS_MISSING PACKAGE...
install_packages() {
    local missing=$1 install
    shift
    install="apt-get install -y --no-install-recommends $*"
    command -v apt-get >/dev/null 2>&1 ||
        refuse "$missing not found; install the equivalent of these Debian packages: $*"
    ((EUID == 0)) || refuse "$missing not found; install with: sudo $install"
    step "installing $* ($missing not found)" apt_install "$missing" "$@"
}

# shellcheck disable=SC2317  # called through step
apt_install() {
    local missing=$1 log status=0 held=false
    shift
    log=$(mktemp)
    # This machine needs containerd's program, not its service: Debian starts services that it installs, unless told not to.
    [[ -e /usr/sbin/policy-rc.d ]] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && held=true; }
    # The package lists may be absent or old: refresh them only when the first try does not do.
    if package_lists; then apt_get install "$@" >"$log" 2>&1 || status=$?; else status=1; fi
    if ((status)); then
        status=0
        { apt_get update && apt_get install "$@"; } >>"$log" 2>&1 || status=$?
    fi
    ! $held || rm -f /usr/sbin/policy-rc.d
    ((status == 0)) || { grep -E '^(E|W|Err)' "$log" | tail -n 5 >&2; rm -f "$log"; fail "$missing could not be installed with: apt-get install $*"; }
    rm -f "$log"
}

apt_get() {
    local action=$1
    shift
    DEBIAN_FRONTEND=noninteractive apt-get "$action" -q -y --no-install-recommends "$@"
}

package_lists() { compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; }

# package_exists PACKAGE: whether this machine's distribution has it.
package_exists() {
    command -v apt-cache >/dev/null 2>&1 || return 1
    package_lists || ((EUID != 0)) || apt_get update >/dev/null 2>&1 || true
    # No pipe: grep -q goes at the first hit, and whoever is still writing then has failed.
    [[ $(apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [0-9] ]]
}
