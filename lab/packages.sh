# shellcheck shell=bash
# Programs this checkout needs on the machine it runs on: found, or installed when that is ours to do, or named
# together with the one command that installs them.

# need PROGRAM=PACKAGE...: installs what is missing when root on Debian or Ubuntu, refuses otherwise.
need() {
    local pair packages=() programs=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null 2>&1 && continue
        programs+=("${pair%%=*}")
        packages+=("${pair#*=}")
    done
    ((${#packages[@]})) || return 0
    install_packages "${programs[*]}" "${packages[@]}"
}

# install_packages WHAT_IS_MISSING PACKAGE...
install_packages() {
    local missing=$1 install
    shift
    install="apt-get install -y --no-install-recommends $*"
    command -v apt-get >/dev/null 2>&1 ||
        refuse "$missing not found; install the equivalent of these Debian packages: $*"
    ((EUID == 0)) || refuse "$missing not found; install with: sudo $install"
    say "==> $missing not found; running: $install"
    local log
    log=$(mktemp)
    # The package lists may be absent or old: refresh them only when the first try does not do.
    DEBIAN_FRONTEND=noninteractive $install >"$log" 2>&1 ||
        { apt-get update -qq >>"$log" 2>&1 && DEBIAN_FRONTEND=noninteractive $install >>"$log" 2>&1; } ||
        { tail -n 5 "$log" >&2; rm -f "$log"; fail "$missing could not be installed with: $install"; }
    rm -f "$log"
}
