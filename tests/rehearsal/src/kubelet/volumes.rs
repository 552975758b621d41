//! A pod's directories and volumes below /var/lib/kubelet/pods, with the mounts a real kubelet makes.

use crate::net::api::Api;
use crate::yaml::{items, text};
use crate::{pki, place};
use anyhow::{Context, Result, anyhow, bail};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, unmount};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const ROOT: &str = "/var/lib/kubelet";

/// A pod's directory.
pub fn dir(uid: &str) -> PathBuf {
    Path::new(ROOT).join("pods").join(uid)
}

/// Mount points at or below a directory, deepest first.
fn mounts_below(dir: &Path) -> Vec<PathBuf> {
    let table = place::read("/proc/self/mountinfo").unwrap_or_default();
    let decode = |point: &str| PathBuf::from(point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"));
    let mut points: Vec<_> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(decode)
        .filter(|point| point.starts_with(dir))
        .collect();
    points.reverse();
    points
}

/// Makes /var/lib/kubelet a shared mount, as kubelets do, so that mounts of pods spread.
pub fn share_root() -> Result<()> {
    place::dir(ROOT, 0o755)?;
    let table = place::read("/proc/self/mountinfo").unwrap_or_default();
    let holder = table
        .lines()
        .filter(|line| line.split(' ').nth(4).is_some_and(|point| Path::new(ROOT).starts_with(point)))
        .max_by_key(|line| line.split(' ').nth(4).map_or(0, str::len));
    if holder.is_some_and(|line| line.contains(" shared:")) {
        return Ok(());
    }
    mount_bind(ROOT, ROOT).context("bind-mounting /var/lib/kubelet")?;
    mount_change(ROOT, MountPropagationFlags::SHARED | MountPropagationFlags::REC).context("sharing /var/lib/kubelet")
}

/// The standing directories of a kubelet.
pub fn skeleton() -> Result<()> {
    for name in ["device-plugins", "pki", "plugins", "plugins_registry", "pod-resources", "pods"] {
        place::dir(Path::new(ROOT).join(name), 0o750)?;
    }
    place::write(
        Path::new(ROOT).join("cpu_manager_state"),
        "{\"policyName\":\"none\",\"defaultCpuSet\":\"\",\"checksum\":1353318690}",
        0o600,
    )?;
    place::write(
        Path::new(ROOT).join("memory_manager_state"),
        "{\"policyName\":\"None\",\"machineState\":{},\"checksum\":4236770233}",
        0o600,
    )
}

/// A volume's host path by its name in the pod.
pub type Paths = BTreeMap<String, PathBuf>;

/// Makes a pod's directories and volumes; the result has the host path of each volume.
pub fn prepare(pod: &Value, uid: &str, api: Option<&Api>) -> Result<Paths> {
    let base = dir(uid);
    for name in ["containers", "plugins", "volumes"] {
        place::dir(base.join(name), 0o750)?;
    }
    place::write(base.join("etc-hosts"), hosts(pod), 0o644)?;
    let mut paths = Paths::new();
    for volume in items(pod, "/spec/volumes") {
        let name = text(volume, "/name");
        let path = one(pod, volume, name, &base, api)
            .with_context(|| format!("MountVolume.SetUp failed for volume {name:?}"))?;
        paths.insert(name.to_owned(), path);
    }
    Ok(paths)
}

fn hosts(pod: &Value) -> String {
    if pod["spec"]["hostNetwork"] == true {
        return place::read("/etc/hosts").unwrap_or_default();
    }
    format!(
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n# {}\n",
        text(pod, "/metadata/name")
    )
}

/// A tmpfs at `path`, unless there is one.
fn memory(path: &Path) -> Result<()> {
    place::dir(path, 0o755)?;
    if mounts_below(path).iter().all(|point| point != path) {
        mount("tmpfs", path, "tmpfs", MountFlags::empty(), Some(c"size=64m"))
            .with_context(|| format!("mounting tmpfs at {}", path.display()))?;
    }
    Ok(())
}

fn one(pod: &Value, volume: &Value, name: &str, base: &Path, api: Option<&Api>) -> Result<PathBuf> {
    let place_of = |kind: &str| base.join("volumes").join(format!("kubernetes.io~{kind}")).join(name);
    let namespace = text(pod, "/metadata/namespace");
    if let Some(path) = volume["hostPath"]["path"].as_str() {
        match volume["hostPath"]["type"].as_str().unwrap_or_default() {
            "DirectoryOrCreate" => place::dir(path, 0o755)?,
            "FileOrCreate" if !Path::new(path).exists() => place::write(path, "", 0o644)?,
            "" if !Path::new(path).exists() => place::dir(path, 0o755)?,
            "Directory" | "File" if !Path::new(path).exists() => {
                bail!("hostPath type check failed: {path} is not there")
            }
            _ => {}
        }
        return Ok(path.into());
    }
    if volume["emptyDir"].is_object()
        || volume["emptyDir"].is_null() && volume.as_object().is_some_and(|map| map.contains_key("emptyDir"))
    {
        let path = place_of("empty-dir");
        place::dir(&path, 0o777)?;
        if volume["emptyDir"]["medium"] == "Memory" {
            memory(&path)?;
        }
        return Ok(path);
    }
    let fetch = |kind: &str, object: &str| -> Result<Value> {
        let api = api.ok_or_else(|| anyhow!("no API server"))?;
        api.get(&format!("/api/v1/namespaces/{namespace}/{kind}/{object}")).map_err(|error| anyhow!("{error}"))
    };
    if volume["configMap"].is_object() {
        let path = place_of("configmap");
        let map = fetch("configmaps", text(volume, "/configMap/name"))?;
        place::dir(&path, 0o755)?;
        return fill(&path, &map["data"], items(volume, "/configMap/items"), false).map(|()| path);
    }
    if volume["secret"].is_object() {
        let path = place_of("secret");
        let secret = fetch("secrets", text(volume, "/secret/secretName"))?;
        memory(&path)?;
        return fill(&path, &secret["data"], items(volume, "/secret/items"), true).map(|()| path);
    }
    if volume["projected"].is_object() {
        let path = place_of("projected");
        memory(&path)?;
        let account = text(pod, "/spec/serviceAccountName");
        let api = api.ok_or_else(|| anyhow!("no API server"))?;
        let account = if account.is_empty() { "default" } else { account };
        let asked = api
            .create(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"), &serde_json::json!({}))
            .map_err(|error| anyhow!("failed to fetch token: {error}"))?;
        place::write(path.join("token"), text(&asked, "/status/token"), 0o644)?;
        place::write(path.join("namespace"), namespace, 0o644)?;
        place::write(path.join("ca.crt"), place::read("/etc/kubernetes/pki/ca.crt").unwrap_or_default(), 0o644)?;
        return Ok(path);
    }
    bail!("the rehearsal has no such volume plugin")
}

/// Writes the keys of a ConfigMap or Secret as files, all or the listed ones, unless they are the same already.
fn fill(path: &Path, data: &Value, listed: &[Value], encoded: bool) -> Result<()> {
    for (name, value) in data.as_object().into_iter().flatten() {
        let file = match listed.iter().find(|item| text(item, "/key") == name) {
            Some(item) => text(item, "/path"),
            None if listed.is_empty() => name,
            None => continue,
        };
        let plain = value.as_str().unwrap_or_default();
        let bytes = if encoded { pki::unbase64(plain)? } else { plain.as_bytes().to_vec() };
        if std::fs::read(path.join(file)).ok().as_ref() != Some(&bytes) {
            place::write(path.join(file), bytes, 0o644)?;
        }
    }
    Ok(())
}

/// Unmounts and removes what a pod had; refuses while something is mounted there that no kubelet mounts.
pub fn remove(uid: &str) -> Result<()> {
    let base = dir(uid);
    let own = |point: &Path| point.to_string_lossy().contains("/volumes/kubernetes.io~");
    for point in mounts_below(&base).iter().filter(|point| own(point)) {
        unmount(point, UnmountFlags::empty()).with_context(|| format!("unmounting {}", point.display()))?;
    }
    if let Some(left) = mounts_below(&base).first() {
        bail!("volume paths are still present on disk: {} is mounted", left.display());
    }
    if base.exists() {
        std::fs::remove_dir_all(&base).with_context(|| format!("removing {}", base.display()))?;
    }
    Ok(())
}
