# shellcheck shell=bash
# The person's own kubeadm, kubelet and kubectl: whether they can be used here, before anything is touched.

# programs_check DIRECTORY
programs_check() {
    local program kubeadm kubelet
    for program in kubeadm kubelet kubectl; do
        [[ -e $1/$program ]] || refuse "KUBE_BIN_DIR=$1 has no $program"
        [[ -f $1/$program && -x $1/$program ]] || refuse "KUBE_BIN_DIR=$1: its $program is not an executable file"
        programs_architecture "$1/$program"
    done
    kubeadm=$(programs_version "$1/kubeadm")
    kubelet=$(programs_version "$1/kubelet")
    programs_version "$1/kubectl" >/dev/null
    [[ $kubeadm == "$kubelet" ]] || refuse "KUBE_BIN_DIR=$1 has kubeadm $kubeadm and kubelet $kubelet: they must be of one version"
}

# programs_architecture FILE: the machine that an ELF file's header names, by the numbers of elf(5).
programs_architecture() {
    local machine ours
    # A script, say, has none, and tells by running.
    [[ $(head -c 4 "$1" | od -An -c | tr -d ' ') == '177ELF' ]] || return 0
    machine=$(od -An -j 18 -N 2 -t u1 "$1" | awk -v order="$(od -An -j 5 -N 1 -t u1 "$1")" '{print order == 2 ? $1 * 256 + $2 : $2 * 256 + $1}')
    machine=$(programs_machine "$machine") ours=$(uname -m)
    [[ $machine == "$ours" ]] || refuse "KUBE_BIN_DIR: $1 is for $machine, and this machine is $ours"
}

programs_machine() {
    case $1 in
        3) echo i386 ;;
        21) echo ppc64le ;;
        22) echo s390x ;;
        40) echo arm ;;
        62) echo x86_64 ;;
        183) echo aarch64 ;;
        243) echo riscv64 ;;
        *) echo "another machine (ELF number $1)" ;;
    esac
}

# programs_version PROGRAM: the release that it says it is.
programs_version() {
    local answer arguments=(version --client)
    case ${1##*/} in
        kubeadm) arguments=(version -o short) ;;
        kubelet) arguments=(--version) ;;
    esac
    answer=$(timeout 20 "$1" "${arguments[@]}" 2>&1 </dev/null) && [[ $answer =~ v([0-9]+\.[0-9]+\.[0-9]+[^[:space:]\",]*) ]] ||
        refuse "KUBE_BIN_DIR: $1 does not run here: '${1##*/} ${arguments[*]}' says ${answer:-nothing}"
    echo "${BASH_REMATCH[1]}"
}
