# shellcheck shell=bash
# What deploy.sh and the lab tell the person who runs them: each step, how long it took, why it stopped.
# Everything goes to stderr, so that what a command returns on stdout can be read by another.

say() { printf '%s\n' "$*" >&2; }

# A wrong call: one sentence, before anything is touched.
refuse() { say "error: $*"; exit 2; }

# A failure on the way.
fail() { say "error: $*"; exit 1; }

now_ms() { date +%s%3N; }

# step TEXT COMMAND...: says TEXT, runs COMMAND, says how long it took. COMMAND runs under `set -e` of the caller, so call
# step itself as a plain statement, never behind || or if.
step() {
    local text=$1 start
    shift
    say "==> $text"
    start=$(now_ms)
    "$@"
    say "    done in $(since "$start")"
}

# since START_MS: the time gone by, as "3.4 s".
since() {
    local ms=$(($(now_ms) - $1))
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}
