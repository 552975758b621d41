//! The options of `containerd_prepare`; what makes them wrong is in `node::containerd::args`.

use ansible::{Kind, Opt, Spec};

pub use node::containerd::args::{Args, BinDir};

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "containerd_prepare",
    summary: "containerd is configured for Kubernetes, running, and answering over CRI",
    options: &[
        Opt::new(
            "config_path",
            Kind::Path,
            "containerd's configuration file. Left out, the one that C(containerd.service) starts with, or C(/etc/containerd/config.toml) when it names none; another than that is refused. Files it imports are edited too when the value in force lives there.",
        ),
        Opt::new(
            "systemd_cgroup",
            Kind::Bool,
            "Whether runc leaves cgroups to systemd. Must agree with kubelet's C(cgroupDriver).",
        )
        .default("true"),
        Opt::new("sandbox_image", Kind::Str, "The pause image. Left as it is when not given."),
        Opt::new(
            "cni_bin_dir",
            Kind::Str,
            "The directory of CNI plugins. V(auto) finds the one that has them all, preferring C(/opt/cni/bin). Left as it is when not given.",
        ),
        Opt::new("cni_conf_dir", Kind::Path, "The directory of CNI configuration files.").default("\"/etc/cni/net.d\""),
        Opt::new(
            "restrict_oom_score_adj",
            Kind::Bool,
            "Keeps containerd from lowering a pod's OOM score below its own, which it may not do inside a container. Left as it is when not given.",
        ),
        Opt::new(
            "crictl_config",
            Kind::Path,
            "crictl's configuration, which tells it and kubeadm where the socket is. An empty value leaves it alone.",
        )
        .default("\"/etc/crictl.yaml\""),
        Opt::new("socket", Kind::Str, "containerd's socket, as a path or with unix://.")
            .default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new(
            "require_cni_config",
            Kind::Bool,
            "Refuse to start or restart containerd when there is no valid CNI configuration: CNI comes first.",
        )
        .default("true"),
        Opt::new(
            "start",
            Kind::Bool,
            "Whether to start containerd, or restart it when something changed. V(false) only writes files.",
        )
        .default("true"),
        Opt::new("timeout", Kind::Int, "Seconds for everything together.").default("60"),
    ],
    rules: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_json_and_the_defaults_are_options_the_module_takes() {
        let default = |o: &Opt| o.default.map_or(serde_json::Value::Null, |json| serde_json::from_str(json).unwrap());
        let all: serde_json::Map<_, _> = SPEC.options.iter().map(|o| (o.name.to_owned(), default(o))).collect();
        let args: Args = serde_json::from_value(all.into()).unwrap();
        assert_eq!(args.socket_path(), "/run/containerd/containerd.sock");
    }
}
