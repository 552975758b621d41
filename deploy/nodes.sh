# shellcheck shell=bash
# What only Ansible can tell: the inventory can be read, and there is something to do in it.
# Uses the caller's $checkout, $command, $inventories, $limit, $decisive, $options and $start_at.
# shellcheck disable=SC2154

# inventory_arguments: puts what says which nodes and tasks are meant into the caller's arguments.
inventory_arguments() {
    local inventory
    for inventory in "${inventories[@]}"; do arguments+=(-i "$inventory"); done
    [[ -z $limit ]] || arguments+=(--limit "$limit")
    arguments+=("${decisive[@]}")
}

# check_nodes: runs the first play of every command alone.
check_nodes() {
    local arguments=() answer reason unknown
    inventory_arguments
    # The password would be asked for twice; the play itself looks, too.
    ! $asks_vault || return 0
    answer=$(ANSIBLE_NOCOLOR=1 "$checkout/.venv/bin/ansible-playbook" "${arguments[@]}" --extra-vars "asked_command=$command" \
        "$checkout/playbooks/asked.yml" 2>&1 </dev/null 9>&-) || {
        reason=$(ansible_reason "$answer")
        [[ $reason != 'the inventory has no '* ]] || reason="--limit $limit: $reason"
        refuse "$reason"
    }
    # A name of several that is not there is a mistake, too.
    unknown=$(awk '/^\[WARNING\]: Could not match supplied host pattern, ignoring: / && $NF !~ /^(control_plane|workers|all)$/ { print $NF }' <<<"$answer" | xargs)
    [[ -z $limit || -z $unknown ]] || refuse "--limit $limit: the inventory has no ${unknown// /, no }"
    [[ -z $start_at ]] || check_task
}

# Ansible ends well when there is no task of that name.
check_task() {
    local task
    while read -r task; do
        # As Ansible reads it: the name, or "role : name", with the wildcards of a shell.
        # shellcheck disable=SC2053
        [[ $task != $start_at && ${task#* : } != $start_at ]] || return 0
    done < <("$checkout/.venv/bin/ansible-playbook" "${arguments[@]}" --list-tasks "$checkout/playbooks/$command.yml" 2>/dev/null | sed -n 's/^      \(.*\)\tTAGS: .*/\1/p')
    refuse "--start-at-task: $command has no task named '$start_at'; ./deploy.sh $command --list-tasks lists them"
}

# ansible_reason OUTPUT: why Ansible gave up, in one line. What a plugin that was not meant says of an inventory is left
# out, and so are the plugins' names.
ansible_reason() {
    awk '
        function add(list, text) { return list == "" ? text : list "; " text }
        /^\[WARNING\]: Failed to parse inventory with / {
            plugin = $0; sub(/.*plugins\.inventory\./, "", plugin); sub(/\x27.*/, "", plugin)
            reason = $0; sub(/^[^:]*: [^:]*: /, "", reason); sub(/^Failed to parse inventory: /, "", reason)
            strange = (plugin == "auto" && reason ~ /no root .plugin. key/) || reason ~ /^Plugin configuration YAML file, not YAML/
            # ini reads everything, and comes last.
            if (!strange && !(plugin == "ini" && parse != "") && parse == "") { parse = reason; parsing = 1 } else parsing = 0
            next
        }
        parsing && /^Origin: \// { parse = parse " (" substr($0, 9) ")"; parsing = 2; next }
        parsing && /^Standard error from inventory script:/ { said = 1; next }
        said && /^[^ \t]/ { if ($0 !~ /^\[/) { sub(/\.$/, "", parse); parse = parse ": " $0 } said = 0 }
        /^\[WARNING\]: Could not match supplied host pattern, ignoring: / { pattern = add(pattern, "the inventory has no " $NF) }
        /^\[ERROR\]: / { error = add(error, substr($0, 10)) }
        /^fatal: .*FAILED! => / { sub(/^fatal: .*FAILED! => /, ""); task = add(task, $0) }
        END {
            if (task != "") print task
            else if (parse != "") { sub(/^Completely failed to parse inventory source/, "the inventory", error); print error " cannot be used: " parse }
            else if (pattern != "" && (error == "" || error ~ /no hosts to target/)) print pattern
            else if (error != "") print error
            else print "Ansible ended without a word"
        }' <<<"$1"
}
