//! The options of `cni_placeholder`, and what makes them wrong.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use host::cidr::Cidr;
use node::placeholder::{self, Placeholder};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "cni_placeholder",
    summary: "A CNI configuration is there before containerd starts",
    options: &[
        Opt::new("state", Kind::Str, "Whether the configuration is to be there. V(present) never replaces or shadows a working CNI; V(absent) removes only what this module wrote. V(handover) waits until the real configuration is there, then removes the placeholder and everything made from it: pods with placeholder addresses are recreated, its bridge and address leases go, and the runtime confirms which network is in force.")
            .default("\"present\"")
            .choices(&["present", "absent", "handover"]),
        Opt::new("profile", Kind::Str, "V(bridge) is a complete network of its own for a node without any. V(flannel) is flannel's own configuration: pods wait for flannel instead of getting an address that is not theirs, which is right for workers.")
            .default("\"bridge\"")
            .choices(&["bridge", "flannel"]),
        Opt::new("path", Kind::Path, "The file. Defaults to C(/etc/cni/net.d/00-placeholder.conflist) for V(profile=bridge) and C(/etc/cni/net.d/10-flannel.conflist) for V(profile=flannel)."),
        Opt::new("name", Kind::Str, "The network's name, which names its address leases in C(/var/lib/cni/networks).").default("\"cni0\""),
        Opt::new("bridge", Kind::Str, "The bridge that V(profile=bridge) makes.").default("\"cni0\""),
        Opt::new("subnet", Kind::Str, "The network V(profile=bridge) takes pod addresses from.").default("\"10.244.0.0/16\"").aliases(&["pod_network_cidr"]),
        Opt::new("cni_version", Kind::Str, "The version of the CNI specification the file follows.")
            .default("\"0.3.1\"")
            .choices(&["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]),
        Opt::new("plugin_dir", Kind::Path, "The directory of CNI plugins that is made when missing.").default("\"/opt/cni/bin\""),
        Opt::new("plugin_source", Kind::Path, "Where the distribution keeps its CNI plugins. Those missing in O(plugin_dir) are linked from here, so that one directory has both them and what a network adds. An empty value links nothing.")
            .default("\"/usr/lib/cni\""),
        Opt::new("socket", Kind::Str, "The container runtime's socket, for V(state=handover).").default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new("timeout", Kind::Int, "How long V(state=handover) may take altogether, in seconds.").default("120"),
    ],
    rules: &[],
};

/// The options, checked.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// Present or absent.
    pub state: State,
    /// Which template.
    pub profile: Profile,
    path: Option<PathBuf>,
    /// The network's name.
    pub name: String,
    /// The bridge of the bridge profile.
    pub bridge: String,
    /// The subnet of the bridge profile, in CIDR notation.
    pub subnet: String,
    /// The version of the CNI specification.
    pub cni_version: String,
    /// Where runtimes look for plugins.
    pub plugin_dir: PathBuf,
    /// Where the distribution keeps plugins; empty for "link nothing".
    pub plugin_source: PathBuf,
    /// The runtime's socket.
    pub socket: String,
    /// Seconds for the hand-over.
    pub timeout: u64,
}

/// Whether the configuration is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is to be there, unless a working CNI is.
    Present,
    /// It is not to be there.
    Absent,
    /// It goes as soon as the real configuration is there, with all that was made from it.
    Handover,
}

/// The two templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A bridge with addresses of its own.
    Bridge,
    /// flannel's configuration, before flannel.
    Flannel,
}

impl Args {
    /// Refuses what cannot be right; an error names the option, its value and what would be.
    pub fn validate(&self) -> anyhow::Result<()> {
        let path = self.path();
        ensure!(
            path.is_absolute()
                && host::cni::is_conf(path)
                && path.file_name().is_some_and(|n| !n.as_encoded_bytes().starts_with(b".")),
            "option path is {:?}: use an absolute path that ends in .conflist, such as /etc/cni/net.d/00-placeholder.conflist",
            path.display().to_string()
        );
        ensure!(
            path.extension().is_some_and(|e| e == "conflist"),
            "option path is {:?}: use a name that ends in .conflist, because the file holds a list of plugins",
            path.display().to_string()
        );
        ensure!(
            !self.name.is_empty()
                && self.name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
                && self.name.starts_with(|c: char| c.is_ascii_alphanumeric()),
            "option name is {:?}: use letters, digits, dots, dashes and underscores, starting with a letter or digit",
            self.name
        );
        ensure!(
            (1..=15).contains(&self.bridge.len())
                && !self.bridge.contains(|c: char| c.is_whitespace() || c == '/' || c == ':')
                && self.bridge != "."
                && self.bridge != "..",
            "option bridge is {:?}: use an interface name of 1 to 15 characters without blanks, / or :",
            self.bridge
        );
        check_subnet(&self.subnet)?;
        for (option, dir) in [("plugin_dir", &self.plugin_dir), ("plugin_source", &self.plugin_source)] {
            let unset = option == "plugin_source" && dir.as_os_str().is_empty();
            ensure!(
                dir.is_absolute() || unset,
                "option {option} is {:?}: use an absolute path",
                dir.display().to_string()
            );
        }
        Ok(())
    }

    /// The file, by option or by profile.
    pub fn path(&self) -> &Path {
        match (&self.path, self.profile) {
            (Some(path), _) => path,
            (None, Profile::Bridge) => Path::new(placeholder::FILE),
            (None, Profile::Flannel) => Path::new(placeholder::FLANNEL_FILE),
        }
    }

    /// What the hand-over has to know of it.
    pub fn placeholder(&self) -> Placeholder {
        Placeholder {
            conf_dir: self.conf_dir().to_owned(),
            name: self.name.clone(),
            bridge: self.bridge.clone(),
            subnet: self.subnet.clone(),
            plugin_dirs: [self.plugin_dir.clone(), self.plugin_source.clone()],
            socket: self.socket.clone(),
        }
    }

    /// The directory that runtimes load.
    pub fn conf_dir(&self) -> &Path {
        self.path().parent().unwrap_or(Path::new("/"))
    }
}

/// A network with a prefix that leaves room for pods: `10.244.0.0/16`, not `10.244.0.7/16`.
fn check_subnet(subnet: &str) -> anyhow::Result<()> {
    let right = "use a network in CIDR notation, such as 10.244.0.0/16";
    let network: Cidr =
        subnet.parse().map_err(|e: anyhow::Error| anyhow::anyhow!("option subnet is {subnet:?}: {e:#}; {right}"))?;
    let room = if network.address().is_ipv4() { 1..=30 } else { 1..=126 };
    ensure!(
        room.contains(&network.prefix()),
        "option subnet is {subnet:?}: its prefix leaves no pod addresses; {right}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_by_default_is_what_a_repair_looks_for() {
        let default = |o: &Opt| o.default.map_or(serde_json::Value::Null, |json| serde_json::from_str(json).unwrap());
        let all: serde_json::Map<_, _> = SPEC.options.iter().map(|o| (o.name.to_owned(), default(o))).collect();
        let args: Args = serde_json::from_value(all.into()).unwrap();
        assert_eq!(args.placeholder(), Placeholder::usual(&args.socket));
    }
}
