//! The table of failure classes: one row each, its wordings grouped in a file per speaker.
//!
//! A row refuses to be vague: it says in one sentence what is wrong and what helps, and what may be done about it.
//! `since`/`until` are the minor releases known to print a wording; they document, they do not filter, because an
//! unforeseen release that still prints the same words means the same thing by them.

mod cluster;
mod control_plane;
mod crash;
mod discovery;
mod kubelet;
mod network;
mod preflight;
mod runtime;
mod seen;
mod trust;
mod way;

use super::Class;
use super::row::{Action, Place, Row, Weight, permanent, retryable, says, symptom, unnamed};

/// All rows, one for each class.
pub fn table() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

const TABLES: [&[Row]; 11] = [
    crash::ROWS,
    way::ROWS,
    trust::ROWS,
    discovery::ROWS,
    cluster::ROWS,
    control_plane::ROWS,
    preflight::ROWS,
    kubelet::ROWS,
    runtime::ROWS,
    network::ROWS,
    seen::ROWS,
];

impl Class {
    /// What is known about it. That each class has exactly one row is checked while this is compiled.
    pub fn row(self) -> &'static Row {
        let (table, index) = PLACES[self as usize];
        &TABLES[table][index]
    }
}

/// Where each class stands in [`TABLES`].
const PLACES: [(usize, usize); Class::ALL.len()] = places();

const fn places() -> [(usize, usize); Class::ALL.len()] {
    let mut places = [(usize::MAX, 0); Class::ALL.len()];
    let mut table = 0;
    while table < TABLES.len() {
        let mut index = 0;
        while index < TABLES[table].len() {
            let class = TABLES[table][index].class as usize;
            assert!(places[class].0 == usize::MAX, "a class has two rows");
            places[class] = (table, index);
            index += 1;
        }
        table += 1;
    }
    let mut class = 0;
    while class < places.len() {
        assert!(places[class].0 != usize::MAX, "a class has no row");
        class += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_leads_to_its_own_row() {
        for class in Class::ALL {
            assert_eq!(class.row().class, *class);
        }
        assert_eq!(table().count(), Class::ALL.len());
    }

    #[test]
    fn every_wording_is_specific_and_has_a_version_range_and_an_origin() {
        for row in table() {
            for wording in row.wordings {
                let literal: usize = wording.text.split("{}").map(str::len).sum();
                assert!(literal >= 10, "{:?}: \"{}\" is too short to be certain", row.class, wording.text);
                assert!(
                    20 <= wording.since && wording.since <= wording.until && wording.until <= 38,
                    "{:?}",
                    row.class
                );
                assert!(!wording.origin.is_empty(), "{:?}", row.class);
            }
        }
    }

    #[test]
    fn explanations_are_one_sentence_for_a_human() {
        for row in table() {
            let text = row.explanation;
            assert!((40..=270).contains(&text.len()), "{:?}: {} characters", row.class, text.len());
            assert!(!text.ends_with('.') && !text.contains(". "), "{:?}: {text}", row.class);
        }
    }

    #[test]
    fn what_must_stop_is_never_called_safe_to_retry() {
        for row in table().filter(|row| row.action == Action::Stop) {
            assert!(!row.retry_safe, "{:?}", row.class);
        }
    }
}
