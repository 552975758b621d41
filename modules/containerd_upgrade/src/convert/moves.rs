//! Moving a key or a table to another place of a TOML document, with its comments.

use anyhow::{Context as _, bail};
use node::containerd::config::paths;
use toml_edit::{DocumentMut, Item, Key, Table, TableLike};

/// The table at `path`, to be changed.
pub fn table_mut<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Option<&'a mut dyn TableLike> {
    let mut at: &mut dyn TableLike = document.as_table_mut();
    for key in path {
        at = at.get_mut(key)?.as_table_like_mut()?;
    }
    Some(at)
}

/// Takes what is at `path` out of the document.
pub fn take(document: &mut DocumentMut, path: &[&str]) -> Option<(Key, Item)> {
    let (key, parents) = path.split_last()?;
    let table = table_mut(document, parents)?;
    let kept = table.key(key)?.clone();
    let item = table.remove(key).filter(|item| !item.is_none())?;
    Some((kept, item))
}

/// Takes a table out when nothing is in it any more.
pub fn drop_empty(document: &mut DocumentMut, path: &[&str]) {
    let empty = paths::table(document, path).is_some_and(|table| table.is_empty());
    let commented = match document_item(document, path) {
        Some(Item::Table(table)) => table.decor().prefix().and_then(|p| p.as_str()).is_some_and(|p| p.contains('#')),
        _ => false,
    };
    if empty && !commented {
        take(document, path);
    }
}

fn document_item<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a Item> {
    let (key, parents) = path.split_last()?;
    paths::table(document, parents)?.get(key)
}

/// Puts what was taken to `path`, whose last part may be another name. What is there already stays, and wins.
pub fn put(document: &mut DocumentMut, path: &[&str], taken: (Key, Item)) -> anyhow::Result<()> {
    let (old, item) = taken;
    let Some((key, parents)) = path.split_last() else { bail!("no key to move to") };
    if document_item(document, path).is_some_and(|there| !there.is_none()) {
        let (Some(_), true) = (paths::table(document, path), item.is_table_like()) else { return Ok(()) };
        let inner = item.as_table_like().map(|table| table.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>());
        let mut item = item;
        for name in inner.unwrap_or_default() {
            let Some(table) = item.as_table_like_mut() else { continue };
            let Some(kept) = table.key(&name).cloned() else { continue };
            let Some(value) = table.remove(&name) else { continue };
            put(document, &[path, &[name.as_str()]].concat(), (kept, value))?;
        }
        return Ok(());
    }
    match item {
        Item::Value(value) => {
            paths::set(document, path, value)?;
        }
        item => {
            ensure(document, parents)?.insert(key, item);
            return Ok(());
        }
    }
    let table = table_mut(document, parents).with_context(|| format!("finding {}", parents.join(".")))?;
    let prefix = old.leaf_decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
    if let (true, Some(mut key)) = (prefix.contains('#'), table.key_mut(key)) {
        key.leaf_decor_mut().set_prefix(prefix.to_owned());
    }
    Ok(())
}

/// The table at `path`, made where it is missing.
fn ensure<'a>(document: &'a mut DocumentMut, path: &[&str]) -> anyhow::Result<&'a mut dyn TableLike> {
    let mut at: &mut dyn TableLike = document.as_table_mut();
    for (depth, name) in path.iter().enumerate() {
        if at.get(name).is_none_or(Item::is_none) {
            let mut table = Table::new();
            table.set_implicit(true);
            at.insert(name, Item::Table(table));
        }
        let inner = at.get_mut(name).and_then(Item::as_table_like_mut);
        at = inner.with_context(|| format!("{} is not a table", path[..=depth].join(".")))?;
    }
    Ok(at)
}

/// Moves what is at `from` to `to`; says whether there was anything.
pub fn rename(document: &mut DocumentMut, from: &[&str], to: &[&str]) -> anyhow::Result<bool> {
    let Some(taken) = take(document, from) else { return Ok(false) };
    put(document, to, taken)?;
    Ok(true)
}

/// The names in a table.
pub fn names(document: &DocumentMut, path: &[&str]) -> Vec<String> {
    paths::table(document, path).map(|table| table.iter().map(|(key, _)| key.to_owned()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_moves_with_its_comments_and_the_rest_stays() {
        let mut document: DocumentMut =
            "# top\n[a]\n  # why\n  x = 1 # here\n  y = 2\n[a.b]\n  # inside\n  z = 3\n".parse().unwrap();
        assert!(rename(&mut document, &["a", "x"], &["c", "new"]).unwrap());
        assert!(rename(&mut document, &["a", "b"], &["c", "b"]).unwrap());
        assert!(!rename(&mut document, &["a", "nothing"], &["c", "q"]).unwrap());
        let text = document.to_string();
        assert!(text.starts_with("# top\n[a]\n  y = 2\n"), "{text}");
        assert!(
            text.contains("  # why\n  new = 1 # here\n") && text.contains("[c.b]\n  # inside\n  z = 3\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_at_the_new_place_already_wins() {
        let mut document: DocumentMut = "[a]\nx = 1\ny = 2\n[b]\nx = 9\n".parse().unwrap();
        rename(&mut document, &["a"], &["b"]).unwrap();
        let text = document.to_string();
        assert!(text.contains("x = 9") && text.contains("y = 2") && !text.contains("x = 1"), "{text}");
    }
}
