//! Every recorded or reconstructed text, one file per case, against the table.
//!
//! `tests/data/classify/cases.tsv` says what each file must give: the class to act upon, the other classes it shows, and
//! nothing else. So every row is also run against every other class's files. It also says which files are recorded (whole
//! runs of the real kubeadm 1.22.6 and 1.28.7, unchanged) and which are reconstructed (a source's or an issue's wording in
//! the frame it is printed in); how many there are of each is printed, and kept in step with docs/architecture.md.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use kubeadm::classify::{Class, Finding, Place, Texts, classify, matching, table};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

struct Case {
    file: String,
    who: String,
    class: String,
    others: BTreeSet<String>,
    recorded: bool,
    text: String,
}

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/classify")
}

fn cases() -> Vec<Case> {
    let list = std::fs::read_to_string(dir().join("cases.tsv")).unwrap();
    let cases: Vec<Case> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [file, who, class, others, kind, origin] = fields[..] else { panic!("six fields: {line}") };
            assert!(["recorded", "reconstructed"].contains(&kind), "{file} is {kind}");
            assert!(!origin.is_empty(), "{file} is known from nowhere");
            Case {
                file: file.into(),
                who: who.into(),
                class: class.into(),
                others: others.split(',').filter(|c| *c != "-").map(str::to_owned).collect(),
                recorded: kind == "recorded",
                text: std::fs::read_to_string(dir().join(file)).unwrap_or_else(|e| panic!("{file}: {e}")),
            }
        })
        .collect();
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    cases
}

fn findings(case: &Case) -> Vec<Finding> {
    classify(&match case.who.as_str() {
        "kubeadm" => Texts { kubeadm: &case.text, ..Texts::default() },
        "kubelet" => Texts { kubelet: &case.text, ..Texts::default() },
        "containerd" => Texts { runtime: &case.text, ..Texts::default() },
        other => panic!("{}: who is {other}?", case.file),
    })
}

#[test]
fn every_text_gives_its_class_and_no_other() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found: Vec<String> = findings(&case).iter().map(|finding| finding.class().name().to_owned()).collect();
        let first = found.first().map_or("-", String::as_str);
        let rest: BTreeSet<String> = found.iter().skip(1).cloned().collect();
        if first != case.class || rest != case.others {
            wrong.push(format!("{}: {found:?} instead of {} and {:?}", case.file, case.class, case.others));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_evidence_is_a_line_of_the_text() {
    for case in cases() {
        for finding in findings(&case) {
            let shown = finding.evidence.trim_end_matches('…');
            let clean: String = case.text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
            assert!(clean.lines().any(|line| line.trim().starts_with(shown)), "{}: {shown}", case.file);
        }
    }
}

#[test]
fn every_class_has_a_case_and_every_file_is_listed() {
    let cases = cases();
    let seen: BTreeSet<&str> =
        cases.iter().flat_map(|case| case.others.iter().map(String::as_str).chain([case.class.as_str()])).collect();
    for row in table() {
        assert!(row.wordings.is_empty() || seen.contains(row.class.name()), "no case shows {:?}", row.class);
    }
    let listed: BTreeSet<&str> = cases.iter().map(|case| case.file.as_str()).collect();
    for entry in std::fs::read_dir(dir()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "cases.tsv" || listed.contains(name.as_str()), "{name} is not in cases.tsv");
    }
}

/// Each wording alone, with something in its gaps, in the frame in which it counts.
#[test]
fn every_wording_gives_its_class() {
    for row in table() {
        for wording in row.wordings {
            let said = wording.text.replace("{}", "x");
            let trailer = "To see the stack trace of this error execute with --v=5 or higher\n";
            let progress = "[discovery] Retrying due to error: ";
            let (kubeadm, kubelet, runtime) = match wording.place {
                Place::Error | Place::Discovery => (format!("{said}\n{trailer}"), String::new(), String::new()),
                Place::Progress if said.contains("[discovery]") => {
                    (format!("I1120 token.go:1] {said}\n"), String::new(), String::new())
                }
                Place::Progress if said.starts_with("ConfigMap does not yet") => {
                    (format!("[discovery] The cluster-info {said}\n"), String::new(), String::new())
                }
                Place::Progress => (format!("I1120 token.go:1] {progress}{said}\n"), String::new(), String::new()),
                Place::Preflight if said.starts_with("[ERROR") => (format!("\t{said}\n"), String::new(), String::new()),
                Place::Preflight => (format!("\t[ERROR Any]: {said}\n"), String::new(), String::new()),
                Place::Warning => (format!("\t{said}\n"), String::new(), String::new()),
                Place::Output => (format!("{said}\n"), String::new(), String::new()),
                Place::Kubelet => (String::new(), format!("{said}\n"), String::new()),
                Place::Runtime => (String::new(), String::new(), format!("{said}\n")),
            };
            let found = classify(&Texts { kubeadm: &kubeadm, kubelet: &kubelet, runtime: &runtime });
            let classes: Vec<Class> = found.iter().map(Finding::class).collect();
            assert!(classes.contains(&row.class), "{:?} gives {classes:?} and not {:?}", wording.text, row.class);
        }
    }
}

/// Whole runs in which nothing went wrong: no line of them, said by anybody, is a row's.
#[test]
fn no_line_of_a_healthy_recording_matches_any_row() {
    let places = [
        Place::Error,
        Place::Preflight,
        Place::Warning,
        Place::Progress,
        Place::Output,
        Place::Kubelet,
        Place::Runtime,
    ];
    let healthy: Vec<Case> = cases().into_iter().filter(|case| case.recorded && case.file.contains("-ok")).collect();
    assert!(healthy.len() >= 9, "{}", healthy.len());
    let mut false_alarms = Vec::new();
    for case in &healthy {
        // The kubelet's journal of the good join begins with the end of an invocation before it, which is not the join's.
        let text = case.text.rsplit_once("Stopped kubelet.service").map_or(case.text.as_str(), |(_, joined)| joined);
        for line in text.lines() {
            for (place, row) in places.iter().flat_map(|place| table().map(move |row| (*place, row))) {
                if matching(row, place, line).is_some() {
                    false_alarms.push(format!("{}: {:?} as {place:?}: {line}", case.file, row.class));
                }
            }
        }
    }
    assert!(false_alarms.is_empty(), "\n{}", false_alarms.join("\n"));
}

/// What docs/architecture.md says of them.
#[test]
fn how_many_texts_are_recorded_and_how_many_reconstructed_is_told() {
    let cases = cases();
    let recorded = cases.iter().filter(|case| case.recorded).count();
    let words = format!("{recorded} recorded and {} reconstructed", cases.len() - recorded);
    println!("corpus: {words}");
    let told = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/architecture.md")).unwrap();
    assert!(told.contains(&words), "docs/architecture.md does not say {words:?}");
}

#[test]
fn what_mends_a_class_is_a_module() {
    let modules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../modules");
    for module in table().filter_map(|row| row.mended_by()) {
        assert!(modules.join(module).is_dir(), "{module}");
    }
}

#[test]
fn what_node_exists_names_can_be_used() {
    let text = std::fs::read_to_string(dir().join("kubeadm-1.22.6-node-exists-ready.txt")).unwrap();
    let found = classify(&Texts { kubeadm: &text, ..Texts::default() });
    assert_eq!(found[0].captures, ["w1"]);
}

#[test]
fn the_cause_in_the_journal_goes_before_kubeadms_time_out() {
    let cases: HashMap<String, String> = cases().into_iter().map(|case| (case.file, case.text)).collect();
    let texts = Texts {
        kubeadm: &cases["kubeadm-1.22-tls-bootstrap-timeout.txt"],
        kubelet: &cases["kubelet-1.27-swap-on.txt"],
        runtime: "",
    };
    assert_eq!(classify(&texts)[0].class(), Class::SwapOn);
}

#[test]
fn megabytes_are_looked_at_in_bounded_time() {
    let line = "I1120 23:22:38.198012     248 checks.go:101] validating the container runtime \u{fffd}\n";
    let text = line.repeat(8 << 20 >> 6);
    let began = std::time::Instant::now();
    assert!(classify(&Texts { kubeadm: &text, kubelet: &text, runtime: &text }).is_empty());
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 0usize..400, index in 0usize..1000) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        classify(&Texts { kubeadm: &text, kubelet: &text, runtime: &text });
        // A real text with a piece cut out of it, or rubbish in it.
        let cases = cases();
        let case = &cases[index % cases.len()];
        let mut mixed: Vec<char> = case.text.chars().collect();
        let at = cut.min(mixed.len());
        mixed.splice(at..at, text.chars().take(50));
        let mixed: String = mixed.into_iter().collect();
        classify(&Texts { kubeadm: &mixed, kubelet: &mixed, runtime: &mixed });
    }
}
