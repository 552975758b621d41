# shellcheck shell=bash
# What deploy.sh and the lab tell the person who runs them: each step, how long it took, why it stopped.
# Everything goes to stderr, so that what a command returns on stdout can be read by another.

# On a terminal the line that counts is wiped first.
say() { if [[ -t 2 ]]; then printf '\r\e[K%s\n' "$*" >&2; else printf '%s\n' "$*" >&2; fi; }

# A wrong call: one sentence, before anything is touched.
refuse() { say "error: $*"; exit 2; }

# A failure on the way.
fail() { say "error: $*"; exit 1; }

now_ms() { date +%s%3N; }

# step TEXT COMMAND...: says TEXT, runs COMMAND, says how long it took; on a terminal it counts meanwhile. COMMAND runs under
# `set -e` of the caller, so call step itself as a plain statement, never behind || or if.
step() {
    local text=$1 start counter=
    shift
    say "==> $text"
    start=$(now_ms)
    [[ ! -t 2 ]] || { count "$start" 9>&- & counter=$!; }
    "$@"
    [[ -z $counter ]] || { kill "$counter" 2>/dev/null && wait "$counter" 2>/dev/null; } || true
    say "    done in $(since "$start")"
}

# Ends with the run, however that ends.
count() {
    while sleep 1 && kill -0 $$ 2>/dev/null; do printf '\r\e[K    %s' "$(since "$1")" >&2; done
}

# since START_MS: the time gone by, as "3.4 s".
since() {
    local ms=$(($(now_ms) - $1))
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}
