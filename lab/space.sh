# shellcheck shell=bash
# The disk that a lab needs, told before anything is made.
# Uses the caller's $checkout, $suite, $source, $megabytes, $rehearsal and functions.
# shellcheck disable=SC2154

# space_check: refuses where a file system has not got what is to be laid on it.
space_check() {
    local short
    short=$(space_wanted | while read -r size path; do echo "$size $(df -Pm "$(existing "$path")" | awk 'END {print $4, $6}') $path"; done |
        awk '{ need[$3] += $1; free[$3] = $2; if (!(($3, $4) in told)) { where[$3] = where[$3] (where[$3] == "" ? "" : " and ") $4; told[$3, $4] = 1 } }
            END { for (m in need) if (need[m] > free[m]) printf "%s%d MB are needed on %s (%s), where %d MB are free", n++ ? "; " : "", need[m], m, where[m], free[m] }')
    [[ -z $short ]] || refuse "too little disk: $short; nothing was done"
}

# existing PATH: the nearest directory that is there.
existing() {
    local path=$1
    while [[ ! -e $path ]]; do path=$(dirname "$path"); done
    echo "$path"
}

# space_wanted: a line "MB PATH" for each thing that is still to be made. Measured with du after a first run, and rounded up.
space_wanted() {
    local graph node missing=0
    graph=$(podman info -f '{{.Store.GraphRoot}}')
    for node in $(wanted); do complete "$node" || missing=$((missing + 1)); done
    if ! podman image exists "localhost/kubejoin-node:$suite"; then
        # The root that debootstrap makes, and the image of it.
        echo "350 ${TMPDIR:-/var/tmp}"
        echo "350 $graph"
    fi
    [[ -x $checkout/binaries/$(uname -m)/kubejoin ]] || echo "600 $checkout/target"
    case $source in
        rehearsal)
            [[ -x $rehearsal ]] || echo "450 $checkout/target"
            echo "$((missing * 100)) $graph"
            ;;
        packages*)
            echo "$megabytes $graph"
            # The images that kubeadm has a control plane and a worker pull, as they are brought and unpacked: an estimate.
            echo "$((missing * 400 + (missing > 0 ? 400 : 0))) $graph"
            ;;
        directory*)
            echo "$((missing * $(du -sm "${source#directory }" | cut -f 1) * 2)) $graph"
            ;;
    esac
}
