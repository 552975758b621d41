# shellcheck shell=bash
# What ./deploy.sh says of itself.

usage() {
    cat <<'USAGE'
usage: ./deploy.sh COMMAND [options]

  cluster     bring a whole cluster up: control plane, pod network, workers; changes nothing when it is up
  join        join workers; nodes that have joined are left alone
  reset       take nodes out and clean them; needs --limit
  remove      take nodes out for good: pods elsewhere, machine clean, Node gone; needs --limit
  replace     a new machine takes the place, labels and taints of one that is gone; needs --limit
  verify      check the cluster and show its nodes
  diagnose    find out what is wrong with nodes, touching nothing
  repair      mend what keeps nodes and their pod network from working
  apps DIR    apply the manifests in DIR and wait for them
  upgrade-runtime   containerd to a newer release, node by node, proved, with the way back
  lab         the practice lab: up, down, status
  ansible     one module on nodes, as Ansible's own ad hoc command; ansible-doc, ansible-inventory and the rest, too

  -i, --inventory FILE   your nodes; see inventory/example.yml. Several are put together; a directory, a script and a
                         plugin's configuration do, too. Without it: the practice lab on this machine
  -l, --limit PATTERN    only these hosts of the inventory
  -C, --check            say what would be done, do nothing
  -D, --diff             show what is changed
  -e, --extra-vars VARS  set variables: name=value, JSON, @FILE; may be given more than once
  -v, -vv, -vvv          say more
  --name, --workers, --suite, --kubernetes   for the practice lab; see ./deploy.sh lab --help

What else is ansible-playbook's is passed on to it: -b -K -k -u --private-key -f -t --tags --skip-tags --list-hosts
--list-tags --list-tasks --start-at-task --step --ask-vault-pass --vault-password-file and so on; after --, anything.

Environment: MASTER_IP sets control_plane_ip (an address or name, with or without a port), JOIN_TIMEOUT
kubernetes_join_timeout (10 to 7200 seconds), MAX_RETRIES kubernetes_join_retries (0 to 20). For the practice lab,
KUBE_BIN_DIR names a directory with kubeadm, kubelet and kubectl, and KUBEJOIN_KUBERNETES_REPOSITORY the Kubernetes
package repository or a mirror of it.

./deploy.sh COMMAND --help says more about one command.
USAGE
}

help_for() {
    case $1 in
        cluster) echo "usage: ./deploy.sh cluster [-i FILE] [--check] [--diff]
Prepares every node (CNI, then containerd), runs kubeadm init on the control plane, sets up the pod network, joins the
workers, hands over from the placeholder network and shows the nodes. Without -i it brings the practice lab up first." ;;
        join) echo "usage: ./deploy.sh join [-i FILE] [--limit NODE] [--check] [--diff]
Joins the workers of the inventory, or those of --limit. A node that failed before is diagnosed, cleaned as far as its
diagnosis says, and tried again. MASTER_IP, JOIN_TIMEOUT and MAX_RETRIES are heeded." ;;
        reset) echo "usage: ./deploy.sh reset --limit NODE [-i FILE] [--check] [--diff] [-e reset_level=gentle|aggressive]
Takes what Kubernetes left on a node away, and nothing else: no mount is deleted through, preserve_paths are proved
unharmed. Where the cluster answers, pods are moved elsewhere first (-e reset_drain=false leaves that out) and the Node goes.
Control planes are refused unless -e reset_control_plane=true." ;;
        remove) echo "usage: ./deploy.sh remove --limit NODE [-i FILE] [--check] [--diff] [-e drain_timeout=SECONDS]
Cordons the node and evicts its pods (300 s; what blocks is named), resets it, and deletes its Node when it is that machine's.
Pods with an emptyDir or without a controller are refused unless -e drain_delete_emptydir_data=true, -e drain_force=true.
For a machine that does not exist any more: -e node_gone=true. Its name is asked for again, or -e node_gone_name=NODE gives it;
its Node goes when its kubelet has fallen silent, and the machine is asked nothing." ;;
        replace) echo "usage: ./deploy.sh replace --limit NODE [-i FILE] [--check] [--diff]
Joins a new machine, which the inventory names as NODE, over the Node of the old one, which is off or gone: labels, taints
and annotations stay. Refused while the old machine's Node is Ready." ;;
        verify) echo "usage: ./deploy.sh verify [-i FILE]
Waits until every node is Ready and shows them; fails when one is not." ;;
        diagnose) echo "usage: ./deploy.sh diagnose [-i FILE] [--limit NODE] [-e diagnose_directory=DIR] [-e diagnose_textfile_directory=DIR]
Looks at every node, changes nothing there, and writes index.html and report.md to DIR (by default ./kubejoin-report):
what is wrong with which node, what it comes from, what helps. A node that cannot be reached is a row, too. With
diagnose_textfile_directory, nodes get kubejoin.prom there, for node_exporter; alert rules: docs/prometheus-alerts.yml." ;;
        repair) echo "usage: ./deploy.sh repair [-i FILE] [--limit NODE] [--check] [--diff] [-e repair_recreate_pods=false]
Diagnoses, and stops when nothing is wrong. Otherwise mends what is safe to mend on each node (containerd, kernel settings,
kubelet, CNI, the pod bridge), then flannel, looks again, and proves from pods that they reach each other, DNS and the
outside. What only a person can mend is named with what helps. Fails for nodes that do not work then." ;;
        apps) echo "usage: ./deploy.sh apps DIR [-i FILE] [--check] [-e apps_timeout=SECONDS]
Applies the manifests in DIR (.yaml, .yml, .json; not below it) with kubectl on the control plane, waits until its
Deployments, DaemonSets and StatefulSets have rolled out (300 s each), and tells of each object. DIR is on this machine." ;;
        upgrade-runtime) echo "usage: ./deploy.sh upgrade-runtime [--limit NODE] [-i FILE] [--check] [--diff] [-e upgrade_source=PATH -e upgrade_sha256=HASH]
Takes containerd to a newer release, one node after the other, workers first: its package's newest, or a .deb or release archive
on the nodes or at an address. Pods are moved elsewhere first (-e upgrade_drain=false leaves them running). The configuration is
converted, everything that was there is proved to be there; a node on which anything less is seen goes back to the old one, and
no further node is begun. --check --diff shows all of it." ;;
        *) usage ;;
    esac
}
