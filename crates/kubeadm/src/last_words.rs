//! What a program said last before it ended: the line that complains, in whatever form its language and logger have.

use crate::redact::redact;

/// The most of a line that is quoted, in characters.
const QUOTED: usize = 400;

/// The last line that complains, else the last line; without secrets, none where nothing was said.
pub fn last_words<'a>(lines: impl DoubleEndedIterator<Item = &'a str> + Clone) -> Option<String> {
    let mut said = lines.rev().map(str::trim).filter(|line| !line.is_empty());
    let line = said.clone().find(|line| complains(line)).or_else(|| said.next())?;
    Some(redact(line).chars().take(QUOTED).collect())
}

/// klog's E and F, Go's panic, cobra's Error:, logrus' level=error of containerd, zap's fatal.
fn complains(line: &str) -> bool {
    let klog = line.starts_with(['E', 'F']) && line.bytes().skip(1).take(4).filter(u8::is_ascii_digit).count() == 4;
    klog || ["panic: ", "Error: ", "error: ", "fatal error: ", "containerd: "].iter().any(|word| line.starts_with(word))
        || ["level=fatal", "level=error", "\"level\":\"fatal\"", "[FATAL]"].iter().any(|word| line.contains(word))
}

/// The same words without what differs from one time to the next: klog's header, logrus' time.
pub fn bare(line: &str) -> &str {
    let klog = crate::classify::is_klog(line).then(|| line.split_once("] ")).flatten().map(|(_, rest)| rest);
    let logrus = || line.strip_prefix("time=").and_then(|rest| rest.split_once(' ')).map(|(_, rest)| rest);
    klog.or_else(logrus).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_complaint_is_told_and_without_one_the_last_line() {
        let kubelet = [
            "I1126 20:19:46.1    9790 server.go:1] fine",
            "E1126 20:19:46.3    9790 run.go:74] \"command failed\" err=\"open /dev/kmsg: no such file or directory\"",
            "I1126 20:19:46.4    9790 exit.go:1] bye",
        ];
        assert!(last_words(kubelet.into_iter()).unwrap().contains("/dev/kmsg"));
        assert_eq!(last_words(["one", "two", " "].into_iter()).unwrap(), "two");
        assert!(last_words([].into_iter()).is_none());
        assert!(last_words(["é"].into_iter()).is_some());
        let containerd = ["time=\"x\" level=fatal msg=\"boom\"", "time=\"x\" level=info msg=bye"];
        assert!(last_words(containerd.into_iter()).unwrap().contains("boom"));
    }

    #[test]
    fn the_same_words_at_another_time_are_the_same() {
        let at = |time: &str| format!("E1126 {time}    9790 run.go:74] \"command failed\" err=\"boom\"");
        assert_eq!(bare(&at("20:19:46.1")), bare(&at("20:20:46.2")));
        assert_eq!(bare("time=\"2026\" level=error"), "level=error");
        assert_eq!(bare("plain"), "plain");
    }
}
