//! The files that the kubelet's configuration and command line name, and whether there is in them what it needs.
//!
//! Sources: k8s.io/kubelet config/v1beta1 (KubeletConfiguration), cmd/kubelet/app (flags; server.go, options.go): where one
//! of these files is missing the kubelet ends, or runs and cannot start a single pod (resolvConf: pkg/kubelet/network/dns).
//! Directories that the kubelet makes itself are none of them, nor is staticPodPath, whose absence it only logs.

use crate::kubelet::flag;
use serde_json::Value;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What a file has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A file, whatever is in it: a resolv.conf without a name server is somebody's choice.
    File,
    /// A file with something in it.
    Content,
    /// A file with a certificate in PEM.
    Certificate,
    /// A file with a private key in PEM.
    Key,
    /// A directory.
    Directory,
}

/// Fields of config.yaml, as a JSON pointer, or nothing; flags that stand for the same; what is needed; what counts
/// without either.
const NAMED: [(&str, &str, Need, &str); 7] = [
    ("/resolvConf", "--resolv-conf", Need::File, RESOLV_CONF),
    ("/authentication/x509/clientCAFile", "--client-ca-file", Need::Certificate, ""),
    ("/tlsCertFile", "--tls-cert-file", Need::Certificate, ""),
    ("/tlsPrivateKeyFile", "--tls-private-key-file", Need::Key, ""),
    ("", "--image-credential-provider-config", Need::Content, ""),
    ("", "--image-credential-provider-bin-dir", Need::Directory, ""),
    ("", "--config-dir", Need::Directory, ""),
];

/// The kubelet's own default of resolvConf.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";
/// What kubeadm writes instead where systemd-resolved runs (cmd/kubeadm/app/componentconfigs/kubelet.go).
pub const RESOLVED_CONF: &str = "/run/systemd/resolve/resolv.conf";

/// A file that is named and of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Useless {
    /// The option that names it, as its user wrote it: `resolvConf`, or the flag.
    pub option: String,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for Useless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} names {}, which {}", self.option, self.path.display(), self.why)
    }
}

/// Looks at every file that config.yaml (an object, or null without one) and the kubelet's arguments name. A flag wins over
/// its field.
pub fn useless(config: &Value, args: &[String]) -> Vec<Useless> {
    let mut found = Vec::new();
    for (field, name, need, default) in NAMED {
        let by_flag = flag(args, name).map(|path| (name.to_owned(), path));
        let by_field = config.pointer(field).and_then(Value::as_str).map(|path| (dotted(field), path));
        let without = || (format!("{}, by default,", dotted(field)), default);
        let (option, path) = by_flag.or(by_field).unwrap_or_else(without);
        // Empty means none: resolvConf: "" is a way to say that there is no such file.
        if path.starts_with('/')
            && let Some(why) = look(Path::new(path), need)
        {
            found.push(Useless { option, path: path.into(), why });
        }
    }
    found.extend(cgroups(config, Path::new("/sys/fs/cgroup")));
    found
}

/// The name servers of the resolv.conf that the kubelet hands on to pods that are loopback addresses, each with the file: in
/// a pod they are the pod itself, and CoreDNS, which asks them, asks itself (its plugin loop).
pub fn loopback_resolvers(config: &Value, args: &[String]) -> Vec<String> {
    let by_field = config.pointer("/resolvConf").and_then(Value::as_str);
    let path = flag(args, "--resolv-conf").or(by_field).unwrap_or(RESOLV_CONF);
    let text = Some(path).filter(|path| path.starts_with('/')).and_then(|path| std::fs::read_to_string(path).ok());
    loopback(text.as_deref().unwrap_or_default()).map(|server| format!("{path} has nameserver {server}")).collect()
}

fn loopback(resolv_conf: &str) -> impl Iterator<Item = IpAddr> + '_ {
    let server = |line: &str| line.trim().strip_prefix("nameserver")?.split_whitespace().next()?.parse::<IpAddr>().ok();
    resolv_conf.lines().filter_map(server).filter(|ip| ip.is_loopback())
}

/// `authentication.x509.clientCAFile`.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// What is wrong with a resolv.conf, before there is a configuration that names it.
pub fn resolv_conf(path: &Path) -> Option<String> {
    look(path, Need::File)
}

fn look(path: &Path, need: Need) -> Option<String> {
    let meta = match path.metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let target = std::fs::read_link(path).ok();
            let link = target.map(|target| format!(": a link to {}, which is missing", target.display()));
            return Some(format!("is not there{}", link.unwrap_or_default()));
        }
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    if need == Need::Directory {
        return (!meta.is_dir()).then(|| "is not a directory".to_owned());
    }
    if meta.is_dir() {
        return Some("is a directory, not a file".to_owned());
    }
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    let begins = |what: &str| text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(what));
    match need {
        Need::Content if text.trim().is_empty() => Some("is empty".to_owned()),
        Need::Certificate if !begins("CERTIFICATE") => Some("has no certificate in it".to_owned()),
        Need::Key if !begins("PRIVATE KEY") => Some("has no private key in it".to_owned()),
        _ => None,
    }
}

/// Control groups that have to be there before the kubelet starts: it makes none of these.
fn cgroups(config: &Value, root: &Path) -> Vec<Useless> {
    let enforced =
        |what: &str| config["enforceNodeAllocatable"].as_array().is_some_and(|all| all.iter().any(|one| one == what));
    let wanted = [
        ("cgroupRoot", true),
        ("kubeReservedCgroup", enforced("kube-reserved")),
        ("systemReservedCgroup", enforced("system-reserved")),
    ];
    let named = wanted.into_iter().filter(|(_, needed)| *needed).filter_map(|(field, _)| {
        let name = config[field].as_str()?.trim_matches('/');
        (!name.is_empty()).then_some((field, name))
    });
    // Version 1 has one tree for each controller; systemd's slices may be named without their ending.
    let trees = ["", "memory", "unified", "systemd"];
    let there = |name: &str| {
        trees.iter().any(|tree| ["", ".slice"].iter().any(|end| root.join(tree).join(format!("{name}{end}")).is_dir()))
    };
    let gone = named.filter(|(_, name)| !there(name));
    gone.map(|(field, name)| Useless {
        option: field.to_owned(),
        path: root.join(name),
        why: "is not there: the kubelet does not make this control group".to_owned(),
    })
    .collect()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the tests write what is to be looked at")]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(config: &Value, args: &[&str]) -> Vec<String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        useless(config, &args).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_configuration_names_and_is_not_there_is_told_with_option_and_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("resolv.conf"), "nameserver 10.0.0.1\n").unwrap();
        std::fs::write(path("empty"), "\n").unwrap();
        std::fs::write(path("ca.crt"), "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n").unwrap();
        std::os::unix::fs::symlink("/no/such/stub.conf", path("dangling")).unwrap();
        let good = json!({"resolvConf": path("resolv.conf"), "authentication": {"x509": {"clientCAFile": path("ca.crt")}},
            "staticPodPath": "/no/such/manifests"});
        assert_eq!(words(&good, &[]), [""; 0]);
        let with = |field: &str, value: String| {
            let mut config = good.clone();
            config[field] = value.into();
            config
        };
        assert_eq!(
            words(&with("resolvConf", path("gone")), &[]),
            [format!("resolvConf names {}, which is not there", path("gone"))]
        );
        assert_eq!(words(&with("resolvConf", path("empty")), &[]), [""; 0]);
        let said = words(&good, &["--image-credential-provider-config", &path("empty")]);
        assert_eq!(said, [format!("--image-credential-provider-config names {}, which is empty", path("empty"))]);
        let said = words(&with("resolvConf", path("dangling")), &[]);
        assert!(said[0].ends_with("is not there: a link to /no/such/stub.conf, which is missing"), "{said:?}");
        let mut ca = good.clone();
        ca["authentication"]["x509"]["clientCAFile"] = path("resolv.conf").into();
        let said = words(&ca, &[]);
        assert!(
            said[0].starts_with("authentication.x509.clientCAFile names ")
                && said[0].ends_with("has no certificate in it"),
            "{said:?}"
        );
        assert_eq!(
            words(&with("tlsPrivateKeyFile", path("ca.crt")), &[]),
            [format!("tlsPrivateKeyFile names {}, which has no private key in it", path("ca.crt"))]
        );
    }

    #[test]
    fn a_flag_wins_over_its_field_and_an_empty_path_means_none() {
        let config = json!({"resolvConf": "/no/such/file"});
        assert_eq!(words(&config, &["kubelet", "--resolv-conf="]), [""; 0]);
        assert_eq!(words(&json!({"resolvConf": ""}), &[]), [""; 0]);
        let said =
            words(&json!({"resolvConf": ""}), &["kubelet", "--image-credential-provider-bin-dir", "/no/such/dir"]);
        assert_eq!(said, ["--image-credential-provider-bin-dir names /no/such/dir, which is not there"]);
    }

    #[test]
    fn control_groups_are_looked_for_only_where_the_kubelet_wants_them() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("system.slice")).unwrap();
        let named = |config: Value| cgroups(&config, dir.path()).into_iter().map(|one| one.option).collect::<Vec<_>>();
        assert_eq!(named(json!({"kubeReservedCgroup": "/kube"})), [""; 0]);
        let all = json!(["pods", "kube-reserved", "system-reserved"]);
        let config =
            json!({"enforceNodeAllocatable": all, "kubeReservedCgroup": "/kube", "systemReservedCgroup": "/system"});
        assert_eq!(named(config), ["kubeReservedCgroup"]);
    }

    #[test]
    fn a_name_server_that_is_a_loopback_address_is_told_and_no_other_is() {
        let all = |text: &str| loopback(text).map(|ip| ip.to_string()).collect::<Vec<_>>();
        let resolved = "# by systemd-resolved\nnameserver 127.0.0.53\noptions edns0\nsearch lan\n";
        assert_eq!(all(resolved), ["127.0.0.53"]);
        assert_eq!(all("  nameserver ::1 # dnsmasq\nnameserver 192.168.1.1\n"), ["::1"]);
        assert_eq!(all("nameserver 192.168.1.1\n#nameserver 127.0.0.1\nnameserver\n"), [""; 0]);
    }
}
