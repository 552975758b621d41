# shellcheck shell=bash
# Programs built from the caller's $checkout.
# shellcheck disable=SC2154
# shellcheck source=cargo.sh
source "$checkout/lab/cargo.sh"

# built PRODUCT GOAL SOURCE...: `make GOAL` when PRODUCT is missing or older than any SOURCE. Without cargo what is there
# is taken as it is.
built() {
    local product=$1 goal=$2
    shift 2
    [[ ! -x $product || -n $(find "$@" -newer "$product" -not -type d -print -quit) ]] || return 0
    if cargo_find; then
        need make=make cc=gcc
        step "building $goal from source (some minutes the first time)" "${builder[@]}" make --no-print-directory -C "$checkout" "$goal" >&2
        touch "$product"
    elif [[ ! -x $product ]]; then
        refuse "$cargo_reason"
    fi
}

# What Ansible sends to nodes.
built_kubejoin() {
    built "$checkout/binaries/$(uname -m)/kubejoin" kubejoin "$checkout/Cargo.toml" "$checkout/Cargo.lock" \
        "$checkout/crates" "$checkout/modules"
}

# built_can_be: refuses when there is neither the program nor a Rust to build it with.
built_can_be() {
    [[ -x $checkout/binaries/$(uname -m)/kubejoin ]] || cargo_find || refuse "$cargo_reason"
}
