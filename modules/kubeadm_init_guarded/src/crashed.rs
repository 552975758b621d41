//! Which program of the control plane ended as soon as it had started, and its last words.
//!
//! kubeadm only says that it waited for four minutes. The kubelet keeps a container's output as
//! `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log`, N counting its starts (`BuildContainerLogsDirectory` in
//! `pkg/kubelet/kuberuntime`), in lines of the CRI format: time, stream, a tag, the text.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use kubeadm::classify::Finding;
use kubeadm::redact::redact;

/// Where the kubelet keeps them.
const PODS: &str = "/var/log/pods";
/// etcd first: without it the API server ends, too.
const PROGRAMS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
/// The end of a log that is looked at, in bytes.
const END: u64 = 16 * 1024;

/// The first program that has been started more than once.
pub fn find() -> Option<Finding> {
    let (program, words) =
        PROGRAMS.into_iter().find_map(|program| Some((program, last_words(Path::new(PODS), program)?)))?;
    Some(Finding::of("control_plane_crashing", &redact(&format!("{program}: {words}"))))
}

/// What it said last before it was started again; none where it was not.
fn last_words(pods: &Path, program: &str) -> Option<String> {
    let (starts, log) = logs(pods, program).into_iter().max()?;
    // A program that waits for etcd is started anew once or twice on a slow machine.
    if starts < 2 {
        return None;
    }
    // The newest may have been started just now, and have said nothing of interest.
    let before = log.with_file_name(format!("{}.log", starts - 1));
    [before, log].iter().find_map(|path| complaint(&end_of(path).ok()?))
}

/// Its logs, each with the number of starts before it.
fn logs(pods: &Path, program: &str) -> Vec<(u32, PathBuf)> {
    let entries = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let ours = format!("kube-system_{program}-");
    entries(pods)
        .filter(|pod| pod.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&ours)))
        .flat_map(|pod| entries(&pod.join(program)).collect::<Vec<_>>())
        .filter_map(|log| Some((log.file_name()?.to_str()?.strip_suffix(".log")?.parse().ok()?, log)))
        .collect()
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last line that complains (klog's E and F, Go's panic, cobra's Error:); else the last line.
fn complaint(log: &str) -> Option<String> {
    let texts: Vec<&str> =
        log.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).filter(|text| !text.trim().is_empty()).collect();
    let klog =
        |text: &str| text.starts_with(['E', 'F']) && text[1..].chars().take_while(char::is_ascii_digit).count() == 4;
    let complains = |text: &&&str| {
        klog(text)
            || ["panic: ", "Error: ", "error: ", "fatal error: "].iter().any(|word| text.starts_with(word))
            || text.contains("\"level\":\"fatal\"")
    };
    texts.iter().rev().find(complains).or(texts.last()).map(|text| text.trim().to_owned())
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

    #[test]
    fn without_a_complaint_the_last_line_is_quoted() {
        assert_eq!(complaint("t stderr F one\nt stderr F two\nt stderr F  \n").unwrap(), "two");
        assert_eq!(
            complaint("t stderr F F1121 08:29:38.9 1 a.go:1] gone\nt stderr F goroutine 1\n").unwrap(),
            "F1121 08:29:38.9 1 a.go:1] gone"
        );
        assert!(complaint("").is_none() && complaint("rubbish\n\u{fffd}").is_none());
        // A text of one character of more than one byte.
        assert!(complaint("t stderr F é\n").is_some());
    }
}
