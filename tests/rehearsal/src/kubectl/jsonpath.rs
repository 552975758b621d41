//! JSONPath as kubectl takes it: literals, fields, indexes, `[*]`, `?(@.x=="y")`, `range`/`end`.

use serde_json::Value;

/// Renders a template such as `{.items[*].metadata.name}`.
pub fn render(template: &str, root: &Value) -> Result<String, String> {
    let mut out = String::new();
    block(template, root, root, &mut out)?;
    Ok(out)
}

/// Renders up to the end of the text; `at` is what `.` means here.
fn block(template: &str, root: &Value, at: &Value, out: &mut String) -> Result<(), String> {
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let close = closing(&rest[open..]).ok_or_else(|| format!("unclosed action in {template:?}"))? + open;
        let action = rest[open + 1..close].trim();
        rest = &rest[close + 1..];
        if let Some(path) = action.strip_prefix("range ") {
            let (body, after) = until_end(rest).ok_or_else(|| "unexpected end of range".to_owned())?;
            for item in find(path.trim(), root, at)? {
                block(body, root, item, out)?;
            }
            rest = after;
        } else if let Some(text) = action.strip_prefix(['"', '\'']) {
            out.push_str(&text.trim_end_matches(['"', '\'']).replace("\\n", "\n").replace("\\t", "\t"));
        } else if action != "end" {
            let shown: Vec<String> = find(action, root, at)?.into_iter().map(plain).collect();
            out.push_str(&shown.join(" "));
        }
    }
    out.push_str(rest);
    Ok(())
}

fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '}') => return Some(index),
            _ => {}
        }
    }
    None
}

/// Splits at the `{end}` that belongs to an open range.
fn until_end(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut from) = (0, 0);
    while let Some(open) = text[from..].find('{').map(|at| at + from) {
        let close = closing(&text[open..])? + open;
        let action = text[open + 1..close].trim();
        if action.starts_with("range ") {
            depth += 1;
        } else if action == "end" {
            if depth == 0 {
                return Some((&text[..open], &text[close + 1..]));
            }
            depth -= 1;
        }
        from = close + 1;
    }
    None
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn step<'a>(found: Vec<&'a Value>, name: &str) -> Vec<&'a Value> {
    let name = name.replace("\\.", ".");
    found
        .into_iter()
        .flat_map(|value| if name == "*" { children(value) } else { value.get(&name).into_iter().collect() })
        .collect()
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// What a path such as `.status.conditions[?(@.type=="Ready")].status` finds.
fn find<'a>(path: &str, root: &'a Value, at: &'a Value) -> Result<Vec<&'a Value>, String> {
    let (mut found, mut rest) = match path.strip_prefix('$') {
        Some(rest) => (vec![root], rest),
        None => (vec![at], path.trim_start_matches('@')),
    };
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('[') {
            let close = bracket(tail).ok_or_else(|| format!("unterminated array in {path:?}"))?;
            let inner = &tail[..close];
            rest = &tail[close + 1..];
            if inner == "*" {
                found = found.into_iter().flat_map(children).collect();
            } else if let Some(test) = inner.strip_prefix("?(").and_then(|test| test.strip_suffix(')')) {
                found = found.into_iter().flat_map(children).filter(|item| passes(test, root, item)).collect();
            } else if let Ok(index) = inner.parse::<i64>() {
                found = found
                    .into_iter()
                    .filter_map(|value| {
                        let list = value.as_array()?;
                        list.get(if index < 0 {
                            list.len().checked_add_signed(index as isize)?
                        } else {
                            index as usize
                        })
                    })
                    .collect();
            } else {
                found = step(found, inner.trim_matches(['\'', '"']));
            }
        } else {
            let tail = rest.strip_prefix('.').unwrap_or(rest);
            let end = word_end(tail);
            if end > 0 {
                found = step(found, &tail[..end]);
            }
            if end == 0 && !tail.starts_with('[') && !tail.is_empty() {
                return Err(format!("unrecognized character in action: {tail:?}"));
            }
            rest = &tail[end..];
        }
    }
    Ok(found)
}

fn word_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    (0..bytes.len())
        .find(|&at| matches!(bytes[at], b'.' | b'[') && (at == 0 || bytes[at - 1] != b'\\'))
        .unwrap_or(bytes.len())
}

fn bracket(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (index, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(index),
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn passes(test: &str, root: &Value, item: &Value) -> bool {
    let value =
        |path: &str| find(path.trim(), root, item).ok().and_then(|found| found.first().map(|value| plain(value)));
    if let Some((path, wanted)) = test.split_once("==") {
        value(path).as_deref() == Some(wanted.trim().trim_matches(['"', '\'']))
    } else if let Some((path, wanted)) = test.split_once("!=") {
        value(path).as_deref() != Some(wanted.trim().trim_matches(['"', '\'']))
    } else {
        value(test).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use serde_json::json;

    #[test]
    fn paths_filters_and_ranges_are_rendered() {
        let list = json!({"items": [{"metadata": {"name": "a", "labels": {"x.y/z": "1"}}, "c": [{"type": "Ready", "status": "True"}]}, {"metadata": {"name": "b"}}]});
        assert_eq!(render("{.items[*].metadata.name}", &list).unwrap(), "a b");
        assert_eq!(render("{range .items[*]}{.metadata.name}{\"\\n\"}{end}", &list).unwrap(), "a\nb\n");
        assert_eq!(render("{.items[0].c[?(@.type==\"Ready\")].status}", &list).unwrap(), "True");
        assert_eq!(render("{.items[-1].metadata.name}", &list).unwrap(), "b");
        assert_eq!(render("{.items[0].metadata.labels.x\\.y/z}", &list).unwrap(), "1");
    }
}
