//! diff: what apply would change.

use super::apply::{LAST, applied, objects, place};
use super::{Line, Refusal};
use crate::net::api::Api;
use crate::yaml::{self, text};
use serde_json::Value;

/// `kubectl diff -f`: exit status 1 when something would change.
pub fn diff(line: &Line, api: &Api) -> Result<u8, Refusal> {
    let mut different = false;
    for object in objects(line, api).map_err(|refusal| Refusal(refusal.0, 2))? {
        let (kind, collection) = place(line, &object)?;
        let name = text(&object, "/metadata/name").to_owned();
        let live = match api.get(&format!("{collection}/{name}")) {
            Ok(live) => live,
            Err(error) if error.is_not_found() => Value::Null,
            Err(error) => return Err(Refusal(Refusal::from(error).0, 2)),
        };
        let mut wanted = if live.is_null() { object.clone() } else { applied(&live, &object) };
        let mut live = live;
        for side in [&mut live, &mut wanted] {
            if let Some(notes) = side.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
                notes.shift_remove(LAST);
                if notes.is_empty() {
                    side["metadata"].as_object_mut().map(|map| map.shift_remove("annotations"));
                }
            }
        }
        if live != wanted {
            different = true;
            // As cmd/diff/diff.go names it, with nothing for the namespace of what has none.
            let namespace = collection.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next());
            let namespace = namespace.filter(|_| kind.namespaced).unwrap_or_default();
            let label = format!("{}.{}.{namespace}.{name}", kind.api_version().replace('/', "."), kind.kind);
            println!(
                "diff -u -N /tmp/LIVE/{label} /tmp/MERGED/{label}\n--- /tmp/LIVE/{label}\n+++ /tmp/MERGED/{label}"
            );
            let (old, new) = (yaml::write(&live), yaml::write(&wanted));
            let (old, new): (Vec<&str>, Vec<&str>) =
                (if live.is_null() { Vec::new() } else { old.lines().collect() }, new.lines().collect());
            old.iter().filter(|text| !new.contains(text)).for_each(|text| println!("-{text}"));
            new.iter().filter(|text| !old.contains(text)).for_each(|text| println!("+{text}"));
        }
    }
    Ok(u8::from(different))
}
