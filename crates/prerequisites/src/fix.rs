//! What can be mended on a node without taking anything away that somebody may want.

/// A remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Load modules, set sysctls, now and at every boot.
    Kernel,
    /// Forward IPv6, now and at every boot, and keep the default routes of router advertisements.
    Ipv6,
    /// Raise the inotify limits, now and at every boot.
    Inotify,
    /// Add a drop-in that gives the kubelet its kubeconfig.
    DropIn,
    /// Switch swap off, now and at every boot.
    Swap,
    /// Start the runtime, or restart it when it runs and does not answer.
    Runtime,
}

impl Fix {
    /// In words, for `--diff`.
    pub fn words(self) -> &'static str {
        match self {
            Fix::Kernel => "load kernel modules and set sysctls",
            Fix::Ipv6 => "forward IPv6, and go on heeding router advertisements",
            Fix::Inotify => "raise the inotify limits",
            Fix::DropIn => "give the kubelet's unit its kubeconfig",
            Fix::Swap => "switch swap off for good",
            Fix::Runtime => "restart the container runtime",
        }
    }
}
