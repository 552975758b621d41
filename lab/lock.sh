# shellcheck shell=bash
# One run at a time per lab, on the whole machine. A program that outlives the run must be started with 9>&-, or it would
# keep the lock.

# lab_lock NAME: takes it, unless a run that holds it has started this one.
lab_lock() {
    [[ ${KUBEJOIN_LAB_LOCKED:-} != "$1" ]] || return 0
    exec 9>"/run/lock/kubejoin-lab-$1.lock"
    flock -n 9 || fail "another run is using the lab $1: wait for it, or choose another --name"
    export KUBEJOIN_LAB_LOCKED=$1
}
