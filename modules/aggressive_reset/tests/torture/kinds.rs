//! The kinds of loss that the suite guards against, and how many rows each of them has: a kind with fewer than six is not
//! guarded. Printed, so that it can be seen.

use std::io::Write;

use super::{attacks, endless, events, held, interrupted, live, made, mounts, networks, owners, refused, seen, taken};
use super::{terminals, trees, unknown, working};

/// What begins a row's name, or all of it, kind by kind. The first kind that has it counts it.
const KINDS: [(&str, &[&str]); 14] = [
    (
        "something mounted or exchanged after the look",
        &["event: ", "mount_that_appears", "link_swapped", "files_that_come_back"],
    ),
    (
        "a mount that is a target",
        &[
            "taken_",
            "backup_",
            "working_",
            "attack_2_",
            "target_is_",
            "target_on_",
            "own_",
            "the_kubelets_own_bind",
            "stack_on_a_target",
            "target_lies_on",
        ],
    ),
    (
        "what a file system is made of",
        &[
            "made_of_",
            "attack_3_",
            "seen_an_image",
            "seen_a_swap",
            "seen_a_layer",
            "seen_a_disk",
            "seen_a_read_only_disk",
            "somebodys_disk_image",
            "preserved_path_is_a_disk_image",
            "preserved_path_is_an_overlay",
        ],
    ),
    (
        "other views",
        &[
            "seen_a_",
            "attack_4_",
            "somebodys_directory_in_a_target",
            "preserved_path_",
            "mount_namespace_",
            "somebody_elses_mount_namespace",
            "target_mounted_",
        ],
    ),
    ("containerd's ownership", &["a_database_", "an_empty_database", "state_of_", "a_shim_"]),
    (
        "whose network it is",
        &[
            "bridge_called_",
            "vxlan_called_",
            "podmans_",
            "somebodys_network",
            "chains_of_a_user",
            "chains_of_kube_proxy",
            "namespace_",
            "masquerading_",
            "a_set_that",
            "a_pod_network",
            "attack_6_",
            "somebody_elses_networks",
        ],
    ),
    ("kubeconfigs", &["kubeconfig_", "kubectls_cache", "attack_7_", "another_clusters_kubeconfig"]),
    (
        "what hangs or never ends",
        &["endless_", "fuse_", "file_of_a_file_system_that_hangs", "preserved_path_that_hangs", "target_that_hangs"],
    ),
    ("what is told, and what nobody knows", &["unknown_", "told_", "a_clean_node_leaves", "attack_9_"]),
    ("names that write on a terminal", &["terminal_"]),
    ("interrupted runs", &["interrupted_"]),
    ("other distributions of Kubernetes", &["k3s_", "rke2_", "k0s_", "microk8s_", "attack_12_"]),
    ("refusals with a way out", &["held_", "busy_mount", "file_open_on_a_mount", "attack_13_"]),
    (
        "what stays behind",
        &[
            "attack_14_",
            "links_of_flannel",
            "rules_of_an_old",
            "weaves_chains",
            "kube_routers_chains",
            "sets_of_kube_proxy",
        ],
    ),
];
/// Fewer guard nothing.
const FEWEST: usize = 6;

#[test]
fn every_kind_has_at_least_six_rows() {
    let files = [
        attacks::NAMES,
        endless::NAMES,
        held::NAMES,
        interrupted::NAMES,
        live::NAMES,
        made::NAMES,
        mounts::NAMES,
        networks::NAMES,
        owners::NAMES,
        refused::NAMES,
        seen::NAMES,
        taken::NAMES,
        terminals::NAMES,
        trees::NAMES,
        unknown::NAMES,
        working::NAMES,
    ];
    let happens: Vec<String> = events::names().map(|name| format!("event: {name}")).collect();
    let rows: Vec<&str> = files.into_iter().flatten().copied().chain(happens.iter().map(String::as_str)).collect();
    let kind = |row: &str| {
        // Hanging is told by the end of a name, and comes before the kinds that the beginnings belong to.
        let hangs = KINDS[7].1.contains(&row);
        if hangs {
            Some(7)
        } else {
            KINDS.iter().position(|(_, starts)| starts.iter().any(|start| row.starts_with(start)))
        }
    };
    let mut table = String::from("kind | rows\n");
    let mut thin = Vec::new();
    for (number, (name, _)) in KINDS.iter().enumerate() {
        let count = rows.iter().filter(|row| kind(row) == Some(number)).count();
        table += &format!("{:2} {name} | {count}\n", number + 1);
        thin.extend((count < FEWEST).then_some(*name));
    }
    let others = rows.iter().filter(|row| kind(row).is_none()).count();
    table += &format!("   mounts, links and files of every sort | {others}\n   all | {}\n", rows.len());
    // Not print!: libtest swallows that when the test passes.
    std::io::stderr().write_all(table.as_bytes()).unwrap();
    assert!(thin.is_empty(), "fewer than {FEWEST} rows: {thin:?}");
}
