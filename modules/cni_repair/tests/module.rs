//! The built binary on real bridges and veths, with a runtime made from the upstream API; judged by `ip`.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use testkit::cri::{FakeCri, Serving, v1};
use testkit::{Sandbox, require};

const SOCKET: &str = "/run/fake.sock";
const FLANNEL: &str =
    r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel","delegate":{"hairpinMode":true}}]}"#;

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn module(mut options: Value, check: bool) -> Value {
    options["socket"] = json!(SOCKET);
    testkit::run_module(env!("CARGO_BIN_EXE_cni_repair"), options, check)
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

/// id, address, whether it runs.
type Pods = Arc<Mutex<Vec<(String, String)>>>;

fn runtime(pods: &Pods) -> Serving {
    let (list, status, stop, remove) = (pods.clone(), pods.clone(), pods.clone(), pods.clone());
    let sandbox = |id: &str| v1::PodSandbox {
        id: id.to_owned(),
        metadata: Some(v1::PodSandboxMetadata {
            name: id.to_owned(),
            namespace: "default".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    FakeCri::containerd("/")
        .on("/runtime.v1.RuntimeService/ListPodSandbox", move |_: v1::ListPodSandboxRequest| {
            let items = list.lock().unwrap().iter().map(|(id, _)| sandbox(id)).collect();
            Ok(v1::ListPodSandboxResponse { items })
        })
        .on("/runtime.v1.RuntimeService/PodSandboxStatus", move |asked: v1::PodSandboxStatusRequest| {
            let pods = status.lock().unwrap();
            let (id, ip) = pods.iter().find(|(id, _)| *id == asked.pod_sandbox_id).ok_or((5, "not found"))?;
            let network = v1::PodSandboxNetworkStatus { ip: ip.clone(), ..Default::default() };
            let host = if ip == "host" { 2 } else { 0 };
            let options = v1::NamespaceOption { network: host, ..Default::default() };
            let namespaces = v1::Namespace { options: Some(options) };
            let linux = v1::LinuxPodSandboxStatus { namespaces: Some(namespaces) };
            let status = v1::PodSandboxStatus {
                id: id.clone(),
                network: Some(network),
                linux: Some(linux),
                ..Default::default()
            };
            Ok(v1::PodSandboxStatusResponse { status: Some(status), ..Default::default() })
        })
        .on("/runtime.v1.RuntimeService/StopPodSandbox", move |asked: v1::StopPodSandboxRequest| {
            assert!(stop.lock().unwrap().iter().any(|(id, _)| *id == asked.pod_sandbox_id));
            Ok(v1::StopPodSandboxResponse {})
        })
        .on("/runtime.v1.RuntimeService/RemovePodSandbox", move |asked: v1::RemovePodSandboxRequest| {
            remove.lock().unwrap().retain(|(id, _)| *id != asked.pod_sandbox_id);
            if asked.pod_sandbox_id.starts_with("kube-flannel") {
                // The kubelet's and flanneld's part.
                sh("ip link set flannel.1 up");
                remove.lock().unwrap().push(("kube-flannel-ds-y".to_owned(), "host".to_owned()));
            }
            Ok(v1::RemovePodSandboxResponse {})
        })
        .serve(SOCKET)
}

/// A joined worker with flannel's subnet 10.244.2.0/24 and pods a and b on cni0, each in a namespace of its own.
fn node() -> (Pods, Serving) {
    sh("mkdir -p /etc/cni/net.d /run/flannel /var/lib/cni/networks/cbr0 /var/lib/cni/results");
    std::fs::write("/etc/cni/net.d/10-flannel.conflist", FLANNEL).unwrap();
    std::fs::write("/run/flannel/subnet.env", "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\n").unwrap();
    sh("ip link add cni0 type bridge && ip addr add 10.244.2.1/24 dev cni0 && ip link set cni0 up");
    for (id, ip) in [("a", "10.244.2.5"), ("b", "10.244.2.6")] {
        sh(&format!(
            "ip netns add {id} && ip link add veth{id} type veth peer name eth0 netns {id}
             ip link set veth{id} master cni0 up && ip link set veth{id} type bridge_slave hairpin on
             ip -n {id} link set lo up && ip -n {id} addr add {ip}/24 dev eth0 && ip -n {id} link set eth0 up
             ip -n {id} route add default via 10.244.2.1
             printf '{id}\\neth0' > /var/lib/cni/networks/cbr0/{ip}
             touch -d '1 hour ago' /var/lib/cni/networks/cbr0/{ip}"
        ));
        let record = json!({"kind": "cniCacheV1", "containerId": id, "networkName": "cbr0", "ifName": "eth0", "config": "",
            "result": {"interfaces": [{"name": "cni0"}, {"name": format!("veth{id}")},
                {"name": "eth0", "sandbox": format!("/run/netns/{id}")}]}});
        std::fs::write(format!("/var/lib/cni/results/cbr0-{id}-eth0"), record.to_string()).unwrap();
    }
    let pods: Pods = Arc::new(Mutex::new(vec![
        ("a".to_owned(), "10.244.2.5".to_owned()),
        ("b".to_owned(), "10.244.2.6".to_owned()),
    ]));
    let serving = runtime(&pods);
    (pods, serving)
}

fn ready() -> bool {
    require("root")
        && require("link:bridge")
        && require("link:veth")
        && require("program:ip")
        && require("program:bash")
}

fn sandbox() -> Sandbox {
    Sandbox::new().empty("/etc").empty("/run").empty("/var/lib")
}

/// Whether pod a reaches pod b and its gateway: a closed port that answers is as good as an echo.
fn pods_talk() -> bool {
    let reaches = |to: &str| {
        let line = format!("ip netns exec a timeout 3 bash -c ': < /dev/tcp/{to}/9'");
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        String::from_utf8_lossy(&output.stderr).contains("Connection refused")
    };
    reaches("10.244.2.6") && reaches("10.244.2.1")
}

/// Breaks the node, sees that pods no longer talk, mends it, sees that they do, and that a second run has nothing to do.
fn mends(break_it: &str, finding: &str) {
    let (_pods, serving) = node();
    assert!(pods_talk());
    sh(break_it);
    assert!(!pods_talk(), "{break_it} breaks nothing");
    let snapshot = || sh("ip -br link; ip -4 addr; find /etc /var/lib /run/flannel -type f | sort");
    let before = snapshot();
    let check = module(json!({}), true);
    assert_eq!((ids(&check), &check["changed"], &check["healthy"]), (vec![finding], &json!(true), &json!(false)));
    assert_eq!(snapshot(), before, "check mode touches nothing");
    let answer = module(json!({}), false);
    assert_eq!((&answer["steps"], &answer["diff"]), (&check["steps"], &check["diff"]), "{answer}");
    // A link that has just been set up is believed by the kernel up to a second later, and a lost SYN is sent again after
    // one second and three: one look may be too early.
    assert!((0..4).any(|_| pods_talk()), "{answer}");
    let again = module(json!({}), false);
    assert_eq!((&again["changed"], &again["healthy"]), (&json!(false), &json!(true)), "{again}");
    assert!(!serving.calls().iter().any(|call| call.contains("Stop")), "pods that are right are not recreated");
}

#[test]
fn a_healthy_node_is_left_alone() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        let _node = node();
        let answer = module(json!({}), false);
        assert_eq!(
            (&answer["changed"], &answer["healthy"], ids(&answer)),
            (&json!(false), &json!(true), vec![]),
            "{answer}"
        );
        assert_eq!((&answer["pod_cidr"], &answer["bridge"]), (&json!("10.244.2.0/24"), &json!("cni0")));
    });
}

#[test]
fn a_bridge_that_is_down_is_set_up() {
    if ready() {
        sandbox().run(|| mends("ip link set cni0 down", "bridge_down"));
    }
}

#[test]
fn a_missing_bridge_is_made_again_under_its_pods() {
    if ready() {
        sandbox().run(|| {
            mends("ip link del cni0", "bridge_missing");
            assert!(sh("ip -d link show vetha").contains("hairpin on"));
        });
    }
}

#[test]
fn a_wrong_address_is_exchanged() {
    if ready() {
        sandbox().run(|| mends("ip addr flush dev cni0 && ip addr add 10.244.0.1/16 dev cni0", "bridge_address_wrong"));
    }
}

#[test]
fn a_missing_address_is_given_back() {
    if ready() {
        sandbox().run(|| mends("ip addr flush dev cni0", "bridge_address_missing"));
    }
}

#[test]
fn a_pod_that_hangs_in_the_air_is_attached() {
    if ready() {
        sandbox().run(|| mends("ip link set vetha nomaster", "pods_unattached"));
    }
}

#[test]
fn a_pods_link_that_is_down_is_set_up() {
    if ready() {
        sandbox().run(|| mends("ip link set vetha down", "veth_down"));
    }
}

#[test]
fn an_address_besides_the_right_one_goes() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        let _node = node();
        sh("ip addr add 10.244.0.1/16 dev cni0");
        let answer = module(json!({}), false);
        assert_eq!(ids(&answer), ["bridge_address_wrong"]);
        assert_eq!(sh("ip -br -4 addr show cni0").split_whitespace().skip(2).collect::<Vec<_>>(), ["10.244.2.1/24"]);
    });
}

#[test]
fn stale_leases_are_copied_and_deleted_and_young_ones_stay() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        let (pods, _serving) = node();
        let dir = "/var/lib/cni/networks/cbr0";
        sh(&format!(
            "printf gone > {dir}/10.244.2.9; touch -d '1 hour ago' {dir}/10.244.2.9; printf new > {dir}/10.244.2.10"
        ));
        // A pod that is being made has its address before the runtime lists it.
        let made = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_secs(3));
            pods.lock().unwrap().push(("new".to_owned(), "10.244.2.10".to_owned()));
        });
        sh(&format!("printf 10.244.2.10 > {dir}/last_reserved_ip.0; : > {dir}/lock"));
        let answer = module(json!({}), false);
        made.join().unwrap();
        assert_eq!(ids(&answer), ["leases_stale"]);
        assert_eq!(sh(&format!("ls {dir}")), "10.244.2.10\n10.244.2.5\n10.244.2.6\nlast_reserved_ip.0\nlock\n");
        let backup = answer["backup"].as_str().unwrap();
        assert_eq!(std::fs::read_to_string(format!("{backup}{dir}/10.244.2.9")).unwrap(), "gone");
        assert!(backup.starts_with("/var/lib/kubejoin/backup/cni-"));
    });
}

#[test]
fn a_downed_vxlan_comes_back_with_flannel() {
    if !ready() || !require("link:vxlan") {
        return;
    }
    sandbox().run(|| {
        let (pods, _first) = node();
        drop(_first);
        sh("rm /run/fake.sock; ip link add flannel.1 type vxlan id 1 dev cni0 dstport 8472; ip link set flannel.1 down");
        pods.lock().unwrap().push(("kube-flannel-ds-x".to_owned(), "host".to_owned()));
        let _runtime = runtime(&pods);
        let answer = module(json!({"timeout": 20}), false);
        assert_eq!((ids(&answer), &answer["failed"]), (vec!["vxlan_missing"], &Value::Null), "{answer}");
        assert_eq!(answer["steps"], json!(["recreate pod default/kube-flannel-ds-x"]));
        assert_eq!(module(json!({}), false)["healthy"], true);
    });
}

/// systemd's part: a kubelet that runs, every command noted with the time of the runtime's calls before it.
const SYSTEMCTL: &str = r#"#!/bin/sh
case "$1" in
show) echo LoadState=loaded; echo UnitFileState=enabled; echo FragmentPath=/usr/lib/systemd/system/kubelet.service
      if [ -e /run/kubelet-stopped ]; then echo ActiveState=inactive; else echo ActiveState=active; fi;;
*) echo "$*" >> /run/systemctl.log
   case "$1" in
   stop) touch /run/kubelet-stopped; ip -br link show cni0 > /run/link-at-stop;;
   start) rm -f /run/kubelet-stopped; ip link add cni0 type bridge; ip addr add 10.244.2.1/24 dev cni0; ip link set cni0 up;;
   mask) mkdir -p /etc/systemd/system; ln -s /dev/null /etc/systemd/system/kubelet.service;;
   unmask) rm -f /etc/systemd/system/kubelet.service;;
   esac;;
esac
"#;

#[test]
fn pods_with_addresses_of_another_network_are_recreated_with_the_kubelet_held_back() {
    if !ready() {
        return;
    }
    sandbox().empty("/usr/local").run(|| {
        let (pods, serving) = node();
        sh("mkdir -p /usr/local/bin");
        std::fs::write("/usr/local/bin/systemctl", SYSTEMCTL).unwrap();
        sh("chmod 755 /usr/local/bin/systemctl; ip addr flush dev cni0; ip addr add 10.244.0.1/16 dev cni0");
        for (pod, ip) in pods.lock().unwrap().iter_mut().zip(["10.244.0.19", "10.244.0.20"]) {
            pod.1 = ip.to_owned();
        }
        let left = module(json!({"recreate_pods": false}), false);
        assert_eq!((left["left"].as_array().unwrap().len(), &left["changed"]), (2, &json!(false)), "{left}");
        let answer = module(json!({}), false);
        assert_eq!(ids(&answer), ["bridge_address_wrong", "pod_addresses_foreign"], "{answer}");
        assert_eq!(answer["failed"], Value::Null, "{answer}");
        let log = std::fs::read_to_string("/run/systemctl.log").unwrap();
        let verbs: Vec<&str> =
            log.lines().filter_map(|line| line.split(' ').next()).filter(|v| *v != "daemon-reload").collect();
        assert_eq!(verbs, ["mask", "stop", "unmask", "start"], "{log}");
        assert!(
            std::fs::read_to_string("/run/link-at-stop").unwrap().contains("cni0"),
            "held back before the bridge goes"
        );
        let calls = serving.calls();
        let order: Vec<&str> =
            calls.iter().filter_map(|c| c.rsplit('/').next()).filter(|c| c.contains("PodSandbox")).collect();
        let order: Vec<&str> = order.into_iter().filter(|c| c.starts_with("Stop") || c.starts_with("Remove")).collect();
        assert_eq!(order, ["StopPodSandbox", "StopPodSandbox", "RemovePodSandbox", "RemovePodSandbox"]);
        assert!(!sh("ip link").contains("vetha"), "the old links are gone");
        assert!(sh("ip -4 addr show cni0").contains("10.244.2.1/24"), "the network plugin's bridge");
        assert_eq!(
            sh("ls /var/lib/cni/networks/cbr0 /var/lib/cni/results"),
            "/var/lib/cni/networks/cbr0:\n\n/var/lib/cni/results:\n"
        );
        let backup = answer["backup"].as_str().unwrap();
        assert!(Path::new(&format!("{backup}/var/lib/cni/results/cbr0-a-eth0")).exists());
        assert_eq!(module(json!({}), false)["changed"], false);
    });
}

#[test]
fn bad_input_names_the_option_the_value_and_what_is_right() {
    sandbox().run(|| {
        for (options, words) in [
            (json!({"pod_cidr": "10.244.2.1/24"}), ["pod_cidr", "10.244.2.1/24", "10.244.1.0/24"]),
            (json!({"pod_cidr": "10.244.2.0/32"}), ["pod_cidr", "10.244.2.0/32", "no pod addresses"]),
            (json!({"backup_dir": "here"}), ["backup_dir", "here", "absolute"]),
            (json!({"kubelet_unit": "../x.service"}), ["kubelet_unit", "../x.service", "kubelet.service"]),
            (json!({"timeout": 0}), ["timeout", "0", "180"]),
        ] {
            let answer = module(options, false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{msg}");
        }
    });
}
