//! The resources the stand-in cluster knows, and how they are named, grouped and abbreviated.

use crate::yaml::text;
use serde_json::Value;
use std::sync::Mutex;

/// One resource.
#[derive(PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for the core
    pub group: &'static str,
    /// API version
    pub version: &'static str,
    /// name in URLs
    pub plural: &'static str,
    /// name in objects
    pub kind: &'static str,
    /// lives in a namespace
    pub namespaced: bool,
    /// abbreviations kubectl takes
    pub short: &'static [&'static str],
}

const fn row(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
    short: &'static [&'static str],
) -> Kind {
    Kind { group, version, plural, kind, namespaced, short }
}

/// All of them.
pub const TABLE: &[Kind] = &[
    row("", "v1", "nodes", "Node", false, &["no"]),
    row("", "v1", "pods", "Pod", true, &["po"]),
    row("", "v1", "namespaces", "Namespace", false, &["ns"]),
    row("", "v1", "configmaps", "ConfigMap", true, &["cm"]),
    row("", "v1", "secrets", "Secret", true, &[]),
    row("", "v1", "services", "Service", true, &["svc"]),
    row("", "v1", "endpoints", "Endpoints", true, &["ep"]),
    row("", "v1", "events", "Event", true, &["ev"]),
    row("", "v1", "serviceaccounts", "ServiceAccount", true, &["sa"]),
    row("", "v1", "persistentvolumes", "PersistentVolume", false, &["pv"]),
    row("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, &["pvc"]),
    row("", "v1", "limitranges", "LimitRange", true, &["limits"]),
    row("", "v1", "resourcequotas", "ResourceQuota", true, &["quota"]),
    row("apps", "v1", "daemonsets", "DaemonSet", true, &["ds"]),
    row("apps", "v1", "deployments", "Deployment", true, &["deploy"]),
    row("apps", "v1", "replicasets", "ReplicaSet", true, &["rs"]),
    row("apps", "v1", "statefulsets", "StatefulSet", true, &["sts"]),
    row("batch", "v1", "jobs", "Job", true, &[]),
    row("batch", "v1", "cronjobs", "CronJob", true, &["cj"]),
    row("coordination.k8s.io", "v1", "leases", "Lease", true, &[]),
    row("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", false, &["csr"]),
    row("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false, &[]),
    row("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false, &[]),
    row("rbac.authorization.k8s.io", "v1", "roles", "Role", true, &[]),
    row("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true, &[]),
    row("networking.k8s.io", "v1", "ingresses", "Ingress", true, &["ing"]),
    row("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, &["netpol"]),
    row("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, &["pdb"]),
    row("policy", "v1beta1", "podsecuritypolicies", "PodSecurityPolicy", false, &["psp"]),
    row("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false, &["crd", "crds"]),
    row("storage.k8s.io", "v1", "storageclasses", "StorageClass", false, &["sc"]),
    row("storage.k8s.io", "v1", "csinodes", "CSINode", false, &[]),
    row("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false, &["pc"]),
    row("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, &["hpa"]),
];

impl Kind {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The collection's URL path.
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", self.group) };
        match self.namespaced && !namespace.is_empty() {
            true => format!("{root}/{}/namespaces/{namespace}/{}", self.version, self.plural),
            false => format!("{root}/{}/{}", self.version, self.plural),
        }
    }

    /// `nodes` or `daemonsets.apps`, as error messages say it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.into() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `node` or `daemonset.apps`, as kubectl's success lines say it.
    pub fn singular(&self) -> String {
        let lower = self.kind.to_lowercase();
        if self.group.is_empty() { lower } else { format!("{lower}.{}", self.group) }
    }
}

/// What custom resource definitions have added, each kept for good: a program here runs for one command, or knows few.
static DEFINED: Mutex<Vec<&'static Kind>> = Mutex::new(Vec::new());

/// The resource that a custom resource definition adds.
pub fn of_definition(definition: &Value) -> &'static Kind {
    let leak = |path: &str| -> &'static str { Box::leak(text(definition, path).to_owned().into_boxed_str()) };
    let kind = Kind {
        group: leak("/spec/group"),
        version: leak("/spec/versions/0/name"),
        plural: leak("/spec/names/plural"),
        kind: leak("/spec/names/kind"),
        namespaced: text(definition, "/spec/scope") != "Cluster",
        short: &[],
    };
    let mut defined = DEFINED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = defined.iter().find(|known| ***known == kind) {
        return known;
    }
    let kind: &'static Kind = Box::leak(Box::new(kind));
    defined.push(kind);
    kind
}

/// All that are known: the table's, and those that definitions added.
fn all() -> Vec<&'static Kind> {
    let defined = DEFINED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    TABLE.iter().chain(defined.iter().copied()).collect()
}

/// A resource by what kubectl's user typed: plural, singular, abbreviation, or `plural.group`.
pub fn by_word(word: &str) -> Option<&'static Kind> {
    let word = word.to_lowercase();
    let plain = word.split('.').next().unwrap_or_default();
    all().into_iter().find(|kind| {
        let named = kind.plural == plain || kind.kind.to_lowercase() == plain || kind.short.contains(&plain);
        named && (plain == word || word.contains(kind.group))
    })
}

/// A resource by the kind an object names.
pub fn by_kind(kind: &str) -> Option<&'static Kind> {
    all().into_iter().find(|row| row.kind == kind)
}

/// A resource by its place in a URL.
pub fn by_path(group: &str, plural: &str) -> Option<&'static Kind> {
    TABLE.iter().find(|row| row.group == group && row.plural == plural)
}
