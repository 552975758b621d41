//! Stand-ins for kubeadm, kubelet, kubectl and the programs of a control plane, chosen by the name they are called by.
//!
//! Test equipment, not a product: it imports no module, no module imports it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "the stand-ins print, run programs and delete files as the real programs do; the architecture lints guard the modules"
)]

mod apiserver;
mod banner;
mod clock;
mod container;
mod cri;
mod crictl;
mod dns;
mod faults;
mod flannel;
mod hostside;
mod image;
mod kinds;
mod klog;
mod kubeadm;
mod kubeconfig;
mod kubectl;
mod kubelet;
mod merge;
mod net;
mod pki;
mod place;
mod proxy;
mod run;
mod version;
mod yaml;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().collect();
    let mut name = args.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
    args.drain(..1.min(args.len()));
    if name == "rehearsal" && !args.is_empty() {
        name = args.remove(0);
    }
    match name.as_str() {
        "kubeadm" => kubeadm::main(&args),
        "kubectl" => kubectl::main(&args),
        "kubelet" => kubelet::main(&args),
        "pause" => container::pause(&args),
        "cp" => container::cp(&args),
        "install-conf" => container::install_conf(&args),
        "flanneld" => flannel::daemon::main(&args),
        "flannel" => flannel::cni::main(),
        "kube-proxy" => proxy::main(),
        "coredns" => dns::main(),
        "crictl" => crictl::main(&args),
        "in-host" => hostside::enter(&args),
        "etcd" | "kube-scheduler" | "kube-controller-manager" => container::pause(&[]),
        "image-tar" => image::main(&args),
        "kube-apiserver" => apiserver::main(&args),
        "faults" => {
            for fault in faults::TABLE {
                println!("{:<24} {:<14} {}", fault.name, fault.on, fault.bites);
            }
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: rehearsal kubeadm|kubelet|kubectl|kube-apiserver|image-tar|faults ...");
            ExitCode::from(2)
        }
    }
}
