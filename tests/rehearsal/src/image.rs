//! The one image all stand-in pods run from: this static binary, under the names of what it plays, as a docker-archive tar.

use crate::pki::hex;
use crate::{run, version};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

/// The label that tells our image from a real one of the same name.
pub const LABEL: &str = "rehearsal.stand-in";

/// Programs the image has, each a link to /pause.
pub const PROGRAMS: &[(&str, &str)] = &[
    ("kube-apiserver", "usr/local/bin/kube-apiserver"),
    ("kube-controller-manager", "usr/local/bin/kube-controller-manager"),
    ("kube-scheduler", "usr/local/bin/kube-scheduler"),
    ("kube-proxy", "usr/local/bin/kube-proxy"),
    ("etcd", "usr/local/bin/etcd"),
    ("coredns", "coredns"),
    ("flanneld", "opt/bin/flanneld"),
    ("install-conf", "opt/bin/install-conf"),
    ("flannel", "flannel"),
    ("cp", "bin/cp"),
];

fn header(path: &str, size: u64, mode: u32, kind: tar::EntryType) -> Result<tar::Header> {
    let mut header = tar::Header::new_gnu();
    header.set_path(path)?;
    header.set_size(size);
    header.set_mode(mode);
    header.set_entry_type(kind);
    header.set_mtime(0);
    Ok(header)
}

fn layer(binary: &[u8]) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::with_capacity(binary.len() + 65536));
    let dir = |path: &str, tar: &mut tar::Builder<Vec<u8>>| -> Result<()> {
        let mut header = header(path, 0, 0o755, tar::EntryType::Directory)?;
        header.set_cksum();
        Ok(tar.append(&header, std::io::empty())?)
    };
    for path in [
        "bin/",
        "usr/",
        "usr/local/",
        "usr/local/bin/",
        "opt/",
        "opt/bin/",
        "etc/",
        "tmp/",
        "run/",
        "var/",
        "host/",
        "host/usr/",
        "host/etc/",
        "host/etc/alternatives/",
        "host/run/",
    ] {
        dir(path, &mut tar)?;
    }
    let mut file = header("pause", binary.len() as u64, 0o755, tar::EntryType::Regular)?;
    file.set_cksum();
    tar.append(&file, binary)?;
    for (_, path) in PROGRAMS {
        let mut link = header(path, 0, 0o777, tar::EntryType::Symlink)?;
        tar.append_link(&mut link, path, "/pause")?;
    }
    // Programs of the host run in a root of their own, which is merged-usr.
    for (path, target) in
        [("host/bin", "usr/bin"), ("host/sbin", "usr/sbin"), ("host/lib", "usr/lib"), ("host/lib64", "usr/lib64")]
    {
        let mut link = header(path, 0, 0o777, tar::EntryType::Symlink)?;
        tar.append_link(&mut link, path, target)?;
    }
    Ok(tar.into_inner()?)
}

fn own_binary() -> Result<Vec<u8>> {
    let mut binary = Vec::new();
    std::fs::File::open("/proc/self/exe").context("open /proc/self/exe")?.read_to_end(&mut binary)?;
    Ok(binary)
}

/// The value of [`LABEL`] in images made of this very binary.
pub fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        own_binary()
            .map(|binary| hex(&ring::digest::digest(&ring::digest::SHA256, &binary).as_ref()[..8]))
            .unwrap_or_default()
    })
}

/// The image under the given names, as a docker-archive.
pub fn archive(names: &[String]) -> Result<Vec<u8>> {
    let binary = own_binary()?;
    let layer = layer(&binary)?;
    let digest = |bytes: &[u8]| hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    let config = json!({"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
        "config": {"Entrypoint": ["/pause"], "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin"], "Labels": {LABEL: build()}, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer))]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "rehearsal image-tar"}]})
    .to_string();
    let config_name = format!("{}.json", digest(config.as_bytes()));
    let manifest = json!([{"Config": config_name, "RepoTags": names, "Layers": ["layer.tar"]}]).to_string();
    let mut tar = tar::Builder::new(Vec::with_capacity(layer.len() + 65536));
    for (name, bytes) in
        [(config_name.as_str(), config.as_bytes()), ("layer.tar", &layer), ("manifest.json", manifest.as_bytes())]
    {
        let mut header = header(name, bytes.len() as u64, 0o644, tar::EntryType::Regular)?;
        header.set_cksum();
        tar.append(&header, bytes)?;
    }
    Ok(tar.into_inner()?)
}

/// Every image of a control plane, and pause under all names that containerd versions ask for.
pub fn usual() -> Vec<String> {
    let mut names = vec![version::pause_image()];
    for registry in ["k8s.gcr.io", "registry.k8s.io"] {
        for tag in ["3.2", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.10.1"] {
            names.push(format!("{registry}/pause:{tag}"));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Puts the image into containerd under the given names.
pub fn import(names: &[String]) -> Result<()> {
    let ran = run::run("ctr", &["-n", "k8s.io", "images", "import", "-"], Some(&archive(names)?))?;
    if ran.code != 0 {
        bail!("ctr images import: exit status {}: {}", ran.code, ran.err.trim());
    }
    Ok(())
}

/// `rehearsal image-tar NAME[,NAME...] OUT.tar`; NAME `usual` means all pause images.
pub fn main(args: &[String]) -> ExitCode {
    let [names, out] = args else {
        eprintln!(
            "usage: rehearsal image-tar NAME[,NAME...] OUT.tar   (NAME may be \"usual\": pause in every version; OUT.tar may be -)"
        );
        return ExitCode::from(2);
    };
    let names = names
        .split(',')
        .flat_map(|name| if name == "usual" { usual() } else { vec![name.to_owned()] })
        .collect::<Vec<_>>();
    let written = archive(&names).and_then(|bytes| match out.as_str() {
        "-" => Ok(std::io::stdout().write_all(&bytes)?),
        path => std::fs::write(path, bytes).with_context(|| format!("write {path}")),
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
