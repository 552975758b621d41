# shellcheck shell=bash
# Which Rust builds the programs: the caller's, or, under sudo, that of the person who called it.
# Uses the caller's $checkout.
# shellcheck disable=SC2154

# cargo_find: sets builder, the words that go before a command to run it with that Rust. Otherwise it fails, and
# cargo_reason says why, with the way to one that does.
cargo_find() {
    local directory version least way home
    builder=()
    least=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$checkout/Cargo.toml")
    way="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    there curl || way="sudo apt-get install -y curl && $way"
    ((EUID)) || way=${way#sudo }
    cargo_reason="cargo not found; install Rust with: $way"
    for directory in "$(dirname "$(command -v cargo || echo /none/)")" "${CARGO_HOME:-${HOME:-/root}/.cargo}/bin"; do
        [[ -x $directory/cargo ]] || continue
        # rustup gets the version that rust-toolchain.toml names by itself.
        if [[ ! -x $directory/rustup ]]; then
            version=$("$directory/cargo" --version 2>/dev/null | cut -d' ' -f2)
            if [[ $(printf '%s\n' "$least" "$version" | sort -V | head -n 1) != "$least" ]]; then
                cargo_reason="$directory/cargo is ${version:-broken}, and kubejoin needs Rust $least or newer; install one beside it with: $way"
                continue
            fi
        fi
        builder=(env "PATH=$directory:$PATH")
        return
    done
    [[ $EUID -eq 0 && -n ${SUDO_USER:-} && $SUDO_USER != root ]] || return 1
    home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
    [[ -n $home && -x $home/.cargo/bin/cargo ]] || return 1
    # Not as root: what lies in somebody's home is not to be run as root, nor are root's files wanted in their checkout.
    builder=(runuser -u "$SUDO_USER" -- env "HOME=$home" "PATH=$home/.cargo/bin:$PATH")
    while read -r directory; do
        runuser -u "$SUDO_USER" -- test -w "$directory" && continue
        cargo_reason="the Rust of $SUDO_USER is to build this, and $SUDO_USER may not write to $directory; hand it over with: sudo chown -R $SUDO_USER: $directory"
        return 1
    done < <(find "$checkout" "$checkout"/target "$checkout"/dist "$checkout"/binaries -maxdepth 0 -type d 2>/dev/null
        find "$checkout"/target "$checkout"/dist "$checkout"/binaries -mindepth 1 -maxdepth 3 -type d ! -user "$SUDO_USER" 2>/dev/null)
}

# cargo_get: the same, with the distribution's rustup where there is no cargo at all and it is ours to install one.
cargo_get() {
    cargo_find && return
    [[ $cargo_reason == 'cargo not found'* ]] && package_exists rustup || return 1
    if ((EUID)); then
        cargo_reason="cargo not found; install Rust with: sudo apt-get install -y rustup"
        return 1
    fi
    install_packages cargo rustup
    cargo_find
}
