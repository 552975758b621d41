#!/usr/bin/env bash
# The Rust that rust-toolchain.toml names, with the standard library of each TARGET: there, fetched by rustup, or named with
# the way to it. What is there is asked of rustc, because a toolchain that no rustup made is as good.
#
#   lab/toolchain.sh TARGET...
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=say.sh
source "$checkout/lab/say.sh"
cd "$checkout"
channel=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
rustup=$(command -v rustup || true)

# Once: what cargo itself asks for on the way (the file's other components) rustup adds unasked.
fetch() { "$rustup" toolchain install "$channel" --profile minimal --component clippy --component rustfmt --target "$1" --no-self-update; }

quietly() {
    local log
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { grep -E '^error' "$log" | tail -n 3 >&2 || tail -n 3 "$log" >&2; rm -f "$log"; fail "this did not work: $*"; }
    rm -f "$log"
}

# has TARGET: whether rustc finds a core for it.
has() {
    local directory
    directory=$(rustc --print target-libdir --target "$1" 2>/dev/null) && compgen -G "$directory/libcore-*.rlib" >/dev/null
}

for target; do
    if [[ -n $rustup && -z ${RUSTUP_TOOLCHAIN:-} ]] && ! grep -qE "^$channel(-| |\$)" <<<"$("$rustup" toolchain list)"; then
        step "fetching Rust $channel (downloads 200 MB, about a minute)" quietly fetch "$target"
    fi
    has "$target" && continue
    [[ -n $rustup ]] ||
        refuse "$(command -v rustc || echo rustc) has no standard library for $target: install the package of your distribution that has it, or a rustup beside it with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    step "adding the target $target to Rust (downloads 40 MB)" quietly "$rustup" target add "$target"
    has "$target" || fail "rustup has added $target, and rustc finds no core library in $(rustc --print target-libdir --target "$target")"
done
