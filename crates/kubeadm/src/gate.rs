//! Holding the kubelet back until kubeadm has written its configuration, and letting it go again.
//!
//! `systemctl mask` does it where it can: not where the unit file itself lies in /etc/systemd/system (systemd 252 refuses,
//! and `mask --runtime` says it worked and has no effect; both run). There a drop-in with a condition does it. A join
//! needs the drop-in in any case, because kubeadm must start the kubelet itself: a masked one makes it wait for minutes.
//!
//! What was found before is kept in [`STATE`], so that whoever comes next, also after SIGKILL, can put it back. A mask
//! without that record was made by somebody else, which [`Unit::foreign_mask`] tells.

use anyhow::Context as _;
use host::deadline::Deadline;
use host::process::Program;
use host::{files, systemd};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The record of what we hold back.
pub const STATE: &str = "/var/lib/kubejoin/kubelet-hold.json";
/// What the gate waits for: kubeadm writes it just before it starts the kubelet.
pub const CONFIG: &str = "/var/lib/kubelet/config.yaml";
/// The unit, unless told otherwise.
pub const KUBELET: &str = "kubelet.service";

const UNITS: &str = "/etc/systemd/system";
const RUNTIME_UNITS: &str = "/run/systemd/system";
/// Sorted last, so that no earlier drop-in takes the condition back with an empty `ConditionPathExists=`.
const DROP_IN: &str = "99-kubejoin-gate.conf";

/// How a unit is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `systemctl mask`.
    Mask,
    /// The drop-in with a condition.
    Gate,
    /// Not at all.
    None,
}

impl Method {
    /// The name in results and in the record.
    pub fn name(self) -> &'static str {
        match self {
            Method::Mask => "mask",
            Method::Gate => "gate",
            Method::None => "none",
        }
    }
}

/// The kubelet's unit as it is.
#[derive(Clone, Debug)]
pub struct Unit {
    /// `kubelet.service`.
    pub name: String,
    /// `LoadState`: loaded, masked, not-found, bad-setting, error.
    pub load: String,
    /// `UnitFileState`: enabled, disabled, masked, …; empty when there is no unit file.
    pub file_state: String,
    /// The unit file; none when masked or not found.
    pub fragment: Option<PathBuf>,
    /// `ActiveState`: active, activating, inactive, failed, …
    pub active: String,
    /// A mask, permanent or for this boot.
    pub masked: bool,
    /// Our drop-in.
    pub gated: bool,
    /// `UnitFileState` before we held it back; none when we did not.
    pub remembered: Option<String>,
}

impl Unit {
    /// Reads the unit. Fails only when systemd does not answer.
    pub fn observe(name: &str, deadline: &Deadline) -> anyhow::Result<Self> {
        let properties = ["LoadState", "UnitFileState", "FragmentPath", "ActiveState"];
        let mut shown = systemd::show(name, &properties, deadline)?;
        let mut take = |key: &str| shown.remove(key).unwrap_or_default();
        let load = take("LoadState");
        let fragment = Some(take("FragmentPath")).filter(|p| !p.is_empty() && p != "/dev/null").map(PathBuf::from);
        Ok(Unit {
            name: name.to_owned(),
            masked: load == "masked" || is_null_link(UNITS, name) || is_null_link(RUNTIME_UNITS, name),
            load,
            file_state: take("UnitFileState"),
            fragment: fragment.filter(|p| p != Path::new("/dev/null")),
            active: take("ActiveState"),
            gated: drop_in(name).exists(),
            remembered: remembered(name)?,
        })
    }

    /// How it is held back now.
    pub fn held(&self) -> Method {
        match (self.masked, self.gated) {
            (true, _) => Method::Mask,
            (false, true) => Method::Gate,
            (false, false) => Method::None,
        }
    }

    /// Whether the mask is somebody else's.
    pub fn foreign_mask(&self) -> bool {
        self.masked && self.remembered.is_none()
    }

    /// Whether it runs or keeps trying to.
    pub fn running(&self) -> bool {
        systemd::is_up(&self.active)
    }

    /// The way of holding it back that works for this unit.
    pub fn method(&self) -> Method {
        let here = Path::new(UNITS).join(&self.name);
        let in_the_way = here.symlink_metadata().is_ok() && !is_null_link(UNITS, &self.name);
        if in_the_way { Method::Gate } else { Method::Mask }
    }
}

/// Holds the unit back and stops it. Says how. Remembers the enablement first: a masked unit no longer tells it.
pub fn hold(unit: &Unit, deadline: &Deadline) -> anyhow::Result<Method> {
    let method = unit.method();
    remember(unit, method)?;
    match method {
        Method::Mask => {
            systemd::mask(&unit.name, deadline)?;
            // mask reloads by itself, and systemd 252 still calls the unit changed on disk.
            systemd::daemon_reload(deadline)?;
        }
        _ => {
            write_drop_in(&unit.name)?;
            systemd::daemon_reload(deadline)?;
        }
    }
    if unit.running() {
        systemd::stop(&unit.name, deadline)?;
    }
    Ok(method)
}

/// Exchanges what holds the unit back for the drop-in, so that the kubelet starts when, and not before, its configuration is
/// there. Where nothing holds it back nothing is exchanged: kubeadm stops the kubelet before it writes, and both readings of
/// systemd's units, before and after a join, are saved.
pub fn open_for_join(unit: &Unit, deadline: &Deadline) -> anyhow::Result<()> {
    if unit.held() == Method::None {
        return Ok(());
    }
    remember(unit, Method::Gate)?;
    write_drop_in(&unit.name)?;
    // Unmasking reloads, so that one reload is enough for both: it is the slowest step before kubeadm.
    if unit.masked { unmask(&unit.name, deadline) } else { systemd::daemon_reload(deadline) }
}

/// Takes away mask, drop-in and record, and gives back the enablement. Nothing to take away is no error.
pub fn release(unit: &Unit, deadline: &Deadline) -> anyhow::Result<()> {
    if unit.masked {
        unmask(&unit.name, deadline)?;
    }
    lift(&unit.name, deadline)
}

/// Takes away our drop-in and record, and gives back the enablement; a mask stays.
pub fn lift(name: &str, deadline: &Deadline) -> anyhow::Result<()> {
    let path = drop_in(name);
    if files::delete_file(&path)? {
        if let Some(dir) = path.parent() {
            files::delete_empty_dir(dir)?;
        }
        systemd::daemon_reload(deadline)?;
    }
    if remembered(name)?.as_deref() == Some("enabled") {
        let now = systemd::show(name, &["UnitFileState"], deadline)?.remove("UnitFileState").unwrap_or_default();
        if now == "disabled" {
            systemd::enable(name, deadline)?;
        }
    }
    files::delete_file(STATE)?;
    Ok(())
}

/// The drop-in's path.
pub fn drop_in(unit: &str) -> PathBuf {
    Path::new(UNITS).join(format!("{unit}.d")).join(DROP_IN)
}

fn write_drop_in(unit: &str) -> anyhow::Result<()> {
    let path = drop_in(unit);
    if let Some(dir) = path.parent() {
        files::make_dir(dir, 0o755)?;
    }
    let text = format!(
        "# Made by kubejoin for the time of a join: the kubelet must not start before kubeadm has configured it.\n\
         [Unit]\nConditionPathExists={CONFIG}\n"
    );
    files::write_atomic(&path, text.as_bytes(), 0o644)
}

/// Takes away a permanent mask and one for this boot.
fn unmask(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    systemd::unmask(unit, deadline)?;
    if is_null_link(RUNTIME_UNITS, unit) {
        let program = Program::new("systemctl").args(["unmask", "--runtime", "--quiet", "--", unit]);
        program.run(deadline)?.success().with_context(|| format!("unmasking {unit} for this boot"))?;
    }
    Ok(())
}

fn is_null_link(dir: &str, unit: &str) -> bool {
    std::fs::read_link(Path::new(dir).join(unit)).is_ok_and(|target| target == Path::new("/dev/null"))
}

/// An earlier record stays: it knows the state before the first of our steps.
fn remember(unit: &Unit, method: Method) -> anyhow::Result<()> {
    let before = unit.remembered.as_ref().unwrap_or(&unit.file_state);
    if let Some(dir) = Path::new(STATE).parent() {
        files::make_dir(dir, 0o700)?;
    }
    let record = json!({"unit": unit.name, "method": method.name(), "unit_file_state": before});
    files::write_atomic(STATE, format!("{record}\n").as_bytes(), 0o600)
}

/// A record that cannot be read counts as none: the unit is then treated as somebody else's.
fn remembered(unit: &str) -> anyhow::Result<Option<String>> {
    let Some(bytes) = files::read_optional(STATE)? else { return Ok(None) };
    let record: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok((record["unit"] == *unit).then(|| record["unit_file_state"].as_str().unwrap_or_default().to_owned()))
}
