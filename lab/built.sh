# shellcheck shell=bash
# Programs built from the caller's $checkout.
# shellcheck disable=SC2154

# built PRODUCT GOAL SOURCE...: `make GOAL` when PRODUCT is missing or older than any SOURCE. Without cargo what is there
# is taken as it is.
built() {
    local product=$1 goal=$2
    shift 2
    [[ ! -x $product || -n $(find "$@" -newer "$product" -not -type d -print -quit) ]] || return 0
    if command -v cargo >/dev/null 2>&1; then
        need make=make cc=gcc
        step "building $goal from source (some minutes the first time)" make --no-print-directory -C "$checkout" "$goal" >&2
        touch "$product"
    elif [[ ! -x $product ]]; then
        refuse "cargo not found; install Rust with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    fi
}
