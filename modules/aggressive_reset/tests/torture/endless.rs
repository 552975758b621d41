//! Files that hang or never end, where configuration is looked for; automounts; very many mounts; very many paths.

use std::os::fd::AsRawFd;

use nix::mount::{MsFlags, mount};
use serde_json::{Value, json};

use super::layout::{Layout, layouts};

const AUTOFS: &[&str] = &["root", "fs:autofs"];

layouts! {
    endless_fifo_as_a_conf => Layout::clean("mkfifo /etc/cni/net.d/x /etc/cni/net.d/00.conf /etc/cni/net.d/00.conflist").only(json!({"timeout": 20})).verify("test -p /etc/cni/net.d/x");
    endless_device_as_a_conf => Layout::clean("ln -s /dev/zero /etc/cni/net.d/z.conflist; ln -s /dev/zero /etc/cni/net.d/z").only(json!({"timeout": 20})).verify("test -L /etc/cni/net.d/z");
    endless_fifo_as_a_kubeconfig => Layout { expect: super::layout::Expect::Either, ..Layout::clean("rm /root/.kube/config /etc/kubernetes/kubelet.conf; mkfifo /root/.kube/config /etc/kubernetes/kubelet.conf /etc/kubernetes/manifests/x.yaml") }.only(json!({"timeout": 20})).verify("test ! -e /var/lib/kubelet/config.yaml");
    endless_fifo_as_containerds_database => Layout { expect: super::layout::Expect::Either, ..Layout::clean("mkdir /var/lib/containerd/io.containerd.metadata.v1.bolt; mkfifo /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db") }.only(json!({"timeout": 20})).verify("test ! -e /var/lib/kubelet/config.yaml");
    endless_fifos_where_flannel_and_the_journal_write => Layout { expect: super::layout::Expect::Either, ..Layout::clean("rm /run/flannel/subnet.env; mkfifo /run/flannel/subnet.env /var/lib/kubejoin/reset.json") }.only(json!({"timeout": 20}));
    endless_file_that_is_larger_than_memory => Layout::clean("truncate -s 1T /etc/cni/net.d/10-big.conflist 2>/dev/null || truncate -s 10G /etc/cni/net.d/10-big.conflist").only(json!({"timeout": 20})).verify("test -e /etc/cni/net.d/10-big.conflist");
    endless_preserved_paths_are_refused_at_once => Layout { expect: super::layout::Expect::Failed("option preserve has 20000 paths: at most 4096", ""), ..empty() }.only(paths(20_000));
    endless_preserved_paths_that_are_taken => Layout::clean("true").only(paths(4000));
    endless_automount_at_a_preserved_path => Layout { held: Some(|| automount("/srv/silent")), ..Layout::clean("mkdir /srv/silent") }.needs(AUTOFS).only(json!({"timeout": 20, "preserve": ["/srv/silent", "/srv/media"]}));
    endless_automount_below_a_preserved_path => Layout { held: Some(|| automount("/srv/silent/a")), ..Layout::clean("mkdir -p /srv/silent/a; echo x > /srv/silent/x") }.needs(AUTOFS).only(json!({"timeout": 20, "preserve": ["/srv/silent"]}));
    endless_automount_elsewhere => Layout { held: Some(|| automount("/srv/silent")), ..Layout::clean("mkdir /srv/silent") }.needs(AUTOFS).only(json!({"timeout": 20}));
    endless_path_that_is_too_long => Layout { expect: super::layout::Expect::Failed("option preserve has a path of 1000001 bytes", ""), ..empty() }.only(json!({"preserve": [format!("/{}", "x".repeat(1_000_000))]}));
    endless_options_of_a_hundred_megabytes => Layout { expect: super::layout::Expect::Failed("the options in - are larger than 4 MiB, which no module needs", ""), ..empty() }.only(json!({"preserve": [format!("/{}", "x".repeat(100_000_000))]}));
    endless_options_of_six_million_paths => Layout { expect: super::layout::Expect::Failed("the options in - are larger than 4 MiB", ""), ..empty() }.only(paths(6_000_000));
    endless_many_mounts_elsewhere => Layout { held: Some(|| mounts(3000)), ..Layout::clean("true") }.only(json!({"timeout": 60})).verify("umount -l /home/user/m").moved(&["/home/user/m"]);
    endless_many_mounts_and_namespaces_that_have_them_too => Layout { held: Some(|| mounts_in_namespaces(3000, 5)), ..Layout::clean("true") }.only(json!({"timeout": 60})).moved(&["/home/user/m"]);
    #[ignore = "takes a minute; `make faults` has it"]
    endless_fifty_five_thousand_mounts => Layout { held: Some(|| mounts_in_namespaces(55_000, 1)), ..Layout::clean("true") }.only(json!({"timeout": 120})).moved(&["/home/user/m"]);
    #[ignore = "takes a minute; `make faults` has it"]
    endless_fifty_five_thousand_mounts_and_no_time => Layout { held: Some(|| mounts(55_000)), expect: super::layout::Expect::Either, ..Layout::clean("true") }.only(json!({"timeout": 1})).moved(&["/home/user/m"]);
}

/// An automount whose daemon never answers: whoever sets it off waits for ever.
fn automount(point: &str) -> Box<dyn std::any::Any> {
    // The daemon's own process group is let through, so it must not be ours.
    let daemon = std::process::Command::new("setsid").args(["sleep", "600"]).spawn().unwrap();
    let (read, write) = nix::unistd::pipe().unwrap();
    let group = daemon.id();
    std::thread::sleep(std::time::Duration::from_millis(100));
    let options = format!("fd={},pgrp={group},minproto=5,maxproto=5,direct", write.as_raw_fd());
    mount(Some("automount"), point, Some("autofs"), MsFlags::empty(), Some(options.as_str())).unwrap();
    Box::new((read, write, daemon))
}

/// Nothing in any target, where the options are refused before anything is looked at.
fn empty() -> Layout {
    Layout::clean(
        "rm -rf /var/lib/kubelet/* /var/lib/containerd/* /run/containerd/* /var/lib/cni/* /run/flannel/* /root/.kube/*",
    )
}

/// So many that a process for each takes too long to make them.
fn mounts(number: usize) -> Box<dyn std::any::Any> {
    let base = std::path::Path::new("/home/user/m");
    std::fs::create_dir(base).unwrap();
    mount(Some("many"), base, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    for i in 0..number {
        let point = base.join(i.to_string());
        std::fs::create_dir(&point).unwrap();
        mount(Some("/mnt/media"), &point, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    }
    Box::new(())
}

fn mounts_in_namespaces(number: usize, namespaces: usize) -> Box<dyn std::any::Any> {
    let made = mounts(number);
    for _ in 0..namespaces {
        let mut other = std::process::Command::new("unshare");
        other.args(["--mount", "--propagation", "slave", "sleep", "600"]).spawn().unwrap();
    }
    made
}

fn paths(number: usize) -> Value {
    json!({"timeout": 60, "preserve": (0..number).map(|i| format!("/home/user/{i}")).collect::<Vec<_>>()})
}
