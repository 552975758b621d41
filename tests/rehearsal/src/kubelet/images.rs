//! Images: taken as they are when the runtime has them, else our own under their name; no registry is ever asked.

use crate::cri::Cri;
use crate::yaml::text;
use crate::{faults, image, klog, version};
use anyhow::{Result, anyhow, bail};
use serde_json::Value;
use std::collections::HashMap;

/// Whether a container's image is the stand-in; imports it under that name when the runtime has none.
pub fn ensure(cri: &Cri, name: &str) -> Result<bool> {
    if faults::switched("image-pull") && !name.contains("pause") && !name.contains("kube-") {
        bail!(
            "failed to \"StartContainer\" with ErrImagePull: \"rpc error: code = Unknown desc = failed to pull and unpack image {name:?}: failed to resolve reference {name:?}: dial tcp: lookup registry: no such host\""
        );
    }
    let label = |(_, info): (_, HashMap<String, String>)| {
        (info.values().any(|text| text.contains(image::LABEL)), info.values().any(|text| text.contains(image::build())))
    };
    // Missing, or a stand-in made of another build of this program.
    let state = cri.image(name)?.map(label);
    if state.is_none_or(|(ours, current)| ours && !current) {
        let full = match name.split('/').next() {
            Some(first)
                if name.contains('/') && (first.contains('.') || first.contains(':') || first == "localhost") =>
            {
                name.to_owned()
            }
            _ if name.contains('/') => format!("docker.io/{name}"),
            _ => format!("docker.io/library/{name}"),
        };
        let last = full.rsplit('/').next().unwrap_or_default();
        image::import(&[if last.contains(':') { full } else { format!("{full}:latest") }])?;
    }
    let (_, info) = cri.image(name)?.ok_or_else(|| anyhow!("image {name:?} is not there after its import"))?;
    Ok(info.values().any(|text| text.contains(image::LABEL)))
}

/// The sandbox image must be there before the first sandbox: no registry is ever asked.
pub fn import_pause(cri: &Cri) {
    let mut wanted = vec![version::pause_image()];
    let configured = cri
        .status(true)
        .ok()
        .and_then(|status| status.info.get("config").cloned())
        .and_then(|config| serde_json::from_str::<Value>(&config).ok());
    for path in ["/sandboxImage", "/imageConfig/pinnedImages/sandbox", "/pinnedImages/sandbox"] {
        if let Some(image) =
            configured.as_ref().map(|config| text(config, path).to_owned()).filter(|image| !image.is_empty())
        {
            wanted.push(image);
        }
    }
    let known: Vec<String> = cri.images().unwrap_or_default().into_iter().flat_map(|image| image.repo_tags).collect();
    if wanted.iter().all(|image| known.contains(image)) {
        return;
    }
    let mut names = image::usual();
    names.extend(wanted);
    names.retain(|name| !known.contains(name));
    if let Err(error) = image::import(&names) {
        klog::error("rehearsal.go:2", &format!("\"Importing the pause image failed\" err=\"{error:#}\""));
    }
}
