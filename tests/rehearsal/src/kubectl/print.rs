//! Tables and other forms of output.

use super::rows::{headers, row};
use super::{Line, Refusal, jsonpath};
use crate::kinds::Kind;
use crate::yaml::{self, text};
use serde_json::Value;

fn table(line: &Line, kind: &Kind, objects: &[Value]) {
    let wide = line.flag(&["o", "output"]) == Some("wide");
    let all = kind.namespaced && line.namespace().is_empty();
    let labels = line.on(&["show-labels"]);
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !line.on(&["no-headers"]) {
        let mut header: Vec<String> = headers(kind, wide).into_iter().map(str::to_owned).collect();
        if all {
            header.insert(0, "NAMESPACE".into());
        }
        if labels {
            header.push("LABELS".into());
        }
        rows.push(header);
    }
    for object in objects {
        let mut cells = row(kind, object, wide);
        if all {
            cells.insert(0, text(object, "/metadata/namespace").to_owned());
        }
        if labels {
            let list: Vec<String> = object["metadata"]["labels"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(label, value)| format!("{label}={}", value.as_str().unwrap_or_default()))
                .collect();
            cells.push(if list.is_empty() { "<none>".into() } else { list.join(",") });
        }
        rows.push(cells);
    }
    align(&rows);
}

/// Prints rows in columns as wide as their widest cell, three spaces apart.
fn align(rows: &[Vec<String>]) {
    let width = |column: usize| rows.iter().filter_map(|cells| cells.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    for cells in rows {
        let text: String = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}   ")).collect();
        println!("{}", text.trim_end());
    }
}

/// Prints objects in the form asked for. `list` is what `-o json` shows for more than one.
pub fn show(line: &Line, kind: &Kind, objects: &[Value], list: &Value) -> Result<(), Refusal> {
    let form = line.flag(&["o", "output"]).unwrap_or_default();
    let (form, argument) = form.split_once('=').unwrap_or((form, ""));
    match form {
        "json" => println!("{}", indented(list)),
        "yaml" => print!("{}", yaml::write(list)),
        "name" => objects.iter().for_each(|object| println!("{}/{}", kind.singular(), text(object, "/metadata/name"))),
        "jsonpath" => print!(
            "{}",
            jsonpath::render(argument, list)
                .map_err(|error| Refusal::new(format!("error: error parsing jsonpath {argument}, {error}")))?
        ),
        "custom-columns" => columns(argument, objects)?,
        "" | "wide" => table(line, kind, objects),
        other => {
            return Err(Refusal::new(format!(
                "error: unable to match a printer suitable for the output format {other:?}, allowed formats are: custom-columns,json,jsonpath,name,wide,yaml"
            )));
        }
    }
    Ok(())
}

/// JSON with four spaces, as kubectl indents it.
fn indented(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut writer =
        serde_json::Serializer::with_formatter(&mut bytes, serde_json::ser::PrettyFormatter::with_indent(b"    "));
    // A Value always serializes.
    let _ = serde::Serialize::serialize(&yaml::sorted(value), &mut writer);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn columns(spec: &str, objects: &[Value]) -> Result<(), Refusal> {
    let columns: Vec<(&str, &str)> = spec.split(',').filter_map(|column| column.split_once(':')).collect();
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(|(name, _)| (*name).to_owned()).collect()];
    for object in objects {
        let cell = |path: &str| {
            let found = jsonpath::render(&format!("{{{path}}}"), object);
            found.map(|text| if text.is_empty() { "<none>".to_owned() } else { text })
        };
        let cells: Result<Vec<String>, String> = columns.iter().map(|(_, path)| cell(path)).collect();
        rows.push(cells.map_err(|error| Refusal::new(format!("error: {error}")))?);
    }
    align(&rows);
    Ok(())
}
