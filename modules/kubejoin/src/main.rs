//! All modules in one program. Ansible would send each of them on its own, on every task; this one is sent once per host.

fn main() -> std::process::ExitCode {
    ansible::main(&[
        &cni_placeholder::MODULE,
        &containerd_prepare::MODULE,
        &flannel_config::MODULE,
        &kubeadm_join_guarded::MODULE,
        &kubelet_mask::MODULE,
    ])
}
