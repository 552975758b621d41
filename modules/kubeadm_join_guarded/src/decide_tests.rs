use super::*;
use crate::args::tests::args;
use kubeadm::classify::{Class, table};
use proptest::prelude::*;
use serde_json::json;

const LONG: Duration = Duration::from_secs(300);

fn tried(class: Class) -> Tried {
    Tried { row: class.row(), seconds: 5.0 }
}

#[test]
fn what_no_retry_can_help_ends_at_once() {
    for class in [
        Class::CaMismatch,
        Class::ClockBehind,
        Class::WrongSan,
        Class::VersionSkew,
        Class::CgroupV1Refused,
        Class::SwapOn,
        Class::TokenUnknown,
    ] {
        assert_eq!(next(&args(json!({})), &[tried(class)], LONG, 0.0), Next::GiveUp, "{class:?}");
    }
}

#[test]
fn each_remedy_belongs_to_its_class() {
    for (class, remedy) in [
        (Class::RuntimeDown, Remedy::RestartRuntime),
        (Class::IpForward, Remedy::FixKernel),
        (Class::InotifyExhausted, Remedy::RaiseLimits),
        (Class::Standalone, Remedy::FixKubelet),
        (Class::LeftoverFiles, Remedy::Clean(Cleanup::Leftovers)),
    ] {
        assert_eq!(next(&args(json!({})), &[tried(class)], LONG, 0.0), Next::Again { remedy, pause: Duration::ZERO });
    }
}

#[test]
fn a_cleanup_grows_only_as_far_as_allowed() {
    let history = [tried(Class::LeftoverFiles), tried(Class::LeftoverFiles)];
    assert_eq!(next(&args(json!({"cleanup": "leftovers"})), &history, LONG, 0.0), Next::GiveUp);
    let gentle = Next::Again { remedy: Remedy::Clean(Cleanup::Gentle), pause: Duration::ZERO };
    assert_eq!(next(&args(json!({"cleanup": "aggressive"})), &history, LONG, 0.0), gentle);
}

#[test]
fn retries_are_bounded_and_zero_means_one_attempt() {
    assert_eq!(next(&args(json!({"max_retries": 0})), &[tried(Class::ApiRefused)], LONG, 0.0), Next::GiveUp);
    let one = args(json!({"max_retries": 1}));
    assert!(matches!(next(&one, &[tried(Class::ApiRefused)], LONG, 0.0), Next::Again { .. }));
    assert_eq!(next(&one, &[tried(Class::ApiRefused), tried(Class::ApiTimeout)], LONG, 0.0), Next::GiveUp);
}

#[test]
fn a_stale_node_is_waited_for_without_counting_and_not_for_ever() {
    let wait = args(json!({"max_retries": 0}));
    let mut history = vec![tried(Class::NodeExists); 10];
    assert!(matches!(next(&wait, &history, LONG, 0.0), Next::Again { .. }));
    history.extend(vec![tried(Class::NodeExists); 20]);
    assert_eq!(next(&wait, &history, LONG, 0.0), Next::GiveUp);
    for policy in ["delete", "fail"] {
        let args = args(json!({"on_node_conflict": policy}));
        assert_eq!(next(&args, &[tried(Class::NodeExists)], LONG, 0.0), Next::GiveUp, "{policy}");
    }
}

#[test]
fn what_names_no_cause_is_tried_once_more_and_no_oftener() {
    let many = args(json!({"max_retries": 8}));
    for class in [Class::Unknown, Class::KubeletCrashing, Class::KubeletUnhealthy, Class::KubeadmTimedOut] {
        assert!(matches!(next(&many, &[tried(class)], LONG, 0.0), Next::Again { .. }), "{class:?}");
        assert_eq!(next(&many, &[tried(class), tried(class)], LONG, 0.0), Next::GiveUp, "{class:?}");
        // In between something that is known and mended: still the second guess.
        let history = [tried(class), tried(Class::RuntimeDown), tried(class)];
        assert_eq!(next(&many, &history, LONG, 0.0), Next::GiveUp, "{class:?}");
    }
}

#[test]
fn too_little_time_is_not_spent() {
    assert_eq!(next(&args(json!({})), &[tried(Class::ApiRefused)], Duration::from_secs(7), 0.0), Next::GiveUp);
}

proptest! {
    #[test]
    fn any_sequence_of_failures_ends_within_the_retries_and_the_time(
        classes in proptest::collection::vec(0usize..200, 100),
        jitter in 0.0f64..1.0,
    ) {
        let rows: Vec<_> = table().collect();
        let args = args(json!({"max_retries": 3}));
        let mut left = LONG;
        let mut history: Vec<Tried> = Vec::new();
        for index in classes {
            history.push(Tried { row: rows[index % rows.len()], seconds: 5.0 });
            left = left.saturating_sub(Duration::from_secs(5));
            match next(&args, &history, left, jitter) {
                Next::GiveUp => break,
                Next::Again { pause, remedy } => {
                    prop_assert!(pause <= Duration::from_secs(23));
                    prop_assert!(remedy != Remedy::Clean(Cleanup::Aggressive) || history.len() >= 3);
                    left = left.saturating_sub(pause);
                }
            }
        }
        let counted = history.iter().filter(|tried| tried.row.action != Action::ResolveNode).count();
        prop_assert!(counted <= 4, "{counted} attempts");
        prop_assert!(history.len() < 60);
    }
}
