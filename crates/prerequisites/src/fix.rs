//! What can be mended on a node without taking anything away that somebody may want.

/// A remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Load modules, set sysctls, now and at every boot.
    Kernel,
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
            Fix::Inotify => "raise the inotify limits",
            Fix::DropIn => "give the kubelet's unit its kubeconfig",
            Fix::Swap => "switch swap off for good",
            Fix::Runtime => "restart the container runtime",
        }
    }
}
