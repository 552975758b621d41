//! Which manifests are applied. Pure.

use crate::args::Manifest;
use crate::observe::{Compared, State};
use crate::words::Object;
use ansible::{Diff, Failure};

/// The manifests with something to apply, in order.
#[derive(Clone, Default)]
pub struct Plan {
    /// What kubectl is given.
    pub apply: Vec<Manifest>,
    /// What becomes of each object, as far as that can be told before.
    pub objects: Vec<Object>,
    diff: Vec<Diff>,
}

/// Decides. Refuses all of it when any manifest cannot be applied.
pub fn plan(state: &State) -> anyhow::Result<Plan> {
    let State::Compared(manifests) = state else { return Ok(Plan::default()) };
    let mut plan = Plan::default();
    let mut refused = Vec::new();
    for (manifest, compared) in manifests {
        match compared {
            Compared::Same => continue,
            Compared::Differs(differences) => {
                for one in differences {
                    let state = if one.is_new() { "created" } else { "configured" };
                    plan.add(manifest, one.object(), state.to_owned());
                    plan.diff.push(Diff::new(format!("{}: {}", manifest.file, one.object()), &one.before, &one.after));
                }
            }
            // By now it is known what those before will make.
            Compared::Awaits(name) if plan.makes(name) => {
                let header = format!("{}: what needs {name}", manifest.file);
                plan.add(manifest, format!("what needs {name}"), "created".into());
                plan.diff.push(Diff::new(header, "", format!("comes after {name}, which is made first\n")));
            }
            Compared::Awaits(name) => {
                refused.push(format!(
                    "{}: the cluster has no {name}, and no manifest before this one makes it",
                    manifest.file
                ));
            }
            Compared::Refused(why) => refused.push(format!("{}: {why}", manifest.file)),
        }
        plan.apply.push(manifest.clone());
    }
    if refused.is_empty() {
        return Ok(plan);
    }
    Err(Failure::new(format!("nothing was applied: {}", refused.join("; "))).field("refused", refused).into())
}

impl Plan {
    fn add(&mut self, manifest: &Manifest, object: String, state: String) {
        self.objects.push(Object { file: manifest.file.clone(), object, state });
    }

    /// Whether a namespace or a definition of this name is among what is made: a definition names its kind.
    fn makes(&self, name: &str) -> bool {
        let namespace = format!("namespace/{name}");
        let named = |diff: &Diff| diff.after.lines().any(|line| line.trim() == format!("kind: {name}"));
        self.objects.iter().any(|one| one.object == namespace)
            || self.diff.iter().any(|diff| diff.after_header.contains("customresourcedefinition") && named(diff))
    }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.apply.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        self.diff.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;
    use crate::words::Difference;
    use ansible::Plan as _;

    fn manifest(file: &str) -> Manifest {
        Manifest { file: file.into(), text: "x".into(), server_side: false, secrets: Secrets::default() }
    }

    fn new(label: &str, after: &str) -> Compared {
        Compared::Differs(vec![Difference { label: label.into(), before: String::new(), after: after.into() }])
    }

    fn planned(all: Vec<(&str, Compared)>) -> anyhow::Result<Plan> {
        plan(&State::Compared(all.into_iter().map(|(file, compared)| (manifest(file), compared)).collect()))
    }

    #[test]
    fn only_what_differs_is_applied_and_nothing_the_second_time() {
        let plan = planned(vec![("a", Compared::Same), ("b", new("v1.ConfigMap.default.b", "x\n"))]).unwrap();
        assert_eq!(plan.apply.iter().map(|one| one.file.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!((plan.objects[0].object.as_str(), plan.objects[0].state.as_str()), ("configmap/b", "created"));
        assert!(planned(vec![("a", Compared::Same), ("b", Compared::Same)]).unwrap().is_empty());
    }

    #[test]
    fn what_waits_for_a_namespace_or_a_definition_of_the_same_run_is_applied_after_it() {
        let namespace = new("v1.Namespace..shop", "kind: Namespace\n");
        let definition =
            new("apiextensions.k8s.io.v1.CustomResourceDefinition..w.example.com", "  names:\n    kind: Widget\n");
        let after = |first, name: &str| planned(vec![("a", first), ("b", Compared::Awaits(name.into()))]);
        assert_eq!(after(namespace.clone(), "shop").unwrap().apply.len(), 2);
        assert_eq!(after(definition, "Widget").unwrap().apply.len(), 2);
        let Err(error) = after(namespace, "Widget") else { panic!("it must be refused") };
        assert!(error.to_string().contains("b: the cluster has no Widget"), "{error}");
    }

    #[test]
    fn one_that_is_refused_keeps_all_from_being_applied() {
        let all = vec![("a", new("v1.ConfigMap.default.a", "x\n")), ("b", Compared::Refused("Forbidden".into()))];
        let Err(error) = planned(all) else { panic!("it must be refused") };
        assert_eq!(error.to_string(), "nothing was applied: b: Forbidden");
    }
}
