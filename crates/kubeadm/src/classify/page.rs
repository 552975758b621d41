//! The page of the documentation that lists every class: printed from the table, so that it cannot say anything else.

use super::row::{Place, Row};
use super::rows::table;
use std::fmt::Write;

/// The text of docs/failures.md.
pub fn page() -> String {
    let mut text = String::from(
        "# Why a join fails\n\n\
         What `kubeadm_join_guarded` and `kubeadm_init_guarded` call a failure (`failure_class`), what it means and what is done about\n\
         it. This page is printed from the table that they classify with, `crates/kubeadm/src/classify`: change it there, then `make docs`.\n\n\
         `next_action` is what is left to do when the module gives up; what it could do itself, it has done by then. A class that says\n\
         nothing of the cause is tried once more and no oftener.\n\n\
         | `failure_class` | means | `next_action` | mended by |\n|---|---|---|---|\n",
    );
    let mut rows: Vec<&Row> = table().collect();
    rows.sort_by_key(|row| row.class as usize);
    for row in &rows {
        let name = row.class.name();
        let by = row.mended_by().map_or("a person".to_owned(), |module| format!("`{module}`"));
        let means = row.explanation.replacen(" {}", "", 1).replace('|', "\\|");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| <a id=\"{name}\"></a>`{name}` | {means} | `{}` | {by} |", row.action.name());
    }
    text.push_str(
        "\n## How each is recognised\n\n\
         By these words, where `{}` stands for anything; quotes count however often they are escaped. The numbers are the minor\n\
         releases known to print a wording. A class without words is seen: in a certificate signing request, in who holds a port,\n\
         in the API's answer.\n",
    );
    for row in rows.iter().filter(|row| !row.wordings.is_empty()) {
        let _ = writeln!(text, "\n**{}**\n", row.class.name());
        for wording in row.wordings {
            let _ = writeln!(
                text,
                "- {} 1.{} to 1.{}: `` {} `` ({})",
                speaker(wording.place),
                wording.since,
                wording.until,
                wording.text.trim(),
                wording.origin
            );
        }
    }
    text
}

fn speaker(place: Place) -> &'static str {
    match place {
        Place::Error => "kubeadm, final",
        Place::Preflight => "kubeadm, failed check",
        Place::Warning => "kubeadm, warning",
        Place::Progress => "kubeadm, while it tries",
        Place::Discovery => "kubeadm, final or while it tries",
        Place::Output => "kubeadm, output",
        Place::Kubelet => "kubelet",
        Place::Runtime => "container runtime",
    }
}
