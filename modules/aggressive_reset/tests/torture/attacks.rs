//! What attackers of the suite came up with, by the number of the kind in `kinds.rs`.

use serde_json::json;

use super::layout::{Expect, Layout, layouts};

const LOOP: &[&str] = &["root", "file:/dev/loop-control", "program:mkfs.ext4"];
const CHATTR: &[&str] = &["root", "program:chattr"];
const NET: &[&str] = &["root", "program:ip", "program:iptables-save", "link:bridge", "link:veth", "link:vxlan"];
const SETS: &[&str] = &["root", "program:ipset"];

// A mount can keep only a younger mount namespace than its own, and Linux 6.18 numbers them by processor: `kept` tries again.

/// Everything of the network is the same afterwards.
macro_rules! network {
    ($setup:expr) => {
        Layout::clean(concat!(
            "all() { iptables-save | grep -v '^#' | sed 's/ \\[.*//'; ip -br link | awk '{print $1,$3}' | sort; ip -br addr; ip route show table all type unicast; ip rule; ip netns; }\n",
            $setup,
            "\nall > /srv/before"
        ))
        .only(json!({}))
        .needs(NET)
        .verify("all() { iptables-save | grep -v '^#' | sed 's/ \\[.*//'; ip -br link | awk '{print $1,$3}' | sort; ip -br addr; ip route show table all type unicast; ip rule; ip netns; }
            all > /tmp/after; diff /srv/before /tmp/after")
    };
}

layouts! {
    attack_2_a_disk_on_the_pods_directory => Layout::clean("mount --bind /home/user /var/lib/kubelet/pods").only(json!({}));
    attack_2_a_disk_on_a_directory_that_stays => Layout::partly("mkdir /var/lib/kubelet/backup; mount --bind /srv/media /var/lib/kubelet/backup", &["/var/lib/kubelet"]).only(json!({})).verify("test -e /var/lib/kubelet/backup/films/1; umount /var/lib/kubelet/backup");
    attack_2_a_read_only_bind_of_films_on_a_target => Layout::refused("mount --bind /srv/media /var/lib/cni; mount -o remount,ro,bind /var/lib/cni", "/var/lib/cni is another view of /srv/media").only(json!({}));
    attack_2_a_file_on_a_file_target => Layout::clean("touch /etc/kubernetes/admin.conf; mount --bind /home/user/note1 /etc/kubernetes/admin.conf").only(json!({})).verify("test \"$(cat /home/user/note1)\" = 'note 1'");
    attack_2_notes_in_a_mount_at_kubernetes_configuration => Layout::clean("mkdir /home/k; cp -a /etc/kubernetes/. /home/k; echo x > /home/k/notes; mount --bind /home/k /etc/kubernetes").only(json!({})).expect(Expect::Refused("another view of /home/k")).verify("test -e /home/k/notes -a -e /home/k/pki/ca.crt");
    attack_3_an_image_whose_name_has_a_line_end => Layout::refused("i=$'/var/lib/kubelet/pods/a\\nb.img'; truncate -s 16M \"$i\"; mkfs.ext4 -q \"$i\"; mkdir /home/d; mount -o loop,ro,noload \"$i\" /home/d; sync", "/home/d is made of /var/lib/kubelet/pods/a\\nb.img").only(json!({})).needs(LOOP).verify("umount /home/d");
    attack_3_an_image_with_a_second_name_outside => Layout::refused("truncate -s 16M /var/log/disk.img; mkfs.ext4 -q /var/log/disk.img; ln /var/log/disk.img /var/lib/kubelet/pods/disk.img; mkdir /home/d; mount -o loop,ro,noload /var/log/disk.img /home/d; sync", "/home/d is made of /var/lib/kubelet/pods/disk.img").only(json!({})).needs(LOOP).verify("umount /home/d; test -e /var/log/disk.img");
    attack_3_an_image_that_is_deleted_already => Layout::clean("truncate -s 16M /var/lib/kubelet/pods/disk.img; mkfs.ext4 -q /var/lib/kubelet/pods/disk.img; mkdir /home/d; mount -o loop,ro,noload /var/lib/kubelet/pods/disk.img /home/d; rm /var/lib/kubelet/pods/disk.img").only(json!({})).needs(LOOP).verify("umount /home/d");
    attack_4_a_mount_namespace_that_only_a_mount_keeps => Layout::refused("kept() { for i in {1..50}; do rm -f /run/kubejoin/ready; unshare --mount --propagation private sh -c \"mount --bind $1 $2; echo x > /run/kubejoin/ready; exec sleep 600\" > /dev/null 2>&1 & p=$!; until [ -e /run/kubejoin/ready ]; do :; done; done=; mount --bind /proc/$p/ns/mnt /home/ns/kept 2> /dev/null && done=1; kill $p; wait $p || true; [ -z \"$done\" ] || return 0; done; false; }\nmkdir /var/lib/kubelet/pods/volume /home/v /home/ns; echo film > /var/lib/kubelet/pods/volume/1; mount -t tmpfs ns /home/ns; mount --make-private /home/ns; touch /home/ns/kept; kept /var/lib/kubelet/pods/volume /home/v; test ! -e /home/v/1",
        "the mount namespace kept at /home/ns/kept sees /var/lib/kubelet/pods/volume at /home/v").only(json!({})).verify("test $(nsenter --mount=/home/ns/kept cat /home/v/1) = film");
    attack_4_a_mount_namespace_that_only_a_mount_keeps_and_sees_nothing_of_ours => Layout::clean("kept() { for i in {1..50}; do rm -f /run/kubejoin/ready; unshare --mount --propagation private sh -c \"mount --bind $1 $2; echo x > /run/kubejoin/ready; exec sleep 600\" > /dev/null 2>&1 & p=$!; until [ -e /run/kubejoin/ready ]; do :; done; done=; mount --bind /proc/$p/ns/mnt /home/ns/kept 2> /dev/null && done=1; kill $p; wait $p || true; [ -z \"$done\" ] || return 0; done; false; }\nmkdir /home/ns; mount -t tmpfs ns /home/ns; mount --make-private /home/ns; touch /home/ns/kept; kept /home/user /mnt").only(json!({}));
    attack_4_a_part_seen_by_a_process_with_a_root_in_it => Layout::refused("mkdir -p /var/lib/kubelet/pods/root/v /home/root; unshare --mount --propagation private sh -c 'mount --bind /var/lib/kubelet/pods/root /home/root; echo x > /run/kubejoin/ready; exec sleep 600' > /dev/null 2>&1 & until [ -e /run/kubejoin/ready ]; do :; done", "(sleep) sees /var/lib/kubelet/pods/root at /home/root").only(json!({}));
    attack_6_dockers_bridge_and_rules => network!("ip netns add web; ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link add veth1f2e type veth peer name eth0 netns web; ip link set veth1f2e master docker0; ip link set docker0 up; ip link set veth1f2e up
        for c in DOCKER DOCKER-USER DOCKER-ISOLATION-STAGE-1; do iptables -N $c; done; iptables -A FORWARD -j DOCKER-USER; iptables -A FORWARD -o docker0 -j DOCKER; iptables -P FORWARD DROP; iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE");
    attack_6_libvirts_bridge_and_rules => network!("ip link add virbr0 type bridge; ip addr add 192.168.122.1/24 dev virbr0; ip link set virbr0 up; for c in LIBVIRT_INP LIBVIRT_FWI LIBVIRT_FWO; do iptables -N $c; iptables -A $c -i virbr0 -j ACCEPT; done; iptables -A INPUT -j LIBVIRT_INP; iptables -A FORWARD -j LIBVIRT_FWI; iptables -t nat -N LIBVIRT_PRT; iptables -t nat -A POSTROUTING -j LIBVIRT_PRT; iptables -t nat -A LIBVIRT_PRT -s 192.168.122.0/24 ! -d 192.168.122.0/24 -j MASQUERADE");
    attack_6_a_bridge_of_lxc_inside_the_pods_network => network!("ip netns add c1; ip link add lxcbr0 type bridge; ip addr add 10.244.200.1/24 dev lxcbr0; ip link add vethC1 type veth peer name eth0 netns c1; ip link set vethC1 master lxcbr0; ip link set lxcbr0 up; ip link set vethC1 up; iptables -t nat -A POSTROUTING -s 10.244.200.0/24 ! -d 10.244.200.0/24 -m comment --comment 'managed by lxc-net' -j MASQUERADE")
        .options(json!({"scope": ["firewall", "kubelet"]})).expect(Expect::Partly(&["/var/lib/containerd", "/var/lib/cni", "/run/containerd", "/run/flannel"]));
    attack_7_a_kubeconfig_that_cannot_be_written => Layout { expect: Expect::Either, ..Layout::clean("chattr +i /root/.kube/config") }.only(json!({})).needs(CHATTR).verify("chattr -i /root/.kube/config; test \"$(cat /root/.kube/config)\" = x");
    attack_7_a_kubeconfig_behind_a_link_of_its_directory => Layout { expect: Expect::Either, ..Layout::clean("rm -r /root/.kube; mkdir /home/user/kube; echo mine > /home/user/kube/config; ln -s /home/user/kube /root/.kube") }.only(json!({})).verify("test $(cat /home/user/kube/config) = mine; test ! -e /var/lib/kubelet/config.yaml");
    attack_7_a_kubeconfig_with_another_systems_line_ends => Layout::clean("printf 'apiVersion: v1\\r\\nkind: Config\\r\\nclusters:\\r\\n- name: a\\r\\n  cluster:\\r\\n    server: https://prod:6443\\r\\n' > /root/.kube/config; cp /root/.kube/config /srv/keep").only(json!({})).verify("cmp /root/.kube/config /srv/keep");
    attack_9_sockets_and_devices_that_nobody_knows => Layout::partly("cd /var/lib/kubelet; mkfifo pipe; mknod null c 1 3; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'", &["/var/lib/kubelet"]).only(json!({})).needs(&["root", "program:python3"]).verify("cd /var/lib/kubelet; test -p pipe -a -c null -a -S sock").says(&["/var/lib/kubelet/pipe: 0 B"]);
    attack_9_a_kubelet_whose_root_is_elsewhere => Layout::clean("mkdir -p /home/data/kubelet/pods; echo x > /home/data/kubelet/config.yaml; mkdir -p /etc/default; echo 'KUBELET_EXTRA_ARGS=--root-dir=/home/data/kubelet' > /etc/default/kubelet").only(json!({})).verify("test -e /home/data/kubelet/config.yaml; rm /etc/default/kubelet");
    attack_12_k3s_in_a_container_of_its_own => Layout::clean("cp /bin/sleep /srv/k3s; unshare --pid --fork --mount-proc /srv/k3s 600 > /dev/null 2>&1 & until pgrep -x k3s > /dev/null; do :; done").only(json!({}));
    attack_13_a_busy_mount_in_a_busy_mount => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /home/user m; mkdir /home/user/in; mount -t tmpfs t m/in; echo x > m/in/x; (cd m/in; sleep 600 > /dev/null 2>&1 &); cd m; sleep 600 > /dev/null 2>&1 &").only(json!({})).verify("test -e /home/user/note1 -a -d /home/user/in");
    attack_13_a_process_whose_root_is_a_busy_mount => Layout::clean("mkdir -p /home/root /var/lib/kubelet/pods/r; echo x > /home/root/x; mount --bind /home/root /var/lib/kubelet/pods/r; python3 -c 'import os, time; ready = open(\"/run/kubejoin/ready\", \"w\"); os.chroot(\"/var/lib/kubelet/pods/r\"); os.chdir(\"/\"); ready.write(\"x\"); ready.close(); time.sleep(600)' > /dev/null 2>&1 & until [ -s /run/kubejoin/ready ]; do :; done").only(json!({})).needs(&["root", "program:python3"]).verify("test $(cat /home/root/x) = x");
    attack_14_sets_of_calico_and_weave_go_and_somebodys_stay => Layout::clean("for s in cali40this-host cali40s:qMt7iLlGDhvLnCjM0l9nzxb weave-local-pods 'weave-?b%zl9GIe0AET1(QI^7NWe*fO' cali40mine weave-mine; do ipset create \"$s\" hash:ip; done").only(json!({})).needs(SETS).verify("test \"$(ipset list -n | sort | tr '\\n' ' ')\" = 'cali40mine weave-mine '");
    attack_14_what_only_a_reboot_takes_is_told => Layout::clean("ip link add vxlan.calico type vxlan id 4096 dev lo dstport 4789").only(json!({})).needs(NET).says(&["Calico: the module ipip with its link tunl0: until the next boot"]);
    attack_14_pins_of_cilium_are_told => Layout::clean("mount -t bpf bpf /sys/fs/bpf; mkdir -p /sys/fs/bpf/cilium/x /sys/fs/bpf/mine").only(json!({})).needs(&["root", "fs:bpf"]).says(&["what Cilium has pinned here works until the next boot"]).verify("test -d /sys/fs/bpf/cilium/x -a -d /sys/fs/bpf/mine");
    attack_14_a_conf_that_weave_left => Layout::clean("mkdir /var/lib/weave; echo x > /var/lib/weave/weave-netdata.db; echo '{\"cniVersion\":\"0.3.0\",\"name\":\"weave\",\"plugins\":[{\"name\":\"weave\",\"type\":\"weave-net\",\"hairpinMode\":true}]}' > /etc/cni/net.d/10-weave.conflist").only(json!({})).verify("test -z \"$(ls /var/lib/weave /etc/cni/net.d | grep -v :)\"").moved(&["/var/lib/weave"]);
}
