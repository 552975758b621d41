//! Which program of the control plane ended as soon as it had started, and its last words: kubeadm only says that it waited
//! for four minutes.

use kubeadm::classify::{Class, Finding};
use kubeadm::pod_log::{PODS, logs};
use std::path::Path;

/// etcd first: without it the API server ends, too.
const PROGRAMS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// The first program that has been started more than once.
pub fn find() -> Option<Finding> {
    let (program, words) =
        PROGRAMS.into_iter().find_map(|program| Some((program, last_words(Path::new(PODS), program)?)))?;
    Some(Finding::of(Class::ControlPlaneCrashing, &format!("{program}: {words}")))
}

/// What it said last before it was started again; none where it was not.
fn last_words(pods: &Path, program: &str) -> Option<String> {
    let ours = format!("kube-system_{program}-");
    let mut logs = logs(pods, |pod| pod.starts_with(&ours), program);
    // A program that waits for etcd is started anew once or twice on a slow machine.
    let starts = logs.iter().map(|log| log.starts).max().filter(|starts| *starts >= 2)?;
    // The newest may have been started just now, and have said nothing of interest.
    logs.retain(|log| log.starts + 1 >= starts);
    logs.sort_by_key(|log| log.starts);
    logs.iter().find_map(|log| log.last_words())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(pods: &Path, program: &str, logs: &[(u32, &str)]) {
        let directory = pods.join(format!("kube-system_{program}-cp1_0369297e3c0c96b32210e6108a78ab53/{program}"));
        std::fs::create_dir_all(&directory).unwrap();
        for (starts, text) in logs {
            host::files::write_atomic(directory.join(format!("{starts}.log")), text.as_bytes(), 0o600).unwrap();
        }
    }

    #[test]
    fn a_program_that_is_started_again_and_again_is_quoted() {
        let pods = tempfile::tempdir().unwrap();
        let words = "2026-11-21T08:29:38.9Z stderr F I1121 08:29:38.911731       1 rest.go:131] the default is IPv4\n\
                     2026-11-21T08:29:38.9Z stderr F Error: error in registering group versions: no model\n\
                     2026-11-21T08:29:38.9Z stderr F I1121 08:29:38.911731       1 exit.go:1] bye\n";
        pod(pods.path(), "kube-apiserver", &[(1, ""), (4, words), (5, "2026-11-21T08:30:38.9Z stderr F I1121 x\n")]);
        pod(pods.path(), "etcd", &[(0, words)]);
        assert_eq!(
            last_words(pods.path(), "kube-apiserver").unwrap(),
            "Error: error in registering group versions: no model"
        );
        // Started once, it did not crash; never started, it has no log.
        assert!(last_words(pods.path(), "etcd").is_none() && last_words(pods.path(), "kube-scheduler").is_none());
    }
}
