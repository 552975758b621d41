#!/bin/sh
# shellcheck disable=SC1091,SC2086  # the file is there on a node only; the flags are several words on purpose
# The part of systemctl that kubeadm uses, for one unit: the kubelet, started as its drop-in starts it.
pidfile=/run/kubelet.pid
stop() { [ ! -e $pidfile ] || kill "$(cat $pidfile)" 2>/dev/null; }
case "$1 $2" in
    "status kubelet") echo "Loaded: loaded" ;;
    "is-enabled kubelet") [ ! -e /run/masked ] ;;
    "daemon-reload ") ;;
    "stop kubelet") stop ;;
    "restart kubelet")
        [ ! -e /run/masked ] || exit 1
        stop
        [ ! -e /var/lib/kubelet/kubeadm-flags.env ] || . /var/lib/kubelet/kubeadm-flags.env
        setsid "$BED_BIN/kubelet" --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
            --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \
            $KUBELET_KUBEADM_ARGS >/run/kubelet.log 2>&1 </dev/null &
        echo $! >$pidfile
        ;;
    *) exit 1 ;;
esac
