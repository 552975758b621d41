//! The same table, played with what people use instead. Writes it into docs/reset-safety.md:
//!
//!     cargo test -p aggressive_reset --test torture comparison -- --ignored
//!
//! A column is kept in target/tmp as soon as all of its layouts were played, and the page is written after each: a run that
//! is interrupted loses only the column it was at. `COMPARE="rm script"` plays these anew and takes the others from there.
//! `KUBE_BIN_DIR` (or `KUBEADM=/path/to/kubeadm`) plays `kubeadm reset --force` too; without, its column says what was
//! recorded on a real node.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reset-safety.md");
const BEGIN: &str =
    "<!-- comparison: written by `cargo test -p aggressive_reset --test torture comparison -- --ignored` -->";
const END: &str = "<!-- /comparison -->";
/// `reset_deletes_through_mount.txt` of the recordings of kubeadm 1.22.6: 5 of 5 files gone, exit status 0.
const RECORDED: (&str, &str) = ("bind_at_a_path_with_a_space", "**5 of 5 files lost**, says success");

/// Layout and verdict.
type Column = BTreeMap<String, String>;

#[test]
#[ignore = "plays every layout several times and writes docs/reset-safety.md"]
fn comparison() {
    let chosen = std::env::var("COMPARE").unwrap_or_else(|_| "ours rm script k0s kubeadm".to_owned());
    let chosen: BTreeSet<&str> = chosen.split_whitespace().collect();
    let mut columns = Vec::new();
    for (title, subject) in [
        ("aggressive_reset", "ours"),
        ("rm -rf --one-file-system", "rm"),
        ("umount, then rm -rf", "script"),
        ("as k0s removes", "k0s"),
        ("kubeadm reset", "kubeadm"),
    ] {
        let program = if subject == "kubeadm" { kubeadm() } else { Some(subject.to_owned()) };
        if let Some(program) = program.filter(|_| chosen.contains(subject)) {
            play(subject, &program);
        }
        match read(&kept(subject)) {
            Some(column) => columns.push((title, column)),
            None if subject == "kubeadm" => {
                let recorded = Column::from([(RECORDED.0.to_owned(), RECORDED.1.to_owned())]);
                columns.push(("kubeadm reset 1.22.6, as recorded", recorded));
            }
            None => println!("{title} was not played yet"),
        }
        write(&columns);
    }
    let (_, ours) = columns.first().unwrap();
    assert!(!ours.values().any(|verdict| verdict.contains("**")), "{ours:?}");
}

fn kubeadm() -> Option<String> {
    let in_directory = std::env::var("KUBE_BIN_DIR").map(|directory| format!("{directory}/kubeadm"));
    let path = std::env::var("KUBEADM").or(in_directory).ok()?;
    (Path::new(&path).is_absolute() && Path::new(&path).exists()).then_some(path)
}

fn kept(subject: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("comparison-{subject}.tsv"))
}

fn play(subject: &str, program: &str) {
    let part = kept(subject).with_extension("part");
    let _ = std::fs::remove_file(&part);
    let played = Command::new(std::env::current_exe().unwrap())
        .args(["--skip", "comparison", "--skip", "killed"])
        .env("TORTURE_SUBJECT", program)
        .env("TORTURE_VERDICTS", &part)
        .output()
        .unwrap();
    assert!(played.status.success(), "{subject}: {}", String::from_utf8_lossy(&played.stdout));
    std::fs::rename(part, kept(subject)).unwrap();
}

fn read(path: &Path) -> Option<Column> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = text.lines().map(|line| line.split_once('\t').unwrap());
    Some(lines.map(|(name, verdict)| (name.to_owned(), verdict.to_owned())).collect())
}

fn write(columns: &[(&str, Column)]) {
    let names: BTreeSet<&String> = columns.iter().flat_map(|(_, column)| column.keys()).collect();
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let mut table = format!("| layout | {} |\n|---{}|\n", titles.join(" | "), "|---".repeat(titles.len()));
    for name in names {
        let verdicts = columns.iter().map(|(_, column)| column.get(name).map_or("not played", String::as_str));
        table += &format!("| {} | {} |\n", name.replace('_', " "), verdicts.collect::<Vec<_>>().join(" | "));
    }
    for (title, column) in columns {
        let harmed = column.values().filter(|verdict| verdict.contains("**")).count();
        let total = column.len();
        table += &format!(
            "\n{title}: something outside the targets was lost or changed in {harmed} of the {total} layouts played.\n"
        );
    }
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    std::fs::write(DOCUMENT, format!("{head}{BEGIN}\n{table}{END}{tail}")).unwrap();
}
