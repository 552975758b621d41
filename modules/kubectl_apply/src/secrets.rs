//! What a manifest's Secrets hold: values that an error of kubectl or the API server may quote, and the answer must not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubeadm::kubeconfig::yaml;
use serde_json::Value;

/// Shorter values stand in too many words.
const TELLING: usize = 4;

/// The secrets of one manifest.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    values: Vec<String>,
    /// A document that may be a Secret and cannot be read: nothing that quotes it can be shown.
    opaque: bool,
}

impl Secrets {
    /// Those in a text of YAML or JSON documents.
    pub fn of(text: &str) -> Self {
        let mut found = Secrets::default();
        let text = format!("\n{text}");
        for document in text.split("\n---").filter(|document| document.contains("Secret")) {
            match yaml(document) {
                Ok(object) => found.collect(&object),
                Err(_) => found.opaque = true,
            }
        }
        found.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        found
    }

    fn collect(&mut self, object: &Value) {
        object["items"].as_array().into_iter().flatten().for_each(|item| self.collect(item));
        if object["kind"] != "Secret" {
            return;
        }
        for value in
            ["data", "stringData"].iter().filter_map(|key| object[*key].as_object()).flat_map(|map| map.values())
        {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let decoded = STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let all = [STANDARD.encode(&text), text].into_iter().chain(decoded);
            self.values.extend(all.filter(|text| text.trim().len() >= TELLING));
        }
    }

    /// Words that somebody said about the manifest, without them.
    pub fn hide(&self, said: &str) -> String {
        if self.opaque {
            return "it was refused, and why is not shown, because a Secret that cannot be read may be quoted".into();
        }
        self.values.iter().fold(said.to_owned(), |said, value| said.replace(value.as_str(), "********"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_as_they_are_and_in_base64_and_names_are_not() {
        let text = "kind: ConfigMap\ndata: {a: public-value}\n---\nkind: Secret\nmetadata: {name: pass}\nstringData: {password: sesame, pin: 12345}\ndata: {key: b3Blbi13aWRl}\n";
        let said =
            Secrets::of(text).hide("Secret pass: sesame, c2VzYW1l, 12345, b3Blbi13aWRl, open-wide, public-value");
        assert_eq!(said, "Secret pass: ********, ********, ********, ********, ********, public-value");
    }

    #[test]
    fn a_list_is_looked_into_and_what_cannot_be_read_is_not_quoted() {
        let list = r#"{"kind": "List", "items": [{"kind": "Secret", "data": {"a": "c2VzYW1l"}}]}"#;
        assert_eq!(Secrets::of(list).hide("no sesame"), "no ********");
        assert!(!Secrets::of("kind: Secret\ndata: {a: [sesame\n").hide("near sesame").contains("sesame"));
        assert_eq!(Secrets::of("kind: ConfigMap\ndata: [\n").hide("line 2"), "line 2");
    }
}
