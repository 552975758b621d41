//! Which processes are owned, on the real node's process list and beside other people's.

use super::*;

const SOCKETS: [&str; 1] = ["/run/containerd/containerd.sock"];

fn process(pid: i32, parent: i32, exe: &str, argv: &str, cgroup: &str) -> Process {
    Process {
        pid,
        parent,
        started: 100,
        state: 'S',
        exe: Some(exe.into()),
        argv: argv.split(' ').map(str::to_owned).collect(),
        cgroups: BTreeSet::from([cgroup.to_owned()]),
        unit: super::super::unit_of(cgroup),
        same_namespace: true,
    }
}

fn pids(processes: &[Process]) -> Vec<i32> {
    owned(processes, &SOCKETS).iter().map(|owned| owned.pid).collect()
}

/// Columns PID, PPID, name, command line: what `ps` printed on a real worker.
fn real_node() -> Vec<Process> {
    let text = include_str!("../../tests/data/ps.txt");
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let argv: Vec<&str> = words.skip(1).collect();
        Some(process(pid, parent, argv.first()?, &argv.join(" "), "/"))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn on_a_real_node_kubelet_shims_and_their_children_are_owned() {
    let found = owned(&real_node(), &SOCKETS);
    let of = |kind| found.iter().filter(|o| o.kind == kind).map(|o| o.pid).collect::<Vec<_>>();
    assert_eq!(of(Kind::Kubelet), [1779]);
    assert_eq!(of(Kind::Shim), [1839, 2388, 2417]);
    assert_eq!(of(Kind::Pod), [1863, 2441, 2448, 2494, 2520]);
    assert_eq!(of(Kind::KubeProxy), [1891], "a pod's kube-proxy that shares our pid namespace");
    assert!(found.iter().all(|o| !["containerd", "systemd", "sshd:"].contains(&o.program.as_str())));
}

#[test]
fn a_word_in_a_command_line_is_no_kubelet() {
    let shim = "/usr/bin/containerd-shim-runc-v2";
    assert_eq!(
        pids(&[
            process(
                10,
                1,
                "/usr/bin/vim",
                "vim /var/log/kubelet.log kubelet etcd flannel",
                "/user.slice/session-1.scope"
            ),
            process(11, 1, "/usr/local/bin/my-kubelet", "kubelet", "/system.slice/mine.service"),
            process(12, 1, "/usr/bin/python3", "python3 -namespace k8s.io", "/system.slice/mine.service"),
            process(
                13,
                1,
                shim,
                "shim -namespace moby -id 1 -address /run/containerd/containerd.sock",
                "/system.slice/docker.service"
            ),
            process(14, 13, "/bin/nginx", "nginx", "/system.slice/docker-11.scope"),
            process(
                15,
                1,
                shim,
                "shim -namespace k8s.io -address /run/k3s/containerd/containerd.sock",
                "/system.slice/k3s.service"
            ),
            process(16, 1, "/usr/bin/conmon", "conmon", "/machine.slice/libpod-conmon-1.scope"),
            process(17, 16, "/bin/pause", "pause", "/kubepods.slice/kubepods-pod1.slice/crio-22.scope"),
            process(18, 1, "/usr/bin/kubelet", "kubelet", "/docker/0123/system.slice/kubelet.service"),
        ]),
        Vec::<i32>::new()
    );
}

#[test]
fn a_node_in_a_container_of_this_host_is_not_this_node() {
    let scope = "/machine.slice/libpod-77.scope";
    let mut inner = [
        process(20, 19, "/usr/bin/kubelet", "kubelet", &format!("{scope}/system.slice/kubelet.service")),
        process(
            21,
            19,
            "/usr/bin/containerd-shim-runc-v2",
            "shim -namespace k8s.io -address /run/containerd/containerd.sock",
            &format!("{scope}/system.slice/containerd.service"),
        ),
        process(
            22,
            21,
            "/pause",
            "pause",
            &format!("{scope}/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope"),
        ),
    ];
    inner.iter_mut().for_each(|process| process.same_namespace = false);
    assert_eq!(pids(&inner), Vec::<i32>::new());
}

#[test]
fn units_and_pod_cgroups_of_both_drivers_are_owned() {
    let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-1.scope";
    let mut orphan = process(33, 1, "/bin/app", "app", pod);
    orphan.same_namespace = false;
    let list = [
        process(30, 1, "/usr/bin/rehearsal", "kubelet --config x", "/system.slice/kubelet.service"),
        process(
            31,
            1,
            "/usr/bin/kubelet (deleted)".trim_end_matches(" (deleted)"),
            "kubelet",
            "/user.slice/session-2.scope",
        ),
        process(32, 1, "/bin/app", "app", "/kubepods/besteffort/pod1/0123"),
        orphan,
        process(
            34,
            1,
            "/bin/app",
            "app",
            "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/cri-containerd-1.scope",
        ),
        process(35, 1, "/bin/mine", "mine", "/kubepods.slice"),
    ];
    assert_eq!(pids(&list), [30, 31, 32, 33, 34]);
}

#[test]
fn descendants_are_found_whatever_their_numbers() {
    let list = [
        process(5, 90, "/bin/late", "late", "/"),
        process(6, 5, "/bin/later", "later", "/"),
        process(90, 1, "/usr/bin/containerd-shim-runc-v2", "shim -namespace k8s.io -id 1", "/"),
    ];
    assert_eq!(pids(&list), [5, 6, 90]);
}
