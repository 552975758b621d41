# shellcheck shell=bash
# Programs built from the caller's $checkout, or brought along by KUBEJOIN_BINARIES or a release.
# shellcheck disable=SC2154
# shellcheck source=cargo.sh
source "$checkout/lab/cargo.sh"

# built PRODUCT GOAL SOURCE...: `make GOAL` when PRODUCT is missing or older than any SOURCE. Without cargo what is there
# is taken as it is.
built() {
    local product=$1 goal=$2
    shift 2
    [[ ! -x $product || -n $(find "$@" -newer "$product" -not -type d -print -quit) ]] || return 0
    if cargo_get; then
        need_for build
        "${builder[@]}" "$checkout/lab/toolchain.sh" "$(uname -m)-unknown-linux-musl"
        step "building $goal from source (the first time: some 200 crates downloaded, one to five minutes)" "${builder[@]}" make --silent --no-print-directory -C "$checkout" "$goal" >&2
        touch "$product"
    elif [[ ! -x $product ]]; then
        [[ $goal != rehearsal ]] ||
            cargo_reason+="; only the stand-ins for Kubernetes are built here: with --kubernetes VERSION or KUBE_BIN_DIR no Rust is needed"
        refuse "$cargo_reason"
    fi
}

# What Ansible sends to nodes.
built_kubejoin() {
    ! brought || return 0
    built "$checkout/binaries/$(uname -m)/kubejoin" kubejoin "$checkout/Cargo.toml" "$checkout/Cargo.lock" \
        "$checkout/crates" "$checkout/modules"
}

# built_can_be: refuses when there is neither the program nor a Rust to build it with.
built_can_be() { brought || [[ -x $checkout/binaries/$(uname -m)/kubejoin ]] || cargo_get || refuse "$cargo_reason"; }

# brought: whether the user has programs of a release: binaries/ as the collection has it, or an unpacked archive.
brought() {
    [[ -n ${KUBEJOIN_BINARIES:-} ]] || return 1
    compgen -G "$KUBEJOIN_BINARIES/*/kubejoin" >/dev/null || [[ -f $KUBEJOIN_BINARIES/kubejoin ]] ||
        refuse "KUBEJOIN_BINARIES=$KUBEJOIN_BINARIES has no $(uname -m)/kubejoin and no kubejoin"
    KUBEJOIN_BINARIES=$(cd "$KUBEJOIN_BINARIES" && pwd)
    export KUBEJOIN_BINARIES
}
