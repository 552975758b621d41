//! Whose network it is: links, chains, rules, leases, sets and namespaces that are called like Kubernetes', or lie beside
//! its own. Real netlink, iptables and CNI plugins; judged by `ip`, `iptables-save` and `ipset`.

use serde_json::json;

use super::layout::{Expect, Layout, layouts};

const NET: &[&str] = &["root", "program:ip", "program:iptables-save", "link:bridge", "link:veth", "link:vxlan"];
const PLUGINS: &[&str] =
    &["root", "program:ip", "program:iptables-save", "file:/usr/lib/cni/bridge", "file:/usr/lib/cni/firewall"];
const SETS: &[&str] = &["root", "program:ipset", "program:iptables-save"];

/// Everything of the network that is somebody's, in a file: compared afterwards.
macro_rules! keeps {
    ($setup:expr) => {
        Layout::clean(concat!(
            "rules() { iptables-save | grep -v '^#' | sed 's/ \\[.*//'; ip -br link | awk '{print $1,$3}' | sort; ip -4 -br addr; ip route show table all type unicast; ip netns; }\n",
            $setup,
            "\nrules > /srv/before"
        ))
        .needs(NET)
        .verify("rules() { iptables-save | grep -v '^#' | sed 's/ \\[.*//'; ip -br link | awk '{print $1,$3}' | sort; ip -4 -br addr; ip route show table all type unicast; ip netns; }
            rules > /tmp/after; diff /srv/before /tmp/after")
    };
}

/// A pod's network as a CNI plugin makes it: `cni BRIDGE-CONF CONTAINER NAMESPACE`.
macro_rules! plugin {
    () => {
        "cni() { p=$1; shift; CNI_COMMAND=ADD CNI_CONTAINERID=$1 CNI_NETNS=/run/netns/$2 CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni CNI_ARGS=\"$3\" /usr/lib/cni/$p; }\n"
    };
}

layouts! {
    bridge_called_cni0_with_a_card_in_it => keeps!("ip link add cni0 type bridge; ip addr add 192.168.1.2/24 dev cni0; ip link add eth7 type veth peer name far7; ip link set eth7 master cni0; ip link set cni0 up; ip link set eth7 up");
    bridge_called_cni0_with_a_tap_in_it => keeps!("ip link add cni0 type bridge; mkdir -p /dev/net; mknod /dev/net/tun c 10 200; ip tuntap add tap0 mode tap; ip link set tap0 master cni0; ip link set cni0 up").needs(&["root", "file:/dev/net/tun"]);
    bridge_called_cni0_of_a_container_engine => keeps!("ip netns add lxc1; ip link add cni0 type bridge; ip addr add 10.244.1.1/24 dev cni0; ip link add vethLXC1 type veth peer name eth0 netns lxc1; ip link set vethLXC1 master cni0; ip link set cni0 up; ip link set vethLXC1 up; ip netns exec lxc1 sleep 600 >/dev/null 2>&1 &
        for i in $(seq 100); do ip netns pids lxc1 | grep -q . && break; sleep 0.05; done");
    bridge_called_cni0_with_the_default_route => keeps!("ip link add cni0 type bridge; ip addr add 10.244.1.1/24 dev cni0; ip link set cni0 up; ip route add default via 10.244.1.254");
    bridge_called_cni0_with_a_vlan_on_it => keeps!("ip link add cni0 type bridge; ip link set cni0 up; ip link add link cni0 name cni0.5 type vlan id 5").needs(&["root", "link:vlan"]);
    bridge_called_cni0_with_an_address_of_the_lan => keeps!("ip link add cni0 type bridge; ip addr add 192.168.55.1/24 dev cni0; ip link set cni0 up");
    vxlan_called_flannel_1_with_another_identifier => keeps!("ip link add flannel.1 type vxlan id 77 dev lo dstport 4790; ip link set flannel.1 up");
    vxlan_called_flannel_1_in_somebodys_bridge => keeps!("ip link add br-lan type bridge; ip link add flannel.1 type vxlan id 1 dev lo dstport 8472; ip link set flannel.1 master br-lan; ip link set br-lan up; ip link set flannel.1 up");
    vxlan_called_flannel_1_with_somebodys_address => keeps!("ip link add flannel.1 type vxlan id 1 dev lo dstport 8472; ip addr add 192.168.50.1/24 dev flannel.1; ip link set flannel.1 up");
    vxlan_called_flannel_1_with_somebodys_route => keeps!("ip link add flannel.1 type vxlan id 1 dev lo dstport 8472; ip addr add 10.244.1.0/32 dev flannel.1; ip link set flannel.1 up; ip route add 172.30.0.0/16 dev flannel.1");
    links_of_flannel_and_of_a_pod_go => Layout::clean(concat!(plugin!(), r#"
        n=cni-11112222-3333-4444-5555-666677778888; ip netns add $n
        ip link add flannel.1 type vxlan id 1 local 127.0.0.1 dev lo dstport 8472 nolearning; ip addr add 10.244.1.0/32 dev flannel.1; ip link set flannel.1 up
        ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink
        echo '{"cniVersion":"0.4.0","name":"cbr0","type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.244.1.0/24"}}' | cni bridge 1f2e $n 'IgnoreUnknown=1;K8S_POD_NAME=a' > /tmp/result
        mkdir -p /var/lib/cni/results; printf '{"kind":"cniCacheV1","networkName":"cbr0","cniArgs":[["K8S_POD_NAME","a"]],"result":%s}' "$(cat /tmp/result)" > /var/lib/cni/results/cbr0-1f2e-eth0
        iptables-save | grep -q CNI-"#)).needs(PLUGINS)
        .verify("test -z \"$(ip link | grep -E 'cni0|flannel|veth'; iptables-save | grep CNI-; ip route | grep 10.244; ls /run/netns | grep cni-)\"");
    podmans_network_beside_a_firewall_that_drops => keeps!(concat!(plugin!(), r#"
        echo '{"cniVersion":"0.4.0","name":"podman","plugins":[{"type":"bridge","bridge":"cni-podman0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.88.0.0/16"}]]}},{"type":"portmap","capabilities":{"portMappings":true}},{"type":"firewall"}]}' > /etc/cni/net.d/87-podman.conflist
        iptables -P FORWARD DROP; ip netns add web
        echo '{"cniVersion":"0.4.0","name":"podman","type":"bridge","bridge":"cni-podman0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.88.0.0/16"}]]}}' | cni bridge 77 web > /tmp/result
        printf '{"cniVersion":"0.4.0","name":"podman","type":"firewall","prevResult":%s}' "$(cat /tmp/result)" | cni firewall 77 web > /dev/null
        iptables-save | grep -q CNI-FORWARD"#)).needs(PLUGINS).expect(Expect::Partly(&["/var/lib/cni"]));
    somebodys_network_of_the_same_plugins_without_a_label => keeps!(concat!(plugin!(), r#"
        echo '{"cniVersion":"0.4.0","name":"lab","plugins":[{"type":"bridge","bridge":"lab0","ipam":{"type":"host-local","subnet":"10.99.0.0/16"}}]}' > /etc/cni/net.d/50-lab.conflist
        iptables -P FORWARD DROP; ip netns add web
        echo '{"cniVersion":"0.4.0","name":"lab","type":"bridge","bridge":"lab0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.99.0.0/16"}}' | cni bridge 78 web > /tmp/result
        printf '{"cniVersion":"0.4.0","name":"lab","type":"firewall","prevResult":%s}' "$(cat /tmp/result)" | cni firewall 78 web > /dev/null"#)).needs(PLUGINS).expect(Expect::Partly(&["/var/lib/cni"]));
    podmans_macvlan_its_lease_and_a_route_into_it => keeps!(r#"
        echo '{"cniVersion":"0.4.0","name":"lan","plugins":[{"type":"macvlan","master":"lan0","ipam":{"type":"host-local","ranges":[[{"subnet":"192.168.77.0/24"}]]}}]}' > /etc/cni/net.d/lan.conflist
        mkdir -p /var/lib/cni/networks/lan; echo 77 > /var/lib/cni/networks/lan/192.168.77.5
        ip link add lan0 type bridge; ip addr add 192.168.77.1/24 dev lan0; ip link set lan0 up; ip route add 192.168.77.128/25 via 192.168.77.9 dev lan0 onlink"#).expect(Expect::Partly(&["/var/lib/cni"]));
    chains_of_a_user_called_kube_and_cni => keeps!("for c in KUBE-BACKUP CNI-LAB FLANNEL-MINE KUBE-SVC-HOME; do iptables -N $c; iptables -A $c -s 192.0.2.1 -j DROP; iptables -A INPUT -j $c; done; iptables -t nat -N KUBE-FORWARD; iptables -t nat -A KUBE-FORWARD -p tcp --dport 80 -j REDIRECT --to-ports 8080; iptables -t nat -A PREROUTING -j KUBE-FORWARD");
    chains_of_kube_proxy_beside_a_users => Layout::clean("iptables -N KUBE-BACKUP; iptables -A KUBE-BACKUP -s 192.0.2.1 -j DROP; iptables -A INPUT -j KUBE-BACKUP
        iptables -N KUBE-FORWARD; iptables -A KUBE-FORWARD -m comment --comment 'kubernetes forwarding rules' -m mark --mark 0x4000/0x4000 -j ACCEPT; iptables -A FORWARD -m comment --comment 'kubernetes forwarding rules' -j KUBE-FORWARD; iptables -t mangle -N KUBE-KUBELET-CANARY")
        .needs(NET).verify("iptables-save | grep -q -- '-A INPUT -j KUBE-BACKUP'; test -z \"$(iptables-save | grep -E 'KUBE-(FORWARD|KUBELET)')\"");
    namespace_of_somebodys_lab => keeps!("ip netns add cni-lab");
    namespace_of_somebodys_lab_gentle => keeps!("ip netns add cni-lab").options(json!({"level": "gentle"})).expect(Expect::Partly(&["/var/lib/containerd", "/run/containerd"]));
    namespace_that_no_pod_had => keeps!("ip netns add cni-11112222-3333-4444-5555-666677778888");
    namespace_that_somebody_else_keeps_too => keeps!(r#"n=cni-11112222-3333-4444-5555-666677778888; ip netns add $n; touch /srv/mine; mount --bind /run/netns/$n /srv/mine
        mkdir -p /var/lib/cni/results; echo '{"networkName":"cbr0","cniArgs":[["K8S_POD_NAME","a"]],"result":{"interfaces":[{"name":"eth0","sandbox":"/var/run/netns/'$n'"}]}}' > /var/lib/cni/results/cbr0-1-eth0"#);
    rules_of_an_old_flannel_without_a_chain_go => Layout::clean("iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -j ACCEPT
        for r in '! -s 10.244.0.0/16 -d 10.244.2.0/24 -j RETURN' '-s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN' '-s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE' '! -s 10.244.0.0/16 -d 10.244.19.0/24 -j RETURN' '! -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE'; do iptables -t nat -A POSTROUTING $r; done
        iptables -A FORWARD -s 10.244.0.0/16 -j ACCEPT; iptables -A FORWARD -d 10.244.0.0/16 -j ACCEPT; iptables -t nat -A POSTROUTING -s 10.244.0.0/16 -o eth9 -j MASQUERADE")
        .needs(NET).verify("test \"$(iptables-save | grep -c -- '^-A')\" = 2; iptables-save | grep -q -- '-o eth9'");
    masquerading_of_another_network_stays => keeps!("iptables -t nat -A POSTROUTING -s 10.88.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE; iptables -A FORWARD -s 10.88.0.0/16 -j ACCEPT");
    weaves_chains_and_its_drop_go => Layout::clean("iptables -N WEAVE-NPC; iptables -N WEAVE-NPC-DEFAULT; iptables -A WEAVE-NPC -j WEAVE-NPC-DEFAULT; iptables -A FORWARD -o weave -m comment --comment 'NOTE: this must go before -j KUBE-FORWARD' -j WEAVE-NPC; iptables -A FORWARD -o weave -j DROP; iptables -A FORWARD -i weave ! -o weave -j ACCEPT; iptables -A FORWARD -o weave -s 192.0.2.1 -j DROP; ip link add weave type bridge")
        .needs(NET).verify("test \"$(iptables-save | grep -c -- '^-A')\" = 1; test -z \"$(ip link | grep weave)\"");
    kube_routers_chains_go => Layout::clean("iptables -N KUBE-ROUTER-FORWARD; iptables -N KUBE-POD-FW-ABCDEFGHIJKLMNOP; iptables -A KUBE-POD-FW-ABCDEFGHIJKLMNOP -j DROP; iptables -A KUBE-ROUTER-FORWARD -d 10.244.1.5/32 -m comment --comment 'rule to jump traffic destined to POD name:a namespace: default to chain KUBE-POD-FW-ABCDEFGHIJKLMNOP' -j KUBE-POD-FW-ABCDEFGHIJKLMNOP; iptables -A FORWARD -m comment --comment 'kube-router netpol - TEMCG2JMHZYE7H7T' -j KUBE-ROUTER-FORWARD; ip link add kube-bridge type bridge")
        .needs(NET).verify("test -z \"$(iptables-save | grep KUBE; ip link | grep kube-bridge)\"");
    sets_of_kube_proxy_go_and_somebodys_stay => Layout::clean("ipset create KUBE-CLUSTER-IP hash:ip; ipset create KUBE-MINE hash:ip; ipset create blocklist hash:ip; iptables -A INPUT -m set --match-set blocklist src -j DROP")
        .needs(SETS).verify("test \"$(ipset list -n | sort | tr '\\n' ' ')\" = 'KUBE-MINE blocklist '");
    a_set_that_somebodys_rule_uses_stays => Layout::clean("ipset create KUBE-LOOP-BACK hash:ip; iptables -A INPUT -m set --match-set KUBE-LOOP-BACK src -j ACCEPT")
        .needs(SETS).verify("ipset list -n | grep -q KUBE-LOOP-BACK; iptables-save | grep -q KUBE-LOOP-BACK");
    a_pod_network_that_the_user_names => Layout::clean("rm /run/flannel/subnet.env; ip link add cni0 type bridge; ip addr add 10.77.1.1/24 dev cni0; ip link set cni0 up")
        .options(json!({"pod_networks": ["10.77.0.0/16"]})).needs(NET).verify("test -z \"$(ip link | grep cni0)\"");
}
