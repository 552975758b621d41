//! What a container printed last. The kubelet keeps it as `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log`, N counting
//! its starts (`BuildContainerLogsDirectory` in `pkg/kubelet/kuberuntime`), in lines of the CRI format: time, stream, a
//! tag, the text. Read from there and not through the API server: where these words are needed, it mostly is not there.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where the kubelet keeps them.
pub const PODS: &str = "/var/log/pods";
/// The end of a log that is looked at, in bytes: behind its last words, Go prints the stack of every goroutine.
const END: u64 = 256 * 1024;

/// A log: one start of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How often the container had been started before.
    pub starts: u32,
    /// Where it lies.
    pub path: PathBuf,
    written: Option<SystemTime>,
}

/// The logs of one container, the one that was written to last being last, in those pods below `pods` whose directory's
/// name (`NAMESPACE_POD_UID`) is one of `ours`. What cannot be read is left away: these are words for a message.
pub fn logs(pods: &Path, ours: impl Fn(&str) -> bool, container: &str) -> Vec<Log> {
    let entries = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<Log> = entries(pods)
        .filter(|pod| pod.file_name().is_some_and(|name| ours(&name.to_string_lossy())))
        .flat_map(|pod| entries(&pod.join(container)).collect::<Vec<_>>())
        .filter_map(|path| {
            let starts = path.file_name()?.to_str()?.strip_suffix(".log")?.parse().ok()?;
            let written = path.metadata().and_then(|meta| meta.modified()).ok();
            Some(Log { starts, path, written })
        })
        .collect();
    found.sort_by_key(|log| (log.written, log.starts));
    found
}

impl Log {
    /// The last line that complains, else the last line; without secrets, none where nothing was printed.
    pub fn last_words(&self) -> Option<String> {
        last_words(&end_of(&self.path).ok()?)
    }
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text of each line of the CRI format; a line that is cut off at the start is none.
fn last_words(log: &str) -> Option<String> {
    crate::last_words::last_words(log.lines().filter_map(|line| line.splitn(4, ' ').nth(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_complaint_the_last_line_is_quoted() {
        assert_eq!(last_words("t stderr F one\nt stderr F two\nt stderr F  \n").unwrap(), "two");
        assert_eq!(
            last_words("t stderr F F1121 08:29:38.9 1 a.go:1] gone\nt stderr F goroutine 1\n").unwrap(),
            "F1121 08:29:38.9 1 a.go:1] gone"
        );
        assert!(last_words("").is_none() && last_words("rubbish\n\u{fffd}").is_none());
        // A text of one character of more than one byte.
        assert!(last_words("t stderr F é\n").is_some());
    }

    #[test]
    fn a_log_of_megabytes_is_read_at_its_end_and_a_line_without_end_is_cut() {
        let pods = tempfile::tempdir().unwrap();
        let dir = pods.path().join("kube-system_kube-proxy-4c6wf_5b729a79/kube-proxy");
        std::fs::create_dir_all(&dir).unwrap();
        let text = format!("{}\nt stderr F panic: {}", "t stderr F E1121 old\n".repeat(100_000), "x".repeat(5000));
        host::files::write_atomic(dir.join("6.log"), text.as_bytes(), 0o600).unwrap();
        host::files::write_atomic(dir.join("6.log.20261121-100000.gz"), b"", 0o600).unwrap();
        let logs = logs(pods.path(), |pod| pod.ends_with("_5b729a79"), "kube-proxy");
        assert_eq!(logs.iter().map(|log| log.starts).collect::<Vec<_>>(), [6]);
        let words = logs[0].last_words().unwrap();
        assert!(words.starts_with("panic: xx") && words.len() == 400, "{words}");
    }
}
