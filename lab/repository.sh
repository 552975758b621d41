# shellcheck shell=bash
# The Kubernetes package repository: what it holds, and an image with a version out of it.
# Uses the caller's $here.
# shellcheck disable=SC2154

# A mirror has what the original has: a folder core:/stable:/v1.33/deb for each minor release.
repository=${KUBEJOIN_KUBERNETES_REPOSITORY:-https://pkgs.k8s.io}
repository=${repository%/}

# Seconds that the repository has to answer: nobody waits for what they have not asked for.
repository_unasked=3 repository_asked=10

repository_check() {
    [[ $repository =~ ^https?://[A-Za-z0-9.:_~%+/[-]+$ || $repository =~ ^https?://\[[0-9A-Fa-f:]+\][A-Za-z0-9.:_~%+/-]*$ ]] ||
        refuse "KUBEJOIN_KUBERNETES_REPOSITORY is '$repository': it must be http:// or https://, the host of a mirror of pkgs.k8s.io, and the folder above core:/stable:, without name or password"
}

# repository_ask SECONDS newest|before VERSION|VERSION: prints the version to take and the MB it needs. Fails with the
# reason: 3 when the repository has no such version, 4 when there is no way to it.
repository_ask() {
    local architecture
    need python3=python3
    case $(uname -m) in
        x86_64) architecture=amd64 ;;
        aarch64) architecture=arm64 ;;
        *) architecture=$(uname -m) ;;
    esac
    python3 "$here/repository.py" "$repository" "$architecture" "$@"
}

# repository_image VERSION IMAGE: the name of IMAGE with Kubernetes VERSION in it, made when it is not there.
repository_image() {
    local image=$2-kubernetes-$1
    # Labels are inherited: the same recipe means that it was made from the present node image.
    if [[ "$(image_label "$image" kubejoin.recipe) $(image_label "$image" kubejoin.repository)" != "$(image_label "$2" kubejoin.recipe) $repository" ]]; then
        step "installing Kubernetes $1 from $repository into the node image (about a minute, once)" repository_install "$1" "$2" "$image"
    fi
    echo "$image"
}

image_label() { podman image inspect -f "{{index .Labels \"$2\"}}" "$1" 2>/dev/null || true; }

repository_install() {
    local log build=kubejoin-build-$$ limits folder=$repository/core:/stable:
    [[ ! $repository =~ stable:?$ ]] || folder=$repository
    mapfile -t limits < <(limit_options)
    log=$(mktemp "${TMPDIR:-/tmp}/kubejoin-kubernetes-XXXXXX.log")
    # shellcheck disable=SC2064  # the name of now, not of then
    trap "podman rm --force --ignore --time 0 $build >/dev/null" EXIT
    # apt's own fetcher, because the node image has no curl. First with this repository alone: a Debian mirror is asked only
    # where an old kubelet wants more of Debian than the nodes have.
    podman --runtime runc run --name "$build" --network host "${limits[@]}" -i "$2" sh -eu -s "$folder/v${1%.*}/deb/" "$1" >"$log" 2>&1 <<'SCRIPT' ||
keyring=/etc/apt/keyrings/kubernetes.asc list=/etc/apt/sources.list.d/kubernetes.list
mkdir -p /etc/apt/keyrings
/usr/lib/apt/apt-helper download-file "${1}Release.key" "$keyring" || { echo "kubejoin: no key"; exit 1; }
echo "deb [signed-by=$keyring] $1 /" >"$list"
apt-get -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- -o APT::Update::Error-Mode=any update
install() { apt-get install -y --no-install-recommends "kubeadm=$1-*" "kubelet=$1-*" "kubectl=$1-*" cri-tools kubernetes-cni; }
install "$2" || { apt-get update; install "$2"; }
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
SCRIPT
        fail "Kubernetes $1 could not be installed from $repository: $(repository_fault "$log"); nothing was kept, and all that apt said is in $log"
    podman commit -q -c 'CMD ["/usr/local/sbin/node-init"]' -c "LABEL kubejoin.repository=$repository" "$build" "$image" >/dev/null ||
        fail "podman could not keep the image with Kubernetes $1: it says why above"
    podman rm --force --time 0 "$build" >/dev/null
    trap - EXIT
    rm -f "$log"
}

# repository_fault LOG: what went wrong, in a person's words.
repository_fault() {
    local words
    words=$(grep -E '^(E|W|Err):|^kubejoin:' "$1" | tail -n 20)
    case $words in
        *'kubejoin: no key'*) echo "it has no Release.key" ;;
        *NO_PUBKEY* | *'is not signed'* | *BADSIG* | *EXPKEYSIG* | *REVKEYSIG* | *'unsupported filetype'* | *'signatures were invalid'* | *'Missing key'* | *'GPG error'*)
            echo "its signature is not one of the key that it gives out (Release.key): $(grep -m 1 -oE '(NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG) [0-9A-F]+|is not signed|Missing key [0-9A-F]+|unsupported filetype' <<<"$words")" ;;
        *'Hash Sum mismatch'* | *'unexpected size'*) echo "a file is not the one that its index promises" ;;
        *) echo "${words##*$'\n'}" ;;
    esac
}
