//! Objects by resource, namespace and name, each in a file of its own below etcd's data directory.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where an object is: `pods` or `apps/daemonsets`, namespace (empty when it has none), name.
pub type Key = (String, String, String);

/// All objects of the cluster.
pub struct Store {
    dir: PathBuf,
    objects: BTreeMap<Key, Value>,
    version: u64,
}

/// Makes a [`Key`].
pub fn key(resource: &str, namespace: &str, name: &str) -> Key {
    (resource.to_owned(), namespace.to_owned(), name.to_owned())
}

impl Store {
    /// Reads what `dir` holds; an empty or missing directory is an empty cluster.
    pub fn open(dir: PathBuf) -> Result<Self> {
        crate::place::dir(&dir, 0o700)?;
        let mut store = Self { dir, objects: BTreeMap::new(), version: 1 };
        for entry in std::fs::read_dir(&store.dir)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(parts) = name.strip_suffix(".json") else { continue };
            let parts: Vec<_> = parts.split('!').map(|part| part.replace("%2f", "/")).collect();
            let [resource, namespace, name] = parts.as_slice() else { continue };
            let text = std::fs::read_to_string(entry.path())?;
            let object: Value =
                serde_json::from_str(&text).with_context(|| format!("reading {}", entry.path().display()))?;
            let version =
                object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
            store.version = store.version.max(version);
            store.objects.insert(key(resource, namespace, name), object);
        }
        Ok(store)
    }

    fn file(&self, (resource, namespace, name): &Key) -> PathBuf {
        self.dir.join(format!("{}!{namespace}!{}.json", resource.replace('/', "%2f"), name.replace('/', "%2f")))
    }

    /// One object.
    pub fn get(&self, at: &Key) -> Option<&Value> {
        self.objects.get(at)
    }

    /// All objects of a resource, in one namespace or (None) in all.
    pub fn list<'a>(&'a self, resource: &'a str, namespace: Option<&'a str>) -> impl Iterator<Item = &'a Value> {
        let start = key(resource, "", "");
        self.objects
            .range(start..)
            .take_while(move |((of, _, _), _)| of == resource)
            .filter(move |((_, ns, _), _)| namespace.is_none_or(|wanted| wanted == ns))
            .map(|(_, object)| object)
    }

    /// Every key, for garbage collection.
    pub fn keys(&self) -> Vec<Key> {
        self.objects.keys().cloned().collect()
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Stores an object under a fresh resourceVersion; an object that does not differ stays as it is.
    pub fn put(&mut self, at: Key, mut object: Value) -> Result<Value> {
        if let Some(old) = self.objects.get(&at) {
            object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
            if *old == object {
                return Ok(object);
            }
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        crate::place::replace(self.file(&at), serde_json::to_vec(&object)?, 0o600)?;
        self.objects.insert(at, object.clone());
        Ok(object)
    }

    /// Takes an object away.
    pub fn remove(&mut self, at: &Key) -> Result<Option<Value>> {
        let Some(object) = self.objects.remove(at) else { return Ok(None) };
        self.version += 1;
        let file = self.file(at);
        std::fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
        Ok(Some(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path().to_owned()).unwrap();
        store.put(key("apps/daemonsets", "kube-system", "x"), json!({"metadata": {"name": "x"}})).unwrap();
        let store = Store::open(dir.path().to_owned()).unwrap();
        assert_eq!(store.list("apps/daemonsets", None).count(), 1);
        assert_eq!(store.version(), 2);
    }
}
