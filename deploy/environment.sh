# shellcheck shell=bash
# The environment variables of the original, as Ansible's variables; what -e says wins over them.
# Uses the caller's $decisive.
# shellcheck source=address.sh
source "$checkout/deploy/address.sh"

environment() {
    local variables=() fault
    if [[ -n ${MASTER_IP:-} ]]; then
        fault=$(endpoint_fault "$MASTER_IP")
        [[ -z $fault ]] || refuse "MASTER_IP is '$MASTER_IP': $fault"
        variables+=("\"control_plane_ip\": \"$MASTER_IP\"")
    fi
    # The ranges are those of kubeadm_join_guarded.
    whole_number JOIN_TIMEOUT kubernetes_join_timeout 10 7200 seconds
    whole_number MAX_RETRIES kubernetes_join_retries 0 20 'further attempts'
    ((${#variables[@]})) || return 0
    decisive=(--extra-vars "{$(IFS=,; echo "${variables[*]}")}" "${decisive[@]}")
}

# whole_number NAME VARIABLE LEAST MOST UNIT
whole_number() {
    [[ -n ${!1:-} ]] || return 0
    [[ ${!1} =~ ^[0-9]{1,6}$ ]] && ((10#${!1} >= $3 && 10#${!1} <= $4)) || refuse "$1 is '${!1}': it must be a whole number from $3 to $4 ($5)"
    variables+=("\"$2\": $((10#${!1}))")
}
