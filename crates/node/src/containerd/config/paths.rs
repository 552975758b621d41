//! Reaching into a TOML document by path, and setting one value there so that everything else stays as it was.

use anyhow::bail;
use toml_edit::{Decor, DocumentMut, Item, Table, TableLike, Value};

/// The table at `path`, or `None` when it is not there. Something else in its place is also `None`.
pub fn table<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a dyn TableLike> {
    let mut at: &dyn TableLike = document.as_table();
    for key in path {
        at = at.get(key)?.as_table_like()?;
    }
    Some(at)
}

/// The value at `path`.
pub fn value<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a Value> {
    let (key, parents) = path.split_last()?;
    table(document, parents)?.get(key)?.as_value()
}

/// Sets the value at `path`, makes the tables that lead there when they are missing, and says whether anything changed.
/// A comment behind the old value and the key's place stay.
pub fn set(document: &mut DocumentMut, path: &[&str], new: impl Into<Value>) -> anyhow::Result<bool> {
    let (new, mut indent) = (new.into(), Indent::default());
    let Some((key, parents)) = path.split_last() else { bail!("no key to set") };
    let mut inline = false;
    let mut at: &mut dyn TableLike = document.as_table_mut();
    for (depth, name) in parents.iter().enumerate() {
        let missing = at.get(name).is_none_or(Item::is_none);
        if missing {
            let table = new_table(at, &indent, depth + 1 == parents.len());
            let end = last_value_end(at, inline);
            at.insert(name, table);
            close(at, name, end);
        }
        let Some(item) = at.get_mut(name) else { bail!("making the table {}", path[..=depth].join(".")) };
        if let Item::Table(table) = item {
            indent.descend(table, missing);
        }
        inline |= item.is_inline_table();
        let Some(inner) = item.as_table_like_mut() else {
            bail!("{} is no table", path[..=depth].join("."));
        };
        at = inner;
    }
    match at.get_mut(key) {
        Some(Item::Value(old)) => {
            if same(old, &new) {
                return Ok(false);
            }
            let decor: Decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        Some(Item::None) | None => {
            let prefix = key_prefix(at, &indent);
            let end = last_value_end(at, inline);
            at.insert(key, Item::Value(new));
            close(at, key, end);
            if let (Some(prefix), Some(mut key)) = (prefix, at.key_mut(key)) {
                key.leaf_decor_mut().set_prefix(prefix);
            }
        }
        Some(_) => bail!("{} is a table, not a value", path.join(".")),
    }
    Ok(true)
}

/// Takes the comments at the end of a file without any `[header]`: they are about the top level (`#root = ...`), and must
/// not come to stand inside a table that is made. [`give_back`] puts them before the first one.
pub fn take_closing_comments(document: &mut DocumentMut) -> Option<String> {
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    if trailing.trim().is_empty() || has_header(document.as_table()) {
        return None;
    }
    document.set_trailing("");
    Some(trailing)
}

/// Puts them back: before the first header there is now, or at the end again.
pub fn give_back(document: &mut DocumentMut, comments: String) {
    match first_header(document.as_table_mut()) {
        Some(table) => table.decor_mut().set_prefix(format!("{comments}\n")),
        None => document.set_trailing(comments),
    }
}

fn has_header(table: &Table) -> bool {
    table.iter().any(|(_, item)| match item {
        Item::ArrayOfTables(_) => true,
        Item::Table(inner) => !inner.is_dotted() || has_header(inner),
        _ => false,
    })
}

/// The first table below this one that is written with a header of its own.
fn first_header(table: &mut Table) -> Option<&mut Table> {
    for (_, item) in table.iter_mut() {
        let Item::Table(inner) = item else { continue };
        let leads_on = inner.is_implicit() && inner.get_values().is_empty();
        if !inner.is_dotted() && !leads_on {
            return Some(inner);
        }
        if let Some(found) = first_header(inner) {
            return Some(found);
        }
    }
    None
}

/// The blank before the `}` of an inline table belongs to its last value: taken from it here, and given to the new last
/// one in [`close`].
fn last_value_end(table: &mut dyn TableLike, inline: bool) -> Option<String> {
    let (_, last) = table.iter_mut().last().filter(|_| inline)?;
    let decor = last.as_value_mut()?.decor_mut();
    let end = decor.suffix().and_then(|s| s.as_str()).unwrap_or_default().to_owned();
    decor.set_suffix("");
    Some(end)
}

fn close(table: &mut dyn TableLike, key: &str, end: Option<String>) {
    if let (Some(end), Some(value)) = (end, table.get_mut(key).and_then(|i| i.as_value_mut())) {
        value.decor_mut().set_suffix(end);
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.value() == b.value(),
        (Value::Boolean(a), Value::Boolean(b)) => a.value() == b.value(),
        (Value::Integer(a), Value::Integer(b)) => a.value() == b.value(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)),
        _ => false,
    }
}

/// A table of the kind its parent needs: TOML forbids a `[header]` inside an inline table or below a dotted key.
fn new_table(parent: &dyn TableLike, indent: &Indent, last: bool) -> Item {
    let mut table = Table::new();
    if parent.is_dotted() {
        table.set_dotted(true);
    } else {
        // Without keys of its own a table that only leads further needs no header.
        table.set_implicit(!last);
        if let Some(header) = &indent.header {
            table.decor_mut().set_prefix(format!("\n{header}  "));
        }
    }
    // An inline parent turns it into an inline table by itself.
    Item::Table(table)
}

/// The indentation of the headers on the way down, where a file indents them.
#[derive(Default)]
struct Indent {
    header: Option<String>,
}

impl Indent {
    fn descend(&mut self, table: &Table, new: bool) {
        if table.is_implicit() || table.is_dotted() {
            return;
        }
        let prefix = table.decor().prefix().and_then(|p| p.as_str()).unwrap_or_default();
        let blanks = prefix.rsplit('\n').next().unwrap_or_default();
        let is_blank = blanks.chars().all(|c| c == ' ' || c == '\t');
        if is_blank && (!blanks.is_empty() || (new && self.header.is_some())) {
            self.header = Some(blanks.to_owned());
        }
    }
}

/// What stands before a new key: what stands before its neighbours, or two blanks more than before the header.
fn key_prefix(table: &dyn TableLike, indent: &Indent) -> Option<String> {
    let mut last = None;
    for (name, item) in table.iter() {
        if item.is_value()
            && let Some(key) = table.key(name)
        {
            last = key.leaf_decor().prefix().and_then(|p| p.as_str()).or(last);
        }
    }
    let blanks = match last {
        Some(prefix) => prefix.rsplit('\n').next().unwrap_or_default().to_owned(),
        None => format!("{}  ", indent.header.as_ref()?),
    };
    blanks.chars().all(|c| c == ' ' || c == '\t').then_some(blanks)
}
