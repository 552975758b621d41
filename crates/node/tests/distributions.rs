//! The page about distributions says what the modules go by.
#![allow(clippy::unwrap_used, reason = "a test may")]

#[allow(dead_code, reason = "its main prints the page")]
#[path = "../examples/distributions.rs"]
mod distributions;

#[test]
fn the_page_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/distributions.md");
    assert_eq!(std::fs::read_to_string(path).unwrap(), distributions::page(), "make docs writes it");
}
