# shellcheck shell=bash
# Which kubeadm, kubelet and kubectl the nodes get: the person's own, a version from the Kubernetes package repository,
# or the stand-ins.
# Uses the caller's $checkout, $here and $state.
# shellcheck disable=SC2154

rehearsal=${KUBEJOIN_REHEARSAL:-$checkout/dist/rehearsal/rehearsal}

# kubernetes_asked VERSION: names the source that option and environment ask for; nothing when they ask for none.
kubernetes_asked() {
    if [[ $1 == none ]]; then
        echo none
    elif [[ -n $1 ]]; then
        [[ $1 =~ ^v?1\.[0-9]+(\.[0-9]+)?$ ]] || refuse "--kubernetes takes a version such as 1.33 or 1.33.2, or none; not '$1'"
        echo "packages ${1#v}"
    elif [[ -n ${KUBE_BIN_DIR:-} ]]; then
        [[ -d $KUBE_BIN_DIR ]] || refuse "KUBE_BIN_DIR=$KUBE_BIN_DIR is no directory"
        echo "directory $(cd "$KUBE_BIN_DIR" && pwd)"
    fi
}

# kubernetes_check SOURCE: whether it can be used, before anything is touched.
kubernetes_check() {
    local program
    case $1 in
        directory*)
            for program in kubeadm kubelet kubectl; do
                [[ -x ${1#directory }/$program ]] || refuse "KUBE_BIN_DIR=${1#directory } has no executable $program"
            done
            ;;
        rehearsal)
            [[ -n ${KUBEJOIN_REHEARSAL:-} ]] ||
                built "$rehearsal" rehearsal "$checkout/Cargo.lock" "$checkout/tests/rehearsal"
            ;;
    esac
}

# kubernetes_image SOURCE IMAGE: the image the nodes start from.
kubernetes_image() {
    local version=${1#packages } image=$2-kubernetes-${1#packages }
    [[ $1 == packages* ]] || { echo "$2"; return; }
    # Labels are inherited: the same recipe means that it was made from the present node image.
    [[ $(image_recipe "$image") == "$(image_recipe "$2")" ]] || packages_install "$version" "$2" "$image"
    echo "$image"
}

image_recipe() { podman image inspect -f '{{index .Labels "kubejoin.recipe"}}' "$1" 2>/dev/null || true; }

packages_install() {
    local version=$1 image=$3 minor pin='' log build=kubejoin-build-$$ limits
    mapfile -t limits < <(limit_options)
    minor=$(cut -d. -f1,2 <<<"$version")
    [[ $version == "$minor" ]] || pin="=$version-*"
    log=$(mktemp)
    # shellcheck disable=SC2064  # the name of now, not of then
    trap "podman rm --force --ignore --time 0 $build >/dev/null" EXIT
    # apt's own fetcher, because the node image has no curl.
    podman --runtime runc run --name "$build" --network host "${limits[@]}" -i "$2" sh -eu -s "$minor" "$pin" >"$log" 2>&1 <<'SCRIPT' ||
repository=https://pkgs.k8s.io/core:/stable:/v$1/deb/
keyring=/etc/apt/keyrings/kubernetes.asc
mkdir -p /etc/apt/keyrings
/usr/lib/apt/apt-helper download-file "${repository}Release.key" "$keyring" || { echo "kubejoin: unreachable"; exit 1; }
echo "deb [signed-by=$keyring] $repository /" >/etc/apt/sources.list.d/kubernetes.list
apt-get update
apt-get install -y --no-install-recommends "kubeadm$2" "kubelet$2" "kubectl$2" cri-tools
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
SCRIPT
    {
        grep -q '^kubejoin: unreachable' "$log" &&
            fail "the Kubernetes package repository pkgs.k8s.io has no version $version or cannot be reached from this machine; set KUBE_BIN_DIR to a directory with kubeadm, kubelet and kubectl, or use the stand-ins"
        fail "Kubernetes $version could not be installed from pkgs.k8s.io: $(grep -E '^(E|W):' "$log" | tail -n 1); the log is $log"
    }
    podman commit -q -c 'CMD ["/usr/local/sbin/node-init"]' "$build" "$image" >/dev/null
    rm -f "$log"
}

# kubernetes_fit SOURCE DIRECTORY: lays the files for a node's root into DIRECTORY.
kubernetes_fit() {
    local program
    case $1 in
        none | packages*) return ;;
        directory*)
            mkdir -p "$2/usr/bin"
            for program in kubeadm kubelet kubectl crictl; do
                [[ ! -x ${1#directory }/$program ]] || install -m 0755 "${1#directory }/$program" "$2/usr/bin/$program"
            done
            ;;
        rehearsal)
            install -D -m 0755 "$rehearsal" "$2/usr/bin/kubeadm"
            ln -sf kubeadm "$2/usr/bin/kubelet"
            ln -sf kubeadm "$2/usr/bin/kubectl"
            ;;
    esac
    cp -a "$here/kubernetes/." "$2/"
    # As the packages do: enabled from the start, failing until kubeadm has written a configuration.
    mkdir -p "$2/etc/systemd/system/multi-user.target.wants"
    ln -sf /usr/lib/systemd/system/kubelet.service "$2/etc/systemd/system/multi-user.target.wants/kubelet.service"
}

# kubernetes_images SOURCE NODE: puts into containerd what the node could not pull.
kubernetes_images() {
    local node=$2 archive
    case $1 in
        directory*)
            for archive in "${1#directory }"/images/*.tar; do
                [[ ! -e $archive ]] || image_import "$node" "$archive"
            done
            ;;
        rehearsal)
            archive=$state/pause.tar
            [[ -e $archive ]] || "$rehearsal" image-tar "usual,$(sandbox_image "$node")" "$archive" ||
                fail "the stand-ins could not make their image"
            image_import "$node" "$archive"
            ;;
    esac
}

image_import() {
    podman exec -i "$1" ctr -n k8s.io images import - >/dev/null <"$2" || fail "$1: containerd could not import ${2##*/}"
}

# What this containerd starts every pod with.
sandbox_image() {
    podman exec "$1" containerd config dump | sed -n "s/^ *\(sandbox_image\|sandbox\) = ['\"]\(.*\)['\"]$/\2/p" | head -n 1
}

# kubernetes_banner SOURCE: the stand-ins must never be mistaken for Kubernetes.
kubernetes_banner() {
    [[ $1 == rehearsal ]] || return 0
    say "    kubeadm, kubelet and kubectl in this lab are STAND-INS: they do to the nodes what the real ones do, and run"
    say "    no workloads. For the real ones: KUBE_BIN_DIR=/directory/with/kubeadm/kubelet/kubectl, or"
    say "    '--kubernetes 1.33' to install them from the Kubernetes package repository."
}
