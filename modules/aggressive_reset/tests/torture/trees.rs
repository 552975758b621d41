//! What lies in the targets themselves: links, odd files, depth, and files that do not want to go.

use serde_json::json;

use super::layout::{Expect, Layout, layouts};

layouts! {
    an_ordinary_node => Layout::clean("true").verify("test \"$(cat /root/.kube/config)\" = x; test ! -e /etc/kubernetes/kubelet.conf; test -d /etc/kubernetes/manifests; test -d /etc/cni/net.d; test -z \"$(ls /etc/cni/net.d)\"");
    gentle_keeps_what_a_join_needs => Layout::partly("true", &["/var/lib/containerd", "/run/containerd"]).options(json!({"level": "gentle"}))
        .verify("test -e /etc/cni/net.d/10-flannel.conf; test -e /var/lib/containerd/io.containerd.content.v1.content/blobs/1; test -e /root/.kube/config; test ! -e /etc/kubernetes/kubelet.conf");
    a_farm_of_links => Layout::clean("cd /var/lib/kubelet; ln -s /srv/media a; ln -s /srv/media/films/1 b; ln -s ../../../home c; ln -s / d; ln -s . e; ln -s e f; ln -s nowhere g; mkdir h; for i in $(seq 500); do ln -s /home/user h/$i; done");
    hard_links_to_somebodys_files => Layout::clean("mkdir /var/lib/kubelet/h; ln /var/log/syslog /var/lib/kubelet/h/1; ln /var/lib/containerd/io.containerd.content.v1.content/blobs/1 /var/log/2").verify("test \"$(cat /var/log/syslog /var/log/2 | tr -d '\\n')\" = xx");
    names_that_shells_trip_over => Layout::clean(r"cd /var/lib/kubelet; touch -- -rf '*' '$(reboot)' '..x' '...' ' ' '~' 'a;b' $'\r' $'\001'; mkdir -- '-rf x' '.hidden'; touch .hidden/.h; touch $(printf 'n%.0s' $(seq 255))");
    fifos_sockets_and_device_nodes => Layout::clean("cd /var/lib/kubelet; mkfifo p; mknod null c 1 3; mknod blk b 7 99; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'").needs(&["root", "program:python3"]);
    ten_thousand_directories_deep => Layout::clean("python3 -c 'import os; os.chdir(\"/var/lib/kubelet\"); [(os.mkdir(\"d\"), os.chdir(\"d\"), open(\"f\", \"w\").close()) for _ in range(10000)]'; ulimit -n 256").needs(&["root", "program:python3"]);
    five_thousand_files => Layout::clean("cd /var/lib/containerd; mkdir d{1..50}; for d in d*; do (cd $d; touch f{1..100}); done");
    without_any_permission => Layout::clean("cd /var/lib/kubelet; mkdir locked; touch locked/f; chown 1234 locked; chmod 000 locked locked/f");
    immutable_file => Layout::failed("cd /var/lib/kubelet; mkdir i; touch i/still; chattr +i i/still", "deleting /var/lib/kubelet/i/still: immutable (chattr +i)", "/var/lib/kubelet").verify("chattr -i /var/lib/kubelet/i/still; test ! -e /var/lib/kubelet/config.yaml").needs(&["root", "program:chattr"]);
    append_only_directory => Layout::failed("cd /var/lib/kubelet; mkdir i; touch i/log; chattr +a i", "deleting /var/lib/kubelet/i/log: append-only (chattr +a)", "/var/lib/kubelet").verify("chattr -a /var/lib/kubelet/i").needs(&["root", "program:chattr"]);
    a_file_in_use => Layout::refused("cd /var/lib/kubelet; cp /bin/sleep prog; ./prog 600 3>open-file >/dev/null 2>&1 &", "(prog) has open /var/lib/kubelet/open-file");
    a_program_in_use => Layout::clean("cd /var/lib/kubelet; cp /bin/sleep prog; echo x > log; ./prog 600 3<log >/dev/null 2>&1 &");
    target_on_a_read_only_file_system => Layout::failed("mount --bind /var/lib/cni /var/lib/cni; mount -o remount,ro,bind /var/lib/cni", "on a read-only file system", "/var/lib/cni");
    somebody_elses_networks => Layout::partly(r#"cd /etc/cni/net.d; echo '{"name":"podman","plugins":[{"type":"bridge","bridge":"cni-podman0"}]}' > 87-podman-bridge.conflist
        mkdir -p /var/lib/cni/networks/podman; echo x > /var/lib/cni/networks/podman/10.88.0.2; mkdir -p /srv/keep; cp -a /var/lib/cni/networks/podman /srv/keep/"#, &["/var/lib/cni"])
        .verify("test -e /etc/cni/net.d/87-podman-bridge.conflist; test ! -e /etc/cni/net.d/10-flannel.conf; diff -r /var/lib/cni/networks/podman /srv/keep/podman");
    another_clusters_kubeconfig => Layout::clean(r#"c() { printf 'clusters:\n- cluster:\n    server: %s\n  name: x\n' $1; }; c https://10.0.0.1:6443 > /etc/kubernetes/kubelet.conf; c https://prod.example:6443 > /root/.kube/config; cp /root/.kube/config /srv/keep"#)
        .verify("cmp /root/.kube/config /srv/keep");
    a_control_plane_that_may_be_destroyed => Layout::clean("mkdir -p /var/lib/etcd/member; echo x > /var/lib/etcd/member/db; echo x > /etc/kubernetes/manifests/etcd.yaml; rm -rf /var/lib/etcd/member").options(json!({"allow_control_plane": true}));
    our_own_temporary_files => Layout::clean("echo token > /run/kubejoin/join.json; echo x > /etc/cni/.x.conf.kubejoin-aB3dE5; touch -d '1 hour ago' /etc/cni/.x.conf.kubejoin-aB3dE5; mv /etc/cni/.x* /etc/cni/net.d/")
        .verify("test ! -e /run/kubejoin/join.json");
    the_end_of_a_control_plane => Layout::clean("mkdir -p /var/lib/etcd/member; echo x > /var/lib/etcd/member/db; echo x > /etc/kubernetes/manifests/etcd.yaml; echo x > /etc/kubernetes/admin.conf; mkdir -p /srv/keep; mv /var/lib/etcd /srv/keep/; mount --bind /srv/keep/etcd /srv/keep/etcd; mkdir /var/lib/etcd")
        .options(json!({"allow_control_plane": true}));
    names_that_are_no_utf8 => Layout::clean(r"cd /var/lib/kubelet; mkdir $'d\377\376'; touch $'d\377\376/f\201' $'\300'; ln -s /srv/media $'l\377'");
    hard_link_to_somebodys_immutable_file => Layout::failed("mkdir /var/lib/kubelet/h; ln /var/log/syslog /var/lib/kubelet/h/n; chattr +i /var/log/syslog", "deleting /var/lib/kubelet/h/n: immutable (chattr +i)", "/var/lib/kubelet")
        .verify("lsattr /var/log/syslog | grep -q '^....i'; chattr -i /var/log/syslog").needs(&["root", "program:chattr"]);
    target_is_immutable => Layout::failed("chattr +i /var/lib/kubelet", "immutable (chattr +i)", "/var/lib/kubelet").verify("chattr -i /var/lib/kubelet; test ! -e /etc/kubernetes/kubelet.conf").needs(&["root", "program:chattr"]);
    target_is_a_file => Layout { expect: Expect::Either, ..Layout::clean("rm -rf /var/lib/cni; echo x > /var/lib/cni") }.verify("test ! -e /var/lib/kubelet/config.yaml");
    kubeconfig_is_a_link => Layout::clean("ln -sf /etc/kubernetes/admin.conf /root/.kube/config; ln -sf /home/user/.kube/config /root/.kube/other; echo x > /etc/kubernetes/admin.conf").verify("test -L /root/.kube/other");
    preserved_path_is_a_file => Layout::clean("true").options(json!({"preserve": ["/home/user/note1", "//home//user/", "/srv/media/"]}));
    a_full_file_system => Layout::clean("mount -t tmpfs -o mode=0755,size=64k,nr_inodes=20 full /var/lib/kubejoin; dd if=/dev/zero of=/var/lib/kubejoin/zeros bs=1k 2>/dev/null || true").verify("rm /var/lib/kubejoin/zeros");
    only_a_part => Layout::partly("true", &["/var/lib/kubelet", "/var/lib/containerd", "/run/containerd"]).options(json!({"scope": ["cni"]})).verify("test -e /etc/kubernetes/kubelet.conf; test -e /root/.kube/config");
}
