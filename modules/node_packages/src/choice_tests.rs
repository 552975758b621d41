//! What is taken of what the sources have, on a bare Debian.

use super::*;
use crate::address::Key;
use crate::apt::policy::Policy;
use crate::need;
use crate::packages::Packages;
use node::os::Os;

const FOLDER: &str = "http://h/core:/stable:/v1.36/deb/";

fn machine() -> Machine {
    Machine {
        os: Os::read("ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME=\"Debian 13\""),
        packages: Packages::default(),
        strays: vec![],
        lacking: KUBERNETES.to_vec(),
        stray_version: None,
        containerd: None,
        plugins_lacking: vec!["bridge"],
        crictl: false,
        tools_lacking: vec![],
        modprobe: true,
        certificates: true,
        joined: false,
        sources: vec![],
        policy: Policy::None,
        dnf: false,
        selinux: false,
    }
}

fn args(version: &str) -> Args {
    Args {
        kubernetes_version: Some(version.into()),
        containerd: Containerd::Distribution,
        kubernetes_repository: "http://h".into(),
        kubernetes_key: None,
        containerd_repository: None,
        containerd_key: None,
        packages: vec![],
        hold: true,
        state: crate::args::State::Present,
        allow_downgrade: false,
        cluster_version: None,
        required: false,
        timeout: 900,
    }
}

/// Of `NAME VERSION SOURCE` lines.
fn sources(text: &str) -> BTreeMap<String, Vec<Offered>> {
    let mut all: BTreeMap<String, Vec<Offered>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let offered = Offered { version: words[1].into(), source: words[2].into() };
        all.entry(words[0].into()).or_default().push(offered);
    }
    all
}

fn kubernetes(versions: &[&str]) -> String {
    let each = |version: &&str| KUBERNETES.map(|name| format!("{name} {version} {FOLDER}\n")).concat();
    versions.iter().map(each).collect::<String>()
        + &format!("cri-tools 1.36.0-1.1 {FOLDER}\nkubernetes-cni 1.9.0-1.1 {FOLDER}\n")
}

fn chosen(args: &Args, machine: &Machine, text: &str) -> Result<Choice, String> {
    let release = args.release().unwrap().unwrap();
    let need = need::need(args, machine, release);
    need::refuse(args, machine, release, &need).map_err(|error| format!("{error:#}"))?;
    let repository = Repository {
        name: "kubejoin-kubernetes",
        option: "kubernetes_repository",
        address: FOLDER.into(),
        suite: "/".into(),
        components: String::new(),
        key: Key::Path("/k".into()),
    };
    choose(args, machine, release, &need, &sources(text), &repository).map_err(|error| format!("{error:#}"))
}

#[test]
fn a_bare_machine_gets_the_newest_of_the_release_and_all_that_belongs_to_it() {
    let text = kubernetes(&["1.36.10-1.1", "1.36.2-1.1", "1.36.11~rc.0-1.1"]) + "containerd 1.7.24~ds1-6 http://d\n";
    let choice = chosen(&args("1.36"), &machine(), &text).unwrap();
    assert_eq!(choice.names(), ["kubeadm", "kubelet", "kubectl", "cri-tools", "kubernetes-cni", "containerd"]);
    assert_eq!(choice.packages[0].1.as_deref(), Some("1.36.10-1.1"));
    assert!(choice.advice[0].contains("2.2 or later is recommended"), "{:?}", choice.advice);
    let exact = chosen(&args("1.36.2"), &machine(), &text).unwrap();
    assert!(
        crate::apt::work::install_words(&exact.packages, exact.downgrade).contains(&"kubelet=1.36.2-1.1".to_owned())
    );
}

#[test]
fn the_kubectl_of_another_repository_is_not_taken_for_ours() {
    let text = kubernetes(&["1.36.2-1.1"]) + "kubectl 1.36.9-1 http://elsewhere\ncontainerd 2.2.0 http://d\n";
    assert_eq!(chosen(&args("1.36"), &machine(), &text).unwrap().packages[2].1.as_deref(), Some("1.36.2-1.1"));
}

#[test]
fn a_containerd_that_is_too_old_is_refused_with_the_sources_that_have_a_newer_one() {
    let text = kubernetes(&["1.38.0-1.1"]);
    let old = text.clone() + "containerd 1.7.24~ds1-6 http://d/trixie\ncontainerd.io 2.3.1-1 http://m/stable\n";
    let said = chosen(&args("1.38"), &machine(), &old).unwrap_err();
    assert!(said.contains("containerd is 1.7, too old for Kubernetes 1.38: it needs 2.0 or later"), "{said}");
    assert!(said.contains("there is containerd.io 2.3.1-1 of http://m/stable"), "{said}");
    let none = chosen(&args("1.38"), &machine(), &(text + "containerd 1.7.24~ds1-6 http://d\n")).unwrap_err();
    assert!(none.contains("no source of this machine has a newer one; containerd's makers"), "{none}");
    let there = Machine { containerd: Runtime::parse("1.7.24"), ..machine() };
    assert!(chosen(&args("1.38"), &there, "").unwrap_err().contains("the containerd 1.7 of this machine is too old"));
}

#[test]
fn what_is_there_already_is_not_asked_for() {
    let there = Machine { containerd: Runtime::parse("2.3.0"), plugins_lacking: vec![], crictl: true, ..machine() };
    let choice = chosen(&args("1.36"), &there, &kubernetes(&["1.36.2-1.1"])).unwrap();
    assert_eq!(choice.names(), KUBERNETES);
    let present = Args { containerd: Containerd::Present, ..args("1.36") };
    assert!(chosen(&present, &machine(), "").unwrap_err().starts_with("option containerd is present"));
}

#[test]
fn a_program_that_no_package_brought_is_not_replaced() {
    let there = Machine {
        strays: KUBERNETES.to_vec(),
        lacking: vec![],
        stray_version: Version::parse("v1.35.1").ok(),
        ..machine()
    };
    let said = chosen(&args("1.36"), &there, "").unwrap_err();
    assert!(said.contains("the kubeadm of this machine is v1.35.1, which no package brought"), "{said}");
    let joined = Machine { joined: true, ..there };
    let said = chosen(&args("1.36"), &joined, "").unwrap_err();
    assert!(said.contains("the cluster that is here has this node with v1.35.1: this upgrades no cluster"), "{said}");
}
