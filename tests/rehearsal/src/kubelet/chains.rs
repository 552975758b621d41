//! The kubelet's firewall chains, as a real node has them (KUBE-FIREWALL, KUBE-MARK-*, KUBE-POSTROUTING, the canaries).

use crate::{klog, run, version};

fn restore(program: &str, table: &str, local: &str) -> bool {
    let rules = match table {
        "mangle" => ":KUBE-KUBELET-CANARY - [0:0]\n".to_owned(),
        "nat" if version::at_least(28) => ":KUBE-KUBELET-CANARY - [0:0]\n".to_owned(),
        "nat" => ":KUBE-KUBELET-CANARY - [0:0]\n:KUBE-MARK-DROP - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-POSTROUTING - [0:0]\n\
            -A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000\n-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n\
            -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0\n\
            -A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully\n"
            .to_owned(),
        _ => {
            let marked = if version::at_least(28) { "" } else { "-A KUBE-FIREWALL -m comment --comment \"kubernetes firewall for dropping marked packets\" -m mark --mark 0x8000/0x8000 -j DROP\n" };
            format!(":KUBE-KUBELET-CANARY - [0:0]\n:KUBE-FIREWALL - [0:0]\n{marked}\
                -A KUBE-FIREWALL ! -s {local} -d {local} -m comment --comment \"block incoming localnet connections\" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n")
        }
    };
    let text = format!("*{table}\n{rules}COMMIT\n");
    run::run(&format!("{program}-restore"), &["--noflush", "-w", "5"], Some(text.as_bytes()))
        .is_ok_and(|ran| ran.code == 0)
}

/// Adds a jump at the head or end of a chain unless it is there.
fn jump(program: &str, table: &str, chain: &str, rule: &[&str]) -> bool {
    let with = |action: &str| run::ok(program, &[&["-w", "5", "-t", table, action, chain][..], rule].concat());
    with("-C") || with("-I")
}

/// Sets the chains up for IPv4 and IPv6; a machine without iptables is told about, not failed.
pub fn install() {
    for (program, protocol, local) in [("iptables", "IPv4", "127.0.0.0/8"), ("ip6tables", "IPv6", "::1/128")] {
        let tables = ["mangle", "nat", "filter"].iter().all(|table| restore(program, table, local));
        let jumps = jump(program, "filter", "INPUT", &["-j", "KUBE-FIREWALL"])
            && jump(program, "filter", "OUTPUT", &["-j", "KUBE-FIREWALL"])
            && (version::at_least(28)
                || jump(
                    program,
                    "nat",
                    "POSTROUTING",
                    &["-m", "comment", "--comment", "kubernetes postrouting rules", "-j", "KUBE-POSTROUTING"],
                ));
        if tables && jumps {
            klog::info(
                "kubelet_network_linux.go:56",
                &format!("\"Initialized protocol iptables rules.\" protocol={protocol}"),
            );
        } else {
            klog::info(
                "kubelet_network_linux.go:65",
                &format!("\"Could not set up iptables canary\" protocol={protocol}"),
            );
        }
    }
}
