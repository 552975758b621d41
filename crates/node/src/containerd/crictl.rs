//! /etc/crictl.yaml: where the socket is. Every other line of the file stays.
//!
//! Without it kubeadm 1.22's reset reads crictl's warning as pod names and removes no pod (measured).

/// The two keys that name the socket.
const KEYS: [&str; 2] = ["runtime-endpoint", "image-endpoint"];

/// The file with both endpoints set to `socket`; the same text when they are.
pub fn edit(text: &str, socket: &str) -> String {
    let endpoint = format!("unix://{socket}");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for key in KEYS {
        let found = lines.iter().rposition(|line| value(line, key).is_some());
        match found.and_then(|at| lines.get_mut(at).map(|line| (at, line))) {
            Some((_, line)) if value(line, key).is_some_and(|v| v.strip_prefix("unix://").unwrap_or(v) == socket) => {}
            Some((_, line)) => *line = format!("{key}: {endpoint}"),
            None => {
                // The two keys stay together at the top of what we add.
                let after = lines.iter().rposition(|l| KEYS.iter().any(|k| value(l, k).is_some()));
                lines.insert(after.map_or(lines.len(), |at| at + 1), format!("{key}: {endpoint}"));
            }
        }
    }
    let mut new = lines.join("\n");
    new.push('\n');
    if new.trim_end() == text.trim_end() { text.to_owned() } else { new }
}

/// The value of `key` on this line, unquoted and without a comment; `None` when the line is about something else.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(key)?.trim_start().strip_prefix(':')?.trim();
    let quoted = ['"', '\''].iter().find_map(|q| rest.strip_prefix(*q)?.split_once(*q).map(|(inside, _)| inside));
    Some(quoted.unwrap_or_else(|| rest.split(" #").next().unwrap_or_default().trim_end()))
}

#[cfg(test)]
mod tests {
    use super::edit;

    const SOCKET: &str = "/run/containerd/containerd.sock";
    const BOTH: &str = "runtime-endpoint: unix:///run/containerd/containerd.sock\nimage-endpoint: unix:///run/containerd/containerd.sock\n";

    #[test]
    fn a_missing_file_names_both_endpoints() {
        assert_eq!(edit("", SOCKET), BOTH);
        assert_eq!(edit(BOTH, SOCKET), BOTH);
    }

    #[test]
    fn other_keys_comments_and_equal_values_stay_as_they_are() {
        let text =
            "# mine\nruntime-endpoint: \"unix:///run/containerd/containerd.sock\" # why\ntimeout: 2\ndebug: true\n";
        let new = edit(text, SOCKET);
        assert_eq!(
            new,
            "# mine\nruntime-endpoint: \"unix:///run/containerd/containerd.sock\" # why\nimage-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 2\ndebug: true\n"
        );
        assert_eq!(edit(&new, SOCKET), new);
    }

    #[test]
    fn another_socket_is_replaced() {
        let text =
            "image-endpoint: unix:///var/run/dockershim.sock\nruntime-endpoint: unix:///var/run/dockershim.sock\n";
        let new = edit(text, SOCKET);
        assert!(!new.contains("dockershim") && new.lines().count() == 2, "{new}");
    }

    #[test]
    fn a_path_without_scheme_is_the_same_socket() {
        let text = "runtime-endpoint: /run/containerd/containerd.sock\nimage-endpoint: /run/containerd/containerd.sock";
        assert_eq!(edit(text, SOCKET), text);
    }
}
