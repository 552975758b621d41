//! Whether kubelet.service starts the kubelet as part of a cluster: with `--kubeconfig`.
//!
//! The packages' drop-in does that (`10-kubeadm.conf`, in /usr/lib/systemd/system since 1.28, in /etc before). A file of
//! the same name in /etc hides it, and a malformed one leaves a bare `kubelet`, which runs standalone.

use crate::gate::CONFIG;
use crate::kubeconfig::{BOOTSTRAP_CONF, KUBELET_CONF};
use host::deadline::Deadline;
use host::{files, systemd};
use std::path::PathBuf;

/// Ours, only where none does it; sorted after the packages' own so that it takes effect.
const NAME: &str = "20-kubejoin-kubeconfig.conf";

/// What systemd would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// `ExecStart` and `Environment` as systemd has merged them.
    pub exec_start: String,
    /// The variables set.
    pub environment: String,
    /// The drop-ins in force, in order.
    pub drop_ins: Vec<PathBuf>,
}

impl Started {
    /// Asks systemd.
    pub fn observe(unit: &str, deadline: &Deadline) -> anyhow::Result<Self> {
        let mut shown = systemd::show(unit, &["ExecStart", "Environment", "DropInPaths"], deadline)?;
        let mut take = |key: &str| shown.remove(key).unwrap_or_default();
        Ok(Started {
            exec_start: take("ExecStart"),
            environment: take("Environment"),
            drop_ins: take("DropInPaths").split_whitespace().map(PathBuf::from).collect(),
        })
    }

    /// Whether the kubelet gets `--kubeconfig`: on its command line, or through a variable used there. A script in
    /// between cannot be seen through and is believed.
    pub fn has_kubeconfig(&self) -> bool {
        let command = argv(&self.exec_start);
        let runs_kubelet = command.first().is_some_and(|program| program.ends_with("kubelet"));
        let direct = command.iter().any(|word| gives_kubeconfig(word));
        let used =
            |name: &str| command.iter().any(|word| *word == format!("${name}") || *word == format!("${{{name}}}"));
        let by_variable = variables(&self.environment)
            .iter()
            .any(|(name, value)| used(name) && value.split(' ').any(gives_kubeconfig));
        !runs_kubelet || direct || by_variable
    }
}

fn gives_kubeconfig(word: &str) -> bool {
    word == "--kubeconfig" || word.starts_with("--kubeconfig=")
}

/// The words after `argv[]=` in what `systemctl show` prints for ExecStart; of several commands the last.
fn argv(exec_start: &str) -> Vec<&str> {
    let after = exec_start.rsplit("argv[]=").next().unwrap_or_default();
    after.split(" ; ").next().unwrap_or_default().split_whitespace().collect()
}

/// `A=x "B=y z"` as pairs.
fn variables(environment: &str) -> Vec<(String, String)> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for c in environment.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words.iter().filter_map(|word| word.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// Adds a drop-in when, and only when, the kubelet would run standalone. Says what was done.
pub fn mend(unit: &str, deadline: &Deadline) -> anyhow::Result<Option<String>> {
    if Started::observe(unit, deadline)?.has_kubeconfig() {
        return Ok(None);
    }
    let dir = PathBuf::from("/etc/systemd/system").join(format!("{unit}.d"));
    let path = dir.join(NAME);
    let text = format!(
        "# Made by kubejoin: no other drop-in gave the kubelet its kubeconfig, so it would have run standalone.\n\
         [Service]\n\
         EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\n\
         EnvironmentFile=-/etc/default/kubelet\n\
         ExecStart=\n\
         ExecStart=/usr/bin/kubelet --bootstrap-kubeconfig={BOOTSTRAP_CONF} --kubeconfig={KUBELET_CONF} --config={CONFIG} $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n"
    );
    files::make_dir(&dir, 0o755)?;
    files::write_atomic(&path, text.as_bytes(), 0o644)?;
    systemd::daemon_reload(deadline)?;
    Ok(Some(format!("wrote {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(exec: &str, environment: &str) -> bool {
        let exec_start = format!("{{ path=/usr/bin/kubelet ; argv[]={exec} ; ignore_errors=no ; pid=0 }}");
        Started { exec_start, environment: environment.into(), drop_ins: vec![] }.has_kubeconfig()
    }

    #[test]
    fn the_packages_drop_in_gives_it_through_a_variable() {
        let variables =
            "\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/b --kubeconfig=/k\" \"KUBELET_CONFIG_ARGS=--config=/c\"";
        assert!(started("/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS", variables));
        assert!(!started("/usr/bin/kubelet $KUBELET_CONFIG_ARGS", variables));
    }

    #[test]
    fn a_bare_kubelet_and_one_with_only_the_bootstrap_file_run_standalone() {
        assert!(!started("/usr/bin/kubelet", ""));
        assert!(!started("/usr/bin/kubelet --bootstrap-kubeconfig=/b", ""));
        assert!(started("/usr/bin/kubelet --kubeconfig /k", ""));
    }

    #[test]
    fn a_wrapper_script_is_believed() {
        assert!(started("/usr/local/bin/start-node", ""));
    }
}
