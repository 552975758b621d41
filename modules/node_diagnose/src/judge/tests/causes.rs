//! What explains what, and whom it is left to.

use super::*;

#[test]
fn what_only_a_person_can_mend_names_no_module() {
    let mended_by = |fault: fn(&mut Facts)| {
        let mut facts = healthy();
        fault(&mut facts);
        let found = judge(&facts);
        let first = primary(&found).unwrap();
        (first.kind.code, first.mended_by())
    };
    assert_eq!(mended_by(|f| f.cni.confs = vec![conf("10-site.conflist", "{")]), (Code::CniConfigInvalid, None));
    assert_eq!(
        mended_by(|f| f.cni.confs = vec![conf("10-flannel.conflist", "{")]),
        (Code::CniConfigInvalid, Some("cni_repair")),
        "flannel's pod writes its file anew"
    );
    assert_eq!(
        mended_by(|f| f.cni.confs.insert(0, conf("00-a.conflist", "{"))),
        (Code::CniConfigInvalid, Some("cni_repair")),
        "a network is behind it"
    );
    let noexec = |f: &mut Facts| {
        let (plugin, path) = ("portmap".into(), "/opt/cni/bin/portmap".into());
        f.cni.broken = vec![(Broken { plugin, path, cause: Cause::NoExec }, false)];
    };
    assert_eq!(mended_by(noexec), (Code::CniPluginBroken, None));
}

#[test]
fn a_network_whose_agent_is_only_starting_is_not_called_left_over_when_nothing_waits_behind_it() {
    let mut facts = healthy();
    let calico = conf("10-calico.conflist", r#"{"name":"k8s-pod-network","plugins":[{"type":"calico"}]}"#);
    facts.cni.dead = vec![(calico.path.clone(), Dead { why: "calico-node does not run".into(), certain: false })];
    facts.cni.confs = vec![calico];
    assert!(!judge(&facts).iter().any(|f| f.kind.code == Code::CniConfigLeftover));
}

#[test]
fn a_full_disk_explains_what_follows_from_it() {
    let mut facts = healthy();
    facts.storage.filesystems[0].space = Ok(Space { available: 0, ..space() });
    silent(&mut facts, missing(), "failed");
    facts.kubelet.process.active = "activating".into();
    facts.kubelet.health = None;
    let found = judge(&facts);
    let codes: Vec<_> = found.iter().map(|f| f.kind.code).collect();
    assert_eq!(codes, [Code::FilesystemFull, Code::ContainerdFailed, Code::KubeletFailing]);
    assert_eq!(primary(&found).unwrap().kind.code, Code::FilesystemFull);
}

#[test]
fn a_node_before_its_join_is_not_joined_and_nothing_else() {
    let mut facts = healthy();
    facts.kubelet.has_conf = false;
    facts.kubelet.has_config = false;
    facts.kubelet.unit.as_mut().unwrap().masked = true;
    facts.kubelet.process = Default::default();
    facts.kubelet.health = None;
    facts.network = Default::default();
    facts.cni.confs = vec![placeholder()];
    let found: Vec<_> = judge(&facts).iter().map(|f| f.kind.code).collect();
    assert_eq!(found, [Code::NotJoined]);
    // After a reset there is no CNI configuration, either: waiting for an add-on would be wrong advice.
    facts.cni.confs.clear();
    let found = judge(&facts);
    assert_eq!(found.iter().map(|f| f.kind.code).collect::<Vec<_>>(), [Code::NotJoined]);
    assert!(found[0].remedy().contains("join"));
}

#[test]
fn the_kubelets_last_words_are_read_with_the_joins_table() {
    let mut facts = healthy();
    facts.kubelet.process.active = "activating".into();
    facts.kubelet.health = None;
    facts.kubelet.journal = host::journal::Journal::said(
        "E1121 00:00:00.0 7 kubelet.go:1 \"...\" err=\"failed to run Kubelet: expected cgroupsPath to be of format \\\"slice:prefix:name\\\" for systemd cgroups, got \\\"/kubepods\\\" instead\"\n",
    );
    let found = judge(&facts);
    let failing = found.iter().find(|f| f.kind.code == Code::KubeletFailing).unwrap();
    assert!(failing.cause().contains("cgroup drivers"), "{}", failing.cause());
}

#[test]
fn a_pod_that_has_started_since_makes_an_earlier_failure_nobodys_business() {
    let mut facts = healthy();
    let said = include_str!("../../../../../crates/kubeadm/tests/data/classify/containerd-1.6.20-sandbox-image.txt");
    facts.runtime.journal = said.into();
    let found = judge(&facts);
    assert!(primary(&found).unwrap().cause().contains("registry.k8s.io/pause:3.6"), "{found:?}");
    facts.runtime.journal = format!("{said}RunPodSandbox for &PodSandboxMetadata{{}} returns sandbox id \"9f\"\n");
    assert!(judge(&facts).is_empty());
}

#[test]
fn an_old_runtime_is_told_and_leaves_the_node_healthy() {
    let mut facts = healthy();
    facts.machine.now = kubeadm::time::parse("2026-11-27T00:00:00Z");
    let Ok(answer) = &mut facts.runtime.answer else { panic!() };
    (answer.version.runtime_name, answer.version.runtime_version) = ("containerd".into(), "1.6.20~ds1".into());
    let found = judge(&facts);
    assert_eq!(found.iter().map(|f| f.kind.code).collect::<Vec<_>>(), [Code::RuntimeTooOldSoon]);
    assert!(found[0].evidence[0].contains("2025-08-23") && found[0].evidence[1].contains("2026-12-16"), "{found:?}");
    assert!(primary(&found).is_none());
    assert_eq!(found[0].to_json()["severity"], "notice");
}

#[test]
fn a_value_that_cri_refuses_is_a_persons_but_for_those_that_are_set_anew() {
    let mended_by = |said: &str| {
        let mut facts = healthy();
        silent(&mut facts, Error::NoCri { socket: "/s".into() }, "active");
        facts.runtime.journal =
            format!("level=warning msg=\"failed to load plugin io.containerd.grpc.v1.cri\" error=\"{said}\"");
        let found = judge(&facts);
        assert_eq!(primary(&found).unwrap().kind.code, Code::CriNotLoaded);
        primary(&found).unwrap().mended_by()
    };
    assert_eq!(
        mended_by("invalid plugin config: `systemd_cgroup` only works for runtime io.containerd.runtime.v1.linux"),
        Some("containerd_prepare")
    );
    assert_eq!(
        mended_by(
            "invalid plugin config: no corresponding runtime configured in `runtimes` for `default_runtime_name = \\\"nope\\\""
        ),
        None
    );
}

#[test]
fn another_socket_in_the_configuration_is_a_persons() {
    let mut facts = healthy();
    silent(&mut facts, missing(), "active");
    facts.runtime.socket = "/run/containerd/containerd.sock".into();
    facts.runtime.config.as_mut().unwrap().socket = Some("/run/other.sock".into());
    let found = judge(&facts);
    let first = primary(&found).unwrap();
    assert_eq!((first.kind.code, first.mended_by()), (Code::ContainerdSocketMissing, None));
    assert!(first.cause().contains("/run/other.sock"), "{}", first.cause());
}
