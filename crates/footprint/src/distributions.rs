//! Other distributions of Kubernetes on the same machine: how one that is at work is recognised. They bring their own
//! containerd, kubelet and kube-proxy in one process, and use the same /var/lib/kubelet, cni0, flannel.1 and chains.

/// A distribution and its traces.
#[derive(Debug, PartialEq, Eq)]
pub struct Distribution {
    /// What people call it.
    pub name: &'static str,
    /// Its units.
    pub units: &'static [&'static str],
    /// File names of its executables.
    pub programs: &'static [&'static str],
    /// Its containerd's socket.
    pub socket: &'static str,
    /// Where its data lies.
    pub data: &'static [&'static str],
}

/// The table.
pub static TABLE: &[Distribution] = &[
    Distribution {
        name: "k3s",
        units: &["k3s.service", "k3s-agent.service"],
        programs: &["k3s", "k3s-server", "k3s-agent"],
        socket: "/run/k3s/containerd/containerd.sock",
        data: &["/var/lib/rancher/k3s"],
    },
    Distribution {
        name: "rke2",
        units: &["rke2-server.service", "rke2-agent.service"],
        programs: &["rke2"],
        socket: "/run/k3s/containerd/containerd.sock",
        data: &["/var/lib/rancher/rke2"],
    },
    Distribution {
        name: "k0s",
        units: &["k0scontroller.service", "k0sworker.service"],
        programs: &["k0s"],
        socket: "/run/k0s/containerd.sock",
        data: &["/var/lib/k0s"],
    },
    Distribution {
        name: "microk8s",
        units: &[
            "snap.microk8s.daemon-kubelite.service",
            "snap.microk8s.daemon-containerd.service",
            "snap.microk8s.daemon-k8s-dqlite.service",
            "snap.microk8s.daemon-kubelet.service",
        ],
        programs: &["kubelite"],
        socket: "/var/snap/microk8s/common/run/containerd.sock",
        data: &["/var/snap/microk8s"],
    },
];

/// A process, as far as it says whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process<'a> {
    /// Its number.
    pub pid: i32,
    /// The path of its executable.
    pub exe: &'a str,
    /// The systemd unit it belongs to.
    pub unit: Option<&'a str>,
    /// The containerd that it says it belongs to, if it is a shim (`-address`).
    pub socket: Option<&'a str>,
}

/// A distribution that is at work here, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// Which.
    pub distribution: &'static str,
    /// What shows it, each as `unit k3s.service is active` or `process 812 runs /usr/local/bin/k3s`.
    pub signs: Vec<String>,
}

/// The distributions at work. `units` are active ones, `processes` those of this machine, not of a container on it.
/// Data that nobody works on is not a sign: what was uninstalled leaves its directory behind.
pub fn active(units: &[String], processes: &[Process]) -> Vec<Active> {
    let at_work = |row: &'static Distribution| {
        let unit = |name: &&str| units.iter().any(|unit| unit == name);
        let mut signs: Vec<String> =
            row.units.iter().copied().filter(unit).map(|unit| format!("unit {unit} is active")).collect();
        let own = processes.iter().filter(|process| is_of(row, process));
        signs.extend(own.take(3).map(|process| format!("process {} runs {}", process.pid, process.exe)));
        (!signs.is_empty()).then_some(Active { distribution: row.name, signs })
    };
    TABLE.iter().filter_map(at_work).collect()
}

/// By unit, by the executable's own name, or because the executable lies in the distribution's data (its containerd and
/// shims do: /var/lib/rancher/k3s/data/HASH/bin/containerd-shim-runc-v2).
fn is_of(row: &Distribution, process: &Process) -> bool {
    let program = process.exe.rsplit('/').next().unwrap_or_default();
    let inside = |data: &&str| process.exe.strip_prefix(*data).is_some_and(|rest| rest.starts_with('/'));
    // A snap's programs are mounted at /snap/NAME/REVISION.
    let snap = format!("/snap/{}/", row.name);
    process.unit.is_some_and(|unit| row.units.contains(&unit))
        || row.programs.contains(&program)
        || process.socket == Some(row.socket)
        || row.data.iter().any(inside)
        || process.exe.starts_with(&snap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(exe: &str) -> Vec<Process<'_>> {
        vec![Process { pid: 7, exe, unit: None, socket: None }]
    }

    fn names(units: &[&str], processes: &[Process]) -> Vec<&'static str> {
        let units: Vec<String> = units.iter().map(|unit| (*unit).to_owned()).collect();
        active(&units, processes).into_iter().map(|active| active.distribution).collect()
    }

    #[test]
    fn what_is_at_work_is_told_by_units_programs_and_where_they_lie() {
        assert_eq!(names(&["k3s-agent.service"], &[]), ["k3s"]);
        assert_eq!(names(&[], &process("/usr/local/bin/k3s")), ["k3s"]);
        assert_eq!(names(&[], &process("/var/lib/rancher/k3s/data/1f/bin/containerd-shim-runc-v2")), ["k3s"]);
        assert_eq!(names(&[], &process("/var/lib/rancher/rke2/bin/kubelet")), ["rke2"]);
        assert_eq!(names(&[], &process("/var/lib/k0s/bin/kubelet")), ["k0s"]);
        assert_eq!(names(&[], &process("/snap/microk8s/6089/kubelite")), ["microk8s"]);
    }

    #[test]
    fn an_editor_a_kubelet_of_kubeadm_and_data_left_behind_are_not_another_distribution() {
        assert!(names(&["kubelet.service", "k3s-killall.service"], &process("/usr/bin/kubelet")).is_empty());
        assert!(names(&[], &process("/usr/bin/vim")).is_empty());
        assert!(names(&[], &process("/usr/bin/my-k3s")).is_empty());
        assert!(names(&[], &process("/var/lib/rancher/k3s-backup/tool")).is_empty());
    }
}
