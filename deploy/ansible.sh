# shellcheck shell=bash
# ansible-core of its own in .venv, with this checkout's configuration.
# Uses the caller's $checkout.
# shellcheck disable=SC2154

export ANSIBLE_CONFIG=$checkout/ansible.cfg

# venv: made again when requirements.txt changes.
venv() {
    local stamp=$checkout/.venv/requirements.txt
    cmp -s "$checkout/requirements.txt" "$stamp" && return
    need_for ansible
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || refuse "python3 is $(python3 --version), and ansible-core needs 3.11 or newer"
    step "installing ansible-core into .venv (downloads 10 MB, half a minute)" make_venv
    cp "$checkout/requirements.txt" "$stamp"
}

# shellcheck disable=SC2317  # called through step
make_venv() {
    rm -rf "$checkout/.venv"
    python3 -m venv "$checkout/.venv"
    "$checkout/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$checkout/requirements.txt" >&2 ||
        fail "ansible-core could not be installed: pip says why above"
}

# ad_hoc PROGRAM ARGUMENT...: one of Ansible's own programs, on the practice lab when no inventory is named; ends here.
ad_hoc() {
    local program=$1 words=() name=kubejoin inventory
    shift
    while (($#)); do
        case $1 in
            --name) name=${2:?--name needs a value}; shift ;;
            --name=*) name=${1#*=} ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    venv
    [[ -x $checkout/.venv/bin/$program ]] || refuse "unknown command '$program': ansible-core has no such program"
    inventory=$checkout/.lab/$name/inventory.yml
    [[ -n ${ANSIBLE_INVENTORY:-} || ! -e $inventory ]] || export ANSIBLE_INVENTORY=$inventory
    case $program in
        ansible | ansible-console | ansible-playbook)
            if ! plain "${words[@]}"; then
                [[ -n ${ANSIBLE_INVENTORY:-} ]] || names_inventory "${words[@]}" ||
                    refuse "no inventory given, and the practice lab is not up: give one with -i, or run ./deploy.sh cluster"
                [[ $program != ansible ]] || ad_hoc_hosts "${words[@]}"
                built_kubejoin
            fi
            ;;
    esac
    exec "$checkout/.venv/bin/$program" "${words[@]}"
}

plain() { (($# == 0)) || [[ " $* " == *' --help '* || " $* " == *' -h '* || " $* " == *' --version '* ]]; }

names_inventory() {
    local word
    for word; do [[ $word != -i* && $word != --inventory* ]] || return 0; done
    return 1
}

# Ansible itself ends well when no host matched.
ad_hoc_hosts() {
    local answer
    [[ " $* " != *' -K '* && " $* " != *' -k '* && " $* " != *' -J '* && " $* " != *' --ask-'* ]] || return 0
    answer=$("$checkout/.venv/bin/ansible" "$@" --list-hosts 2>&1) || refuse "$(ansible_reason "$answer")"
    [[ $answer != *'hosts (0)'* ]] || refuse "no host of the inventory is meant: $(ansible_reason "$answer"); nothing was done"
}
