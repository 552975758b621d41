//! The built binary, run as Ansible runs it, on a machine without Kubernetes, container runtime and systemd: every check
//! still says what it found.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use testkit::Sandbox;

fn module(options: Value, check: bool) -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_join_prerequisites"), options, check)
}

fn bare_machine() -> Sandbox {
    Sandbox::new().empty("/etc").empty("/run").scratch("/var")
}

fn checks(answer: &Value) -> &Vec<Value> {
    answer["checks"].as_array().unwrap()
}

#[test]
fn each_check_says_what_it_found_and_wanted_and_how_to_mend() {
    bare_machine().run(|| {
        let answer = module(json!({"fail_on": "never"}), false);
        assert_eq!((&answer["changed"], &answer["ready"]), (&json!(false), &json!(false)), "{answer}");
        assert!(checks(&answer).len() >= 15, "{answer}");
        for check in checks(&answer) {
            let text = |key: &str| check[key].as_str().unwrap_or_default();
            assert!(["ok", "warn", "fail"].contains(&text("status")), "{check}");
            assert!(!text("name").is_empty() && !text("found").is_empty() && !text("wanted").is_empty(), "{check}");
            assert!(text("status") == "ok" || !text("mend").is_empty(), "no way out: {check}");
        }
        let failing: Vec<&Value> =
            checks(&answer).iter().filter(|c| c["status"] == "fail").map(|c| &c["name"]).collect();
        assert_eq!(json!(failing), answer["failed_checks"]);
        let runtime = failing.iter().any(|name| name.as_str().unwrap().contains("runtime"));
        assert!(runtime, "nothing says that no container runtime answers: {failing:?}");
    });
}

#[test]
fn a_failing_check_fails_the_task_with_its_own_words() {
    bare_machine().run(|| {
        let answer = module(json!({}), false);
        let msg = answer["msg"].as_str().unwrap();
        let first = checks(&answer).iter().find(|check| check["status"] == "fail").unwrap();
        assert!(answer["failed"] == true && msg.starts_with(first["name"].as_str().unwrap()), "{msg}");
        assert!(msg.contains(first["mend"].as_str().unwrap()), "{msg}");
    });
}

#[test]
fn check_mode_mends_nothing() {
    bare_machine().run(|| {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();
        let answer = module(json!({"fix": true, "fail_on": "never"}), true);
        assert_eq!((&answer["changed"], &answer["steps"]), (&json!(true), &json!([])), "{answer}");
        assert_eq!(std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(), "0\n");
        assert!(!std::path::Path::new("/etc/sysctl.d").exists());
        assert!(answer["diff"][0]["after"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    });
}

#[test]
fn bad_input_names_the_option_and_what_is_right() {
    bare_machine().run(|| {
        for (options, words) in [
            (json!({"control_plane_endpoint": "a b"}), ["control_plane_endpoint", "a b"]),
            (json!({"ca_cert_hashes": ["sha256:1"]}), ["ca_cert_hashes", "64"]),
            (json!({"cri_socket": "containerd"}), ["cri_socket", "containerd"]),
            (json!({"control_plane_version": "new"}), ["control_plane_version", "1.31.2"]),
            (json!({"token_id": "abcdef.0123456789abcdef"}), ["token_id", "six"]),
        ] {
            let answer = module(options.clone(), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{options}: {msg}");
            assert!(!answer.to_string().contains("0123456789abcdef"), "a secret is shown: {answer}");
        }
    });
}

#[test]
fn the_kernel_is_set_up_for_good_and_a_second_run_changes_nothing() {
    bare_machine().run(|| {
        std::fs::create_dir_all("/etc/sysctl.d").unwrap();
        // How a file of the distribution is switched off, and no reason not to look further.
        std::os::unix::fs::symlink("/dev/null", "/etc/sysctl.d/10-none.conf").unwrap();
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        let kernel = |check: bool| module(json!({"scope": "kernel", "fix": true, "fail_on": "never"}), check);
        assert_eq!(kernel(true)["changed"], true);
        let first = kernel(false);
        let settings = std::fs::read_to_string("/etc/sysctl.d/90-kubejoin.conf").unwrap();
        assert!(first["changed"] == true && settings.contains("net.ipv4.ip_forward = 1\n"), "{first}");
        let modules = std::fs::read_to_string("/etc/modules-load.d/kubejoin.conf").unwrap();
        assert_eq!(modules, "overlay\nbr_netfilter\n");
        let second = kernel(false);
        assert!(second["changed"] == false, "{second}");
        assert!(checks(&second).iter().all(|check| check["name"] != "kubeadm"), "{second}");
        // Somebody's later file takes it back.
        std::fs::write("/etc/sysctl.d/99-mine.conf", "net/ipv4/ip_forward=0\n").unwrap();
        let other = kernel(true);
        assert_eq!(other["failed_checks"], json!(["kernel_at_boot"]), "{other}");
    });
}

#[test]
fn swap_stays_unless_it_is_to_be_off() {
    bare_machine().run(|| {
        let fstab = "/dev/sda1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n";
        std::fs::write("/etc/fstab", fstab).unwrap();
        module(json!({"scope": "kernel", "fix": true, "fail_on": "never"}), false);
        assert_eq!(std::fs::read_to_string("/etc/fstab").unwrap(), fstab);
        let check = module(json!({"scope": "kernel", "swap": "off", "fix": true, "fail_on": "never"}), true);
        let swap = checks(&check).iter().find(|check| check["name"] == "swap").unwrap();
        assert!(swap["status"] == "fail", "{swap}");
        assert_eq!(std::fs::read_to_string("/etc/fstab").unwrap(), fstab);
    });
}

/// A veth pair whose other end, in a namespace of its own, says that it is a router. Returns when the route is there.
const ADVERTISE: &str = r#"
import os, socket, struct, subprocess, sys, time
sh = lambda line: subprocess.run(line, shell=True, check=True)
router = subprocess.Popen(['unshare', '--net', 'sh', '-c', 'echo ready; sleep 60'], stdout=subprocess.PIPE)
router.stdout.readline()
sh('ip link add r0.7 type veth peer name far && ip link set far netns %d && ip link set r0.7 up' % router.pid)
inside = """
import socket, struct, subprocess, time
subprocess.run('ip link set far up', shell=True, check=True)
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
for _ in range(200):
    try: raw.sendto(struct.pack('!BBHBBHII', 134, 0, 0, 64, 0, 1800, 0, 0), ('ff02::1', 0, 0, socket.if_nametoindex('far')))
    except OSError: pass
    time.sleep(0.1)
"""
subprocess.Popen(['nsenter', '--net=/proc/%d/ns/net' % router.pid, sys.executable, '-c', inside])
while not subprocess.run('ip -6 route show default', shell=True, capture_output=True, text=True).stdout.count('proto ra'):
    time.sleep(0.1)
"#;

fn sh(script: &str) -> String {
    let output = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn ipv6_is_forwarded_for_pods_that_have_it_and_an_advertised_route_stays() {
    bare_machine().run(|| {
        let advertised = std::process::Command::new("python3").args(["-c", ADVERTISE]).status().unwrap();
        assert!(advertised.success(), "no router could be made");
        let mut options = json!({"scope": "kernel", "fix": true, "fail_on": "never"});
        let without = module(options.clone(), false);
        assert!(!without.to_string().contains("ipv6"), "nobody has asked for it: {without}");
        assert_eq!(sh("cat /proc/sys/net/ipv6/conf/all/forwarding"), "0\n");
        options["pod_cidrs"] = json!(["10.244.0.0/16", "fd00:10:244::/56"]);
        let looked = module(options.clone(), true);
        let check = checks(&looked).iter().find(|check| check["name"] == "ipv6_forward").unwrap();
        assert_eq!(
            (&check["status"], &check["found"]),
            (&json!("fail"), &json!("0, and r0.7 would lose its default route"))
        );
        let done = module(options.clone(), false);
        assert!(done["steps"].to_string().contains("90-kubejoin-ipv6.conf"), "{done}");
        assert_eq!(sh("cat /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/r0.7/accept_ra"), "1\n2\n");
        assert!(sh("ip -6 route show default").contains("dev r0.7"), "the machine has lost its route");
        assert_eq!(
            sh("cat /etc/sysctl.d/90-kubejoin-ipv6.conf"),
            "-net/ipv6/conf/r0.7/accept_ra = 2\nnet.ipv6.conf.all.forwarding = 1\n"
        );
        let again = module(options, false);
        assert_eq!((&again["changed"], &again["steps"]), (&json!(false), &json!([])), "{again}");
    });
}

#[test]
fn what_is_not_a_network_of_pods_is_refused() {
    bare_machine().run(|| {
        let answer = module(json!({"pod_cidrs": ["fd00::1/300"]}), false);
        let msg = answer["msg"].as_str().unwrap();
        assert!(msg.starts_with("option pod_cidrs has \"fd00::1/300\": it must be a network such as"), "{msg}");
    });
}
