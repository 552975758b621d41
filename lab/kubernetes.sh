# shellcheck shell=bash
# Which kubeadm, kubelet and kubectl the nodes get: the person's own, a version from the Kubernetes package repository,
# its newest, or the stand-ins. A source is one of: none, rehearsal, "directory PATH", "packages VERSION".
# Uses the caller's $checkout, $here and $state.
# shellcheck disable=SC2154
# shellcheck source=repository.sh
source "$here/repository.sh"
# shellcheck source=programs.sh
source "$here/programs.sh"

rehearsal=${KUBEJOIN_REHEARSAL:-$checkout/dist/rehearsal/rehearsal}

# kubernetes_asked VERSION: the source that option and environment ask for; nothing when they ask for none. Refuses what
# can be seen to be wrong without the network.
kubernetes_asked() {
    repository_check
    case $1 in
        none | rehearsal) echo "$1" ;;
        '')
            [[ -n ${KUBE_BIN_DIR:-} ]] || return 0
            [[ -d $KUBE_BIN_DIR ]] || refuse "KUBE_BIN_DIR=$KUBE_BIN_DIR is not a directory"
            programs_check "$KUBE_BIN_DIR"
            echo "directory $(cd "$KUBE_BIN_DIR" && pwd)"
            ;;
        *)
            [[ $1 =~ ^v?1\.[0-9]{1,3}(\.[0-9]{1,3})?$ ]] || refuse "--kubernetes takes a version such as 1.33 or 1.33.2, or rehearsal, or none; not '$1'"
            echo "packages ${1#v}"
            ;;
    esac
}

# kubernetes_is SOURCE ASKED: whether a lab with SOURCE is what was asked for; 1.33 is any 1.33.x.
kubernetes_is() { [[ -z $2 || $1 == "$2" || ($2 =~ ^packages\ 1\.[0-9]+$ && $1 == "$2".*) ]]; }

# kubernetes_choose ASKED: sets source and megabytes (of the packages), and says in one sentence what the nodes get, why,
# and how to get another.
kubernetes_choose() {
    local answer status=0 before why wanted=(newest) other='the stand-ins: --kubernetes rehearsal'
    megabytes=0
    case $1 in
        packages*)
            answer=$(repository_ask "$repository_asked" "${1#packages }") || status=$?
            case $status in
                0) ;;
                3) refuse "--kubernetes ${1#packages }: the Kubernetes package repository is $repository, and $answer" ;;
                *) refuse "--kubernetes ${1#packages }: the Kubernetes package repository $repository cannot be reached: $answer; without it there are KUBE_BIN_DIR=/directory/with/kubeadm/kubelet/kubectl and --kubernetes rehearsal" ;;
            esac
            source="packages ${answer% *}" megabytes=${answer#* }
            say "    Kubernetes ${answer% *} from $repository, as asked for ($other)"
            ;;
        '')
            read -r before why < <(kubernetes_before) || true
            [[ -z $before ]] || wanted=(before "$before")
            if answer=$(repository_ask "$repository_unasked" "${wanted[@]}"); then
                source="packages ${answer% *}" megabytes=${answer#* }
                say "    Kubernetes ${answer% *}, the newest in $repository${before:+ before $before, because $why} (another: --kubernetes VERSION; $other)"
            else
                source=rehearsal
                say "    stand-ins for Kubernetes, because $repository gives none: $answer (real ones: --kubernetes VERSION, or KUBE_BIN_DIR=DIRECTORY)"
            fi
            ;;
        directory*)
            source=$1
            say "    Kubernetes $(programs_version "${1#directory }/kubelet") of KUBE_BIN_DIR=${1#directory } ($other)"
            ;;
        *) source=$1 ;;
    esac
}

# kubernetes_before: the first release that nodes on this machine cannot run, and why; nothing when they can run every one.
kubernetes_before() {
    if [[ $(stat -f -c %T /sys/fs/cgroup) != cgroup2fs ]]; then
        # From then on a kubelet ends at once there.
        echo "1.35 this machine has cgroup v1"
    elif [[ $suite != forky ]]; then
        # From then on a kubelet asks its runtime for what containerd before 2.0 does not know.
        echo "1.38 Debian $suite has containerd 1"
    fi
}

# kubernetes_name SOURCE: for people.
kubernetes_name() {
    case $1 in
        packages*) echo "Kubernetes ${1#packages }" ;;
        directory*) echo "the Kubernetes of ${1#directory }" ;;
        rehearsal) echo "stand-ins for Kubernetes" ;;
        none) echo "nothing of Kubernetes, and no containerd" ;;
    esac
}

# kubernetes_kept SOURCE: says what a lab that is there has.
kubernetes_kept() { say "    $(kubernetes_name "$1"), as the lab $name was made; for another, take it down first (lab down)"; }

# kubernetes_built SOURCE: the stand-ins are made here, not brought.
kubernetes_built() {
    [[ $1 != rehearsal || -n ${KUBEJOIN_REHEARSAL:-} ]] ||
        built "$rehearsal" rehearsal "$checkout/Cargo.lock" "$checkout/tests/rehearsal" "$checkout/tests/cri_api"
}

# kubernetes_image SOURCE IMAGE: the image the nodes start from.
kubernetes_image() {
    case $1 in
        packages*) repository_image "${1#packages }" "$2" ;;
        none) "$here/image.sh" --suite "$suite" --bare ;;
        *) echo "$2" ;;
    esac
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
    say "    no workloads. For the real ones, take the lab down, and bring it up with a way to $repository,"
    say "    with '--kubernetes 1.33', or with KUBE_BIN_DIR=/directory/with/kubeadm/kubelet/kubectl."
}
