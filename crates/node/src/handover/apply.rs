//! Does it: the file first, then everything that was made from it; the runtime's word at the end.

use super::cache::Attachment;
use super::plan::Plan;
use crate::placeholder::Placeholder;
use ansible::Steps;
use anyhow::Context as _;
use cri::Client;
use firewall::iptables;
use host::deadline::{Deadline, Look};
use host::process::Program;
use host::{files, links};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Hands over. Stops at the first step that fails; what is left is found and done by the next run.
pub fn apply(placeholder: &Placeholder, plan: &Plan, deadline: &Deadline, done: &mut Steps) -> anyhow::Result<()> {
    for path in &plan.placeholders {
        files::delete_file(path)?;
        done.did(format!("deleted {}", path.display()));
    }
    let Some(network) = &plan.network else { return Ok(()) };
    let mut cri = match Client::connect(&placeholder.socket, deadline) {
        Ok(cri) => Some(cri),
        Err(_) if plan.sandboxes.is_empty() => None,
        Err(e) => return Err(e).context("recreating pods that are on the placeholder"),
    };
    if let Some(cri) = &mut cri {
        in_force(cri, network, deadline)?;
    }
    for attachment in &plan.attachments {
        let netns = cri.as_mut().and_then(|c| c.pod_sandbox_status(&attachment.container).ok()?.netns);
        detach(placeholder, attachment, netns.as_deref(), deadline)?;
        done.did(format!("took back the attachment of sandbox {}", attachment.container));
    }
    for (id, pod) in &plan.sandboxes {
        let Some(cri) = &mut cri else { continue };
        cri.stop_pod_sandbox(id).with_context(|| format!("stopping pod {pod} to recreate it"))?;
        done.did(format!("stopped pod {pod}"));
    }
    // Before the sandboxes are removed: kubelet makes a pod anew at once, and the real network may want a bridge of the
    // same name with another address ("cni0 already has an IP address different from ...").
    links::delete(&plan.bridges, deadline)?;
    plan.bridges.iter().for_each(|bridge| done.did(format!("deleted bridge {}", bridge.name)));
    for path in &plan.leases {
        files::delete_file(path)?;
        done.did(format!("deleted {}", path.display()));
    }
    for (id, pod) in &plan.sandboxes {
        let Some(cri) = &mut cri else { continue };
        cri.remove_pod_sandbox(id).with_context(|| format!("removing the old sandbox of pod {pod}"))?;
    }
    for attachment in &plan.attachments {
        // A run that was killed may have ended the plugin halfway: with the link gone it finds no rules to take back.
        iptables::forget_container(&attachment.container, deadline)?;
        files::delete_file(&attachment.file)?;
        done.did(format!("forgot {}", attachment.file.display()));
    }
    Ok(())
}

/// Waits until the runtime says that the real network is the one new pods get.
fn in_force(cri: &mut Client, network: &str, deadline: &Deadline) -> anyhow::Result<()> {
    deadline.poll(Duration::from_millis(250), &format!("containerd to use the network {network:?}"), || {
        let status = cri.status()?;
        let found = status.network().filter(|_| status.last_cni_load_status() == Some("OK")).map(|n| n.name);
        Ok(match found {
            Some(name) if name == network => Look::Ready(()),
            Some(name) => Look::NotYet(format!("the network {name:?}")),
            None => Look::NotYet(status.last_cni_load_status().unwrap_or("no network").to_owned()),
        })
    })
}

/// CNI DEL with the configuration the attachment was made with: the runtime would use the one in force now, which knows
/// nothing of these leases and masquerade rules. A plugin that is gone leaves only what the kernel cleans up with the pod.
fn detach(
    placeholder: &Placeholder,
    attachment: &Attachment,
    netns: Option<&str>,
    deadline: &Deadline,
) -> anyhow::Result<()> {
    let dirs = &placeholder.plugin_dirs;
    for plugin in attachment.network.plugins.iter().rev() {
        let kind = plugin.get("type").and_then(Value::as_str).unwrap_or_default();
        let program: Option<PathBuf> = dirs.iter().map(|d| d.join(kind)).find(|p| p.is_file());
        let Some(program) = program.filter(|_| !kind.contains('/')) else { continue };
        let mut conf = plugin.clone();
        conf.insert("name".into(), json!(attachment.network.name));
        conf.insert("cniVersion".into(), json!(attachment.cni_version));
        let path = dirs.each_ref().map(|d| d.display().to_string()).join(":");
        Program::new(&program)
            .env("CNI_COMMAND", "DEL")
            .env("CNI_CONTAINERID", &attachment.container)
            .env("CNI_IFNAME", &attachment.interface)
            .env("CNI_NETNS", netns.unwrap_or_default())
            .env("CNI_PATH", path)
            .stdin(Value::Object(conf).to_string())
            .run(deadline)?
            .success()
            .with_context(|| format!("taking back the placeholder's attachment of sandbox {}", attachment.container))?;
    }
    Ok(())
}
