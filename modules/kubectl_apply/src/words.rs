//! What kubectl says, read: the objects of `kubectl diff` and `kubectl apply`, and its errors without what they quote.

use serde::Serialize;

/// One object that would be, or was, made or changed. Its names are those of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Object {
    /// The file it is in.
    pub file: String,
    /// As kubectl calls it, such as `deployment.apps/web`.
    pub object: String,
    /// `created`, `configured`, `unchanged`, `serverside-applied`.
    pub state: String,
}

/// One object of `kubectl diff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `apps.v1.Deployment.front.web`.
    pub label: String,
    /// As it is, as far as it is shown; empty when it is not there.
    pub before: String,
    /// As it would be.
    pub after: String,
}

impl Difference {
    /// As kubectl calls the object.
    pub fn object(&self) -> String {
        let parts: Vec<&str> = self.label.split('.').collect();
        let kind = parts.iter().position(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
        let Some(kind) = kind.filter(|at| *at > 0 && parts.len() > at + 2) else { return self.label.clone() };
        let group = parts[..kind - 1].join(".");
        let dot = if group.is_empty() { "" } else { "." };
        format!("{}{dot}{group}/{}", parts[kind].to_lowercase(), parts[kind + 2..].join("."))
    }

    /// Whether the object is not there yet.
    pub fn is_new(&self) -> bool {
        self.before.is_empty()
    }
}

/// What `kubectl diff` prints: one section per object, as `diff -u -N` of two directories has it. Of a Secret nothing but
/// that it differs: an annotation beside its data, which kubectl masks, may hold the data again.
pub fn differences(text: &str) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    for line in text.lines() {
        if let Some(paths) = line.strip_prefix("diff -") {
            let label = paths.rsplit('/').next().unwrap_or_default().to_owned();
            found.push(Difference { label, before: String::new(), after: String::new() });
            continue;
        }
        let Some(last) = found.last_mut() else { continue };
        let header = line.starts_with("--- ") || line.starts_with("+++ ") || line.starts_with('\\');
        if header && last.before.is_empty() && last.after.is_empty() || line.starts_with("@@") {
            continue;
        }
        match line.split_at_checked(1) {
            Some(("-", rest)) => last.before += &format!("{rest}\n"),
            Some(("+", rest)) => last.after += &format!("{rest}\n"),
            Some((" ", rest)) => {
                last.before += &format!("{rest}\n");
                last.after += &format!("{rest}\n");
            }
            _ => {}
        }
    }
    for secret in found.iter_mut().filter(|difference| difference.label.starts_with("v1.Secret.")) {
        let shown = |text: &str, words: &str| if text.is_empty() { String::new() } else { format!("{words}\n") };
        secret.before = shown(&secret.before, "a Secret, which is not shown");
        secret.after = shown(&secret.after, "another Secret, which is not shown");
    }
    found
}

/// The objects of `kubectl apply`, a line each: `deployment.apps/web configured`.
pub fn objects(file: &str, text: &str) -> Vec<Object> {
    let states = ["created", "configured", "unchanged", "serverside-applied"];
    let read = |line: &str| {
        let (object, state) = line.trim().split_once(' ')?;
        let known = states.contains(&state);
        known.then(|| Object { file: file.to_owned(), object: object.to_owned(), state: state.to_owned() })
    };
    text.lines().filter_map(read).collect()
}

/// kubectl's error as one line. Left out is what quotes an object: a patch that the server refused (`error when applying
/// patch:` … `to:` … `for:`, cmd/apply/patcher.go), an object without a kind (`is missing in '…'`, runtime/error.go), and the
/// surroundings of what cannot be decoded (`...|…|...`, json-iterator).
pub fn error(stderr: &str) -> String {
    let mut kept = String::new();
    let mut quoting = false;
    for line in stderr.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if quoting && line.starts_with("for: ") {
            quoting = false;
        }
        if quoting || line.starts_with("Warning: ") {
            continue;
        }
        let (words, rest) =
            line.split_once("is missing in '").map_or((line, None), |(words, rest)| (words, Some(rest)));
        kept += if kept.is_empty() { "" } else { " " };
        kept += words;
        if rest.is_some() {
            kept += "is missing";
        }
        quoting = line.contains("applying patch:");
    }
    let kept = unquoted(&kept);
    if kept.is_empty() { "kubectl did not say why".into() } else { kept }
}

/// Without what stands between `...|` and `|...`.
fn unquoted(text: &str) -> String {
    let mut parts = text.split("...|");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept += "...";
        kept += part.rsplit_once("|...").map_or("", |(_, rest)| rest);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff -u -N /tmp/LIVE-1/apps.v1.Deployment.front.web /tmp/MERGED-2/apps.v1.Deployment.front.web
--- /tmp/LIVE-1/apps.v1.Deployment.front.web\t2026-11-27 03:00:00
+++ /tmp/MERGED-2/apps.v1.Deployment.front.web\t2026-11-27 03:00:00
@@ -6,7 +6,7 @@
   name: web
 spec:
-  replicas: 1
+  replicas: 2
diff -u -N /tmp/LIVE-1/v1.Secret.front.pass /tmp/MERGED-2/v1.Secret.front.pass
--- /tmp/LIVE-1/v1.Secret.front.pass
+++ /tmp/MERGED-2/v1.Secret.front.pass
@@ -0,0 +1,2 @@
+data:
+  password: topsecret
";

    #[test]
    fn each_object_of_a_diff_is_read_and_a_secret_is_not_shown() {
        let found = differences(DIFF);
        let names: Vec<String> = found.iter().map(Difference::object).collect();
        assert_eq!(names, ["deployment.apps/web", "secret/pass"]);
        assert_eq!(found[0].before, "  name: web\nspec:\n  replicas: 1\n");
        assert!(found[0].after.contains("replicas: 2") && !found[0].is_new() && found[1].is_new());
        assert!(!format!("{found:?}").contains("topsecret"), "{found:?}");
    }

    #[test]
    fn objects_without_a_group_or_with_dots_in_their_name_are_read() {
        let of = |label: &str| Difference { label: label.into(), before: String::new(), after: String::new() }.object();
        assert_eq!(of("v1.Namespace..shop"), "namespace/shop");
        assert_eq!(
            of("apiextensions.k8s.io.v1.CustomResourceDefinition..shops.example.com"),
            "customresourcedefinition.apiextensions.k8s.io/shops.example.com"
        );
        assert_eq!(of("strange"), "strange");
    }

    #[test]
    fn a_refused_patch_is_told_without_the_patch() {
        let said = "Warning: resource secrets/pass is missing the annotation\nError from server (Invalid): error when applying patch:\n{\"stringData\":{\"a\":\"topsecret\"}}\nto:\nResource: \"/v1, Resource=secrets\", GroupVersionKind: \"/v1, Kind=Secret\"\nName: \"pass\", Namespace: \"default\"\nfor: \"STDIN\": Secret \"pass\" is invalid: type: field is immutable\n";
        assert_eq!(
            error(said),
            "Error from server (Invalid): error when applying patch: for: \"STDIN\": Secret \"pass\" is invalid: type: field is immutable"
        );
        assert_eq!(
            error("error: unable to decode \"STDIN\": Object 'Kind' is missing in '{\"data\":\"topsecret\"}'"),
            "error: unable to decode \"STDIN\": Object 'Kind' is missing"
        );
        assert_eq!(error(" \n"), "kubectl did not say why");
        // As kube-apiserver 1.20.2 answers.
        let decoding = "Error from server (BadRequest): illegal base64 data at input byte 6, error found in #10 byte of ...|\"sesame%%\"},\"kind\":\"|..., bigger context ...|{\"data\":{\"password\":\"sesame%%\"},|...";
        assert_eq!(
            error(decoding),
            "Error from server (BadRequest): illegal base64 data at input byte 6, error found in #10 byte of ..., bigger context ..."
        );
    }

    #[test]
    fn what_was_applied_is_read_and_other_words_are_not() {
        let all = objects("a.yaml", "configmap/one created\nWarning: old\ndeployment.apps/web unchanged\n");
        let told: Vec<(&str, &str)> = all.iter().map(|o| (o.object.as_str(), o.state.as_str())).collect();
        assert_eq!(told, [("configmap/one", "created"), ("deployment.apps/web", "unchanged")]);
    }
}
