//! The same table, played with what people use instead. Writes it into docs/reset-safety.md:
//!
//!     cargo test -p aggressive_reset --test torture comparison -- --ignored
//!
//! `KUBEADM=/path/to/kubeadm` adds a column for `kubeadm reset --force`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reset-safety.md");
const BEGIN: &str =
    "<!-- comparison: written by `cargo test -p aggressive_reset --test torture comparison -- --ignored` -->";
const END: &str = "<!-- /comparison -->";

#[test]
#[ignore = "plays every layout several times and writes docs/reset-safety.md"]
fn comparison() {
    let kubeadm = std::env::var("KUBEADM").unwrap_or_default();
    let mut subjects =
        vec![("aggressive_reset", "ours"), ("rm -rf --one-file-system", "rm"), ("umount, then rm -rf", "script")];
    if Path::new(&kubeadm).is_absolute() {
        subjects.push(("kubeadm reset", &kubeadm));
    }
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (column, (_, subject)) in subjects.iter().enumerate() {
        let verdicts = std::env::temp_dir().join(format!("kubejoin-verdicts-{}-{column}", std::process::id()));
        let play = Command::new(std::env::current_exe().unwrap())
            .args(["--skip", "comparison", "--skip", "killed"])
            .env("TORTURE_SUBJECT", subject)
            .env("TORTURE_VERDICTS", &verdicts)
            .output()
            .unwrap();
        assert!(play.status.success(), "{}", String::from_utf8_lossy(&play.stdout));
        for line in std::fs::read_to_string(&verdicts).unwrap().lines() {
            let (name, verdict) = line.split_once('\t').unwrap();
            let row = rows.entry(name.replace('_', " ")).or_default();
            row.resize(column, "not played".to_owned());
            row.push(verdict.to_owned());
        }
        std::fs::remove_file(verdicts).unwrap();
    }
    let names: Vec<&str> = subjects.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| layout | {} |\n|---{}|\n", names.join(" | "), "|---".repeat(names.len()));
    for (name, verdicts) in &rows {
        table += &format!("| {name} | {} |\n", verdicts.join(" | "));
    }
    let harmed = |column: usize| rows.values().filter(|row| row.get(column).is_some_and(|v| v.contains("**"))).count();
    for (column, name) in names.iter().enumerate() {
        table += &format!(
            "\n{} of {} layouts: something outside the targets was lost or changed by {name}.\n",
            harmed(column),
            rows.len()
        );
    }
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    std::fs::write(DOCUMENT, format!("{head}{BEGIN}\n{table}{END}{tail}")).unwrap();
    assert_eq!(harmed(0), 0);
}
