//! The kubelet's pulse: registration, then node status and lease, independent of what pods do.

use super::flags::Settings;
use super::node;
use crate::cri::Cri;
use crate::{clock, faults, klog, kubeconfig};
use std::time::{Duration, Instant};

/// Registration, then node status and lease, on connections of their own so that slow pods do not hold them up.
pub fn run(settings: &Settings) {
    let api = loop {
        match kubeconfig::load(&settings.kubeconfig) {
            Ok(api) => break api,
            Err(_) => clock::pause(Duration::from_millis(500)),
        }
    };
    while faults::switched("crisocket-timeout") {
        klog::error(
            "kubelet.go:2412",
            &format!("\"Error getting node\" err=\"node \\\"{0}\\\" not found\" node=\"{0}\"", settings.node),
        );
        clock::pause(Duration::from_secs(2));
    }
    node::register(settings, &api, &Cri::connect(&settings.socket));
    let mut cidr = String::new();
    let (mut told, mut renewed, mut ready) = (None::<Instant>, None::<Instant>, None::<bool>);
    let mut warned = None::<Instant>;
    loop {
        let cri = Cri::connect(&settings.socket);
        let trouble = node::trouble(&cri);
        if let Some(text) = trouble.as_deref().filter(|_| warned.is_none_or(|at| at.elapsed() > Duration::from_secs(5)))
        {
            let network = text.strip_prefix("container runtime network not ready: ");
            match network {
                Some(network) => klog::error(
                    "kubelet.go:2337",
                    &format!("\"Container runtime network not ready\" networkReady={network:?}"),
                ),
                None => klog::error("kubelet.go:1991", &format!("\"Skipping pod synchronization\" err={text:?}")),
            }
            warned = Some(Instant::now());
        }
        if ready != Some(trouble.is_none())
            || told.is_none_or(|at| at.elapsed() > settings.status_every())
            || cidr.is_empty()
        {
            match node::report(settings, &api, &cri) {
                Ok(new) => {
                    if new != cidr {
                        klog::info(
                            "kubelet_network.go:76",
                            &format!("\"Updating Pod CIDR\" originalPodCIDR={cidr:?} newPodCIDR={new:?}"),
                        );
                        if let Ok(cri) = &cri {
                            // A runtime that makes no CNI conf of its own ignores it.
                            let _ = cri.update_pod_cidr(&new);
                        }
                        cidr = new;
                    }
                    ready = Some(trouble.is_none());
                }
                Err(error) => klog::error(
                    "kubelet_node_status.go:460",
                    &format!("\"Error updating node status, will retry\" err={:?}", error.to_string()),
                ),
            }
            told = Some(Instant::now());
        }
        if renewed.is_none_or(|at| at.elapsed() > Duration::from_secs(10)) && !faults::switched("lease-stops") {
            if let Err(error) = node::renew(settings, &api) {
                klog::error(
                    "controller.go:144",
                    &format!("failed to ensure lease exists, will retry in 7s, error: {error}"),
                );
            }
            renewed = Some(Instant::now());
        }
        clock::pause(Duration::from_secs(1));
    }
}
