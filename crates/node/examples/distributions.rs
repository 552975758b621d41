//! Prints docs/distributions.md, out of the table that the modules go by.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use node::os::{LAYOUTS, Layout};

fn main() {
    print!("{}", page());
}

/// The page.
pub fn page() -> String {
    let rows: [(&str, fn(&Layout) -> String); 10] = [
        ("package manager", |one| code(one.manager.unwrap_or("none"))),
        ("sources in", |one| code(one.sources)),
        ("keys in", |one| code(one.keys)),
        ("held back by", |one| one.hold.to_owned()),
        ("services of new packages", |one| one.services.to_owned()),
        ("containerd of the distribution", |one| {
            one.containerd
                .map_or_else(|| "Fedora's `containerd`; RHEL has none: `containerd: repository`".to_owned(), code)
        }),
        ("containerd's configuration", |one| code(one.containerd_config)),
        ("CNI plugins of the distribution", |one| format!("{}, in {}", code(one.cni.0), code(one.cni.1))),
        ("the kubelet's drop-in", |one| code(one.kubelet.0)),
        ("arguments for the kubelet", |one| code(one.kubelet.1)),
    ];
    let mut page =
        "<!-- Written by make docs, from crates/node/src/os.rs. -->\n# What each distribution gets\n\n".to_owned();
    page.push_str(
        "The role [node_packages](../roles/node_packages/README.md) installs Kubernetes, crictl and CNI plugins from ",
    );
    page.push_str("`kubernetes_repository`, and containerd as `containerd_source` says. CNI plugins of that repository are in `/opt/cni/bin` everywhere.\n\n");
    let line = |first: &str, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
    page.push_str(&line("", LAYOUTS.iter().map(|one| one.name.to_owned()).collect()));
    page.push_str(&line("---", LAYOUTS.iter().map(|_| "---".to_owned()).collect()));
    for (name, of) in rows {
        page.push_str(&line(name, LAYOUTS.iter().map(of).collect()));
    }
    page.push_str(
        "\nSELinux is left as it is; where it is enforcing that is said, with whether `container-selinux` is there. ",
    );
    page.push_str("openSUSE, SLES and everything else: nothing is installed, what is missing is named, and `kubernetes_version` is refused.\n");
    page
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
