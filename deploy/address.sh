# shellcheck shell=bash
# What may be written for the address of an API server.

# endpoint_fault TEXT: prints what is wrong with it, and nothing when it is an address or a name, with a port or without.
endpoint_fault() {
    local host=$1 port=6443
    local right='it must be an address or a name, with or without a port, such as 192.168.1.10, 192.168.1.10:6443, fd00::1, [fd00::1]:6443 or cp.example'
    if [[ $1 =~ ^\[(.*)\](:(.*))?$ ]]; then
        host=${BASH_REMATCH[1]}
        [[ -z ${BASH_REMATCH[2]} ]] || port=${BASH_REMATCH[3]}
        is_ipv6 "$host" || { echo "$right"; return; }
    elif is_ipv6 "$1"; then
        # The whole of it is an address, too, and whoever wrote it meant a port.
        [[ $1 != *:6443 ]] || { echo "with a port, it is written [${1%:6443}]:6443"; return; }
    else
        [[ $1 != *:* ]] || { host=${1%%:*} port=${1#*:}; }
        is_ipv4 "$host" || is_name "$host" || { echo "$right"; return; }
    fi
    [[ $host != 0.0.0.0 && $host != :: ]] || { echo "that is every address and none, and nodes cannot reach it"; return; }
    [[ $port =~ ^[0-9]{1,5}$ ]] && ((10#$port >= 1 && 10#$port <= 65535)) || echo "the port '$port' must be a number from 1 to 65535"
}

is_ipv4() {
    local part parts
    [[ $1 =~ ^[0-9]{1,3}(\.[0-9]{1,3}){3}$ ]] || return 1
    IFS=. read -ra parts <<<"$1"
    # Some read a leading zero as octal.
    for part in "${parts[@]}"; do [[ $part == 0 || $part != 0* ]] && ((part <= 255)) || return 1; done
}

is_ipv6() {
    local text=$1 group groups count=0
    [[ $text == *:*:* && $text != *:::* && $text != *::*::* ]] || return 1
    # An IPv4 address at the end takes the place of two groups.
    if [[ $text == *.* ]]; then
        is_ipv4 "${text##*:}" || return 1
        text=${text%:*}:0:0
    fi
    [[ $text != :[!:]* && $text != *[!:]: ]] || return 1
    IFS=: read -ra groups <<<"$text"
    for group in "${groups[@]}"; do
        [[ -n $group ]] || continue
        [[ $group =~ ^[0-9A-Fa-f]{1,4}$ ]] || return 1
        count=$((count + 1))
    done
    if [[ $text == *::* ]]; then ((count < 8)); else ((count == 8)); fi
}

# A DNS name. One whose last label is a number would be taken for an address.
is_name() {
    local label='[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
    ((${#1} <= 253)) && [[ $1 =~ ^$label(\.$label)*\.?$ && ! $1 =~ (^|\.)[0-9]+\.?$ ]]
}
