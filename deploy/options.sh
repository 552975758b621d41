# shellcheck shell=bash
# The command line: what is ours is read, what is ansible-playbook's is passed on.
# Sets the variables that the caller uses.
# shellcheck disable=SC2034

# Options with a value. Those of the second line decide which nodes and tasks are meant, those of the third only how.
ours='-i --inventory -l --limit --name --workers --suite --kubernetes'
deciding='-e --extra-vars -t --tags --skip-tags --vault-id --vault-password-file --vault-pass-file'
valued='-u --user -f --forks -c --connection -T --timeout -M --module-path --private-key --key-file --start-at-task
    --become-method --become-user --become-password-file --become-pass-file --connection-password-file --conn-pass-file
    --ssh-common-args --ssh-extra-args --sftp-extra-args --scp-extra-args'
# Options without.
flags='-C --check -D --diff -v --verbose -b --become -K --ask-become-pass -k --ask-pass -J --ask-vault-pass
    --ask-vault-password --step --force-handlers --flush-cache'
listing='--list-hosts --list-tags --list-tasks --syntax-check'

# among WORD LIST...: whether WORD is in the lists.
among() { [[ " ${*:2} " =~ [[:space:]]"$1"[[:space:]] ]]; }

# parse WORD...: sets command, inventories, limit, name, directory, lab_options; decisive and options for
# ansible-playbook; start_at; lists: nothing is to be done; asks_vault: a password is asked for before anything is read.
parse() {
    command=${1:-} inventories=() limit='' name=kubejoin directory='' start_at='' lab_options=() decisive=() options=()
    lists=false asks_vault=false
    case $command in
        '') usage >&2; exit 2 ;;
        -h | --help | help) usage; exit ;;
        lab) shift; exec "$checkout/lab/lab.sh" "$@" ;;
        ansible | ansible-*) ad_hoc "$@" ;;
        cluster | join | reset | remove | replace | verify | diagnose | repair | apps | upgrade-runtime) shift ;;
        *) refuse "unknown command '$command'; ./deploy.sh --help lists them" ;;
    esac
    local option value given
    while (($#)); do
        option=$1 value='' given=false
        shift
        case $option in
            --) options+=("$@"); return ;;
            --*=*) value=${option#*=} option=${option%%=*} given=true ;;
            -[!-]?*)
                # A letter may carry its value or more letters, as everywhere: -lworker, -Kb, -vvv.
                value=${option:2} option=${option:0:2}
                if takes_value "$option"; then given=true; else set -- "-$value" "$@"; fi
                ;;
        esac
        if takes_value "$option"; then
            $given || { (($#)) || refuse "$option needs a value"; value=$1; shift; }
        elif $given && among "$option" "$flags" "$listing"; then
            refuse "$option takes no value"
        fi
        take "$option" "$value"
    done
}

takes_value() { among "$1" "$ours" "$deciding" "$valued"; }

# take OPTION VALUE
take() {
    if among "$1" "$ours" && [[ -z $2 ]]; then refuse "$1 needs a value, and it is empty"; fi
    case $1 in
        -h | --help) help_for "$command"; exit ;;
        -i | --inventory) inventories+=("$2") ;;
        -l | --limit) limit=$2 ;;
        -e) decisive+=(--extra-vars "$2") ;;
        --name) name=$2 lab_options+=("$1" "$2") ;;
        --workers | --suite | --kubernetes) lab_options+=("$1" "$2") ;;
        --start-at-task) start_at=$2 options+=("$1" "$2") ;;
        -*)
            if among "$1" "$deciding"; then
                decisive+=("$1" "$2")
            elif among "$1" "$valued"; then
                options+=("$1" "$2")
            elif among "$1" "$flags" "$listing"; then
                options+=("$1")
            else
                refuse "unknown option $1; ./deploy.sh $command --help lists them"
            fi
            ! among "$1" "$listing" || lists=true
            [[ $1 != -J && $1 != --ask-vault-pass* && "$1 $2" != '--vault-id '*prompt ]] || asks_vault=true
            ;;
        *)
            [[ $command == apps && -z $directory ]] || refuse "unexpected argument '$1' for $command"
            directory=$1
            ;;
    esac
}
