//! Who this machine is, as the kubelet will tell the cluster: for telling a stale Node from another machine's.
//!
//! The same sources in the same order as cadvisor (`machine/info.go`, `utils/sysfs.GetSystemUUID`).

use std::path::Path;

/// Tried in this order.
const MACHINE: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
/// Hardware first; a machine without any is known by its machine id.
const SYSTEM: [&str; 4] =
    ["/sys/class/dmi/id/product_uuid", "/proc/device-tree/system-id", "/proc/device-tree/vm,uuid", "/etc/machine-id"];

/// `status.nodeInfo.machineID` of the Node this machine registers; empty when it has none.
pub fn machine_id() -> String {
    first(&MACHINE)
}

/// `status.nodeInfo.systemUUID` of the Node this machine registers; empty when it has none.
pub fn system_uuid() -> String {
    first(&SYSTEM)
}

/// Whether two identities are one and none of them is empty. Firmware and kernels spell UUIDs in both cases, with and
/// without hyphens.
pub fn is_same(a: &str, b: &str) -> bool {
    let bare = |text: &str| -> String {
        text.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect()
    };
    !a.is_empty() && bare(a) == bare(b)
}

/// The first that can be read and is not empty. Device tree values end with a null byte.
fn first(paths: &[impl AsRef<Path>]) -> String {
    let read = |path: &dyn AsRef<Path>| {
        let text = std::fs::read_to_string(path.as_ref()).ok()?;
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned();
        (!text.is_empty()).then_some(text)
    };
    paths.iter().find_map(|path| read(path)).unwrap_or_default()
}

/// Whether this can be a Node's name, as an option gives it: what kubectl would take for an option of its own is not one.
pub fn is_node_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_says_something_counts() {
        let dir = std::env::temp_dir().join(format!("kubeadm-identity-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (empty, good) = (dir.join("empty"), dir.join("good"));
        std::fs::File::create(&empty).unwrap();
        std::io::Write::write_all(&mut std::fs::File::create(&good).unwrap(), b"4c4c4544\0\n").unwrap();
        assert_eq!(first(&[dir.join("missing"), empty, good]), "4c4c4544");
    }
}
