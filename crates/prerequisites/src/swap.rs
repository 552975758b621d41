//! Swap off for good: now, in /etc/fstab, and whatever else would switch it on at the next boot.
//!
//! Only when it is asked for: whoever sleeps to disk, or has little memory, may want swap, and kubelets since 1.28 can live with
//! it. Nothing is deleted: a line becomes a comment, a unit is masked.

use anyhow::{Context as _, ensure};
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use host::systemd;
use kubeadm::program;

const FSTAB: &str = "/etc/fstab";
const ACTIVE: &str = "/proc/swaps";
const NOTE: &str = "# Switched off by kubejoin (join_prerequisites): ";
/// Services that make swap in compressed memory: zram-tools, zram-config, and zram-generator for its first device.
const COMPRESSED: [&str; 3] = ["zramswap.service", "zram-config.service", "systemd-zram-setup@zram0.service"];

/// What would switch swap on at the next boot: lines of fstab and units, as they are named.
pub fn at_boot(deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let fstab = files::read_text(FSTAB)?.unwrap_or_default();
    let mut found: Vec<String> =
        fstab.lines().filter(|line| is_swap(line)).map(|line| format!("{FSTAB}: {}", line.trim())).collect();
    found.extend(units(deadline)?);
    Ok(found)
}

/// Switches it off, now and for good.
pub fn off(deadline: &Deadline, done: &mut Vec<String>) -> anyhow::Result<()> {
    let now = active(&files::read_text(ACTIVE)?.unwrap_or_default());
    ensure!(
        now.is_empty() || !node::os::in_container(),
        "switching swap off: this is a container, and {} is swap of the machine outside",
        now.join(", ")
    );
    if let Some(text) = files::read_text(FSTAB)?
        && let Some(without) = without_swap(&text)
    {
        files::write_atomic(FSTAB, without.as_bytes(), 0o644)?;
        systemd::daemon_reload(deadline)?;
        done.push(format!("took swap out of {FSTAB}"));
    }
    for unit in units(deadline)? {
        systemd::mask(&unit, deadline)?;
        systemd::stop(&unit, deadline)?;
        done.push(format!("masked {unit}"));
    }
    // A unit that has been stopped took its own along.
    for device in active(&files::read_text(ACTIVE)?.unwrap_or_default()) {
        let off = Program::new("swapoff").args([&device]).env("PATH", program::search_path()).run(deadline);
        off.and_then(|output| output.success()).with_context(|| format!("switching off the swap {device}"))?;
        done.push(format!("switched off the swap {device}"));
    }
    Ok(())
}

/// Units that are loaded and not those that fstab makes, which its lines stand for.
fn units(deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let words = ["list-units", "--all", "--type=swap", "--plain", "--no-legend", "--no-pager"];
    let listed = Program::new("systemctl").args(words).run(deadline)?.success()?.stdout_text();
    let names = listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    let mut found = Vec::new();
    for name in names.chain(COMPRESSED.map(str::to_owned)) {
        let shown = systemd::show(&name, &["LoadState", "UnitFileState", "ActiveState", "SourcePath"], deadline)?;
        let is = |key: &str, value: &str| shown.get(key).is_some_and(|found| found == value);
        let idle = is("ActiveState", "inactive") && !is("UnitFileState", "enabled") && !name.ends_with(".swap");
        if is("LoadState", "loaded") && !is("SourcePath", FSTAB) && !idle {
            found.push(name);
        }
    }
    Ok(found)
}

/// A line of fstab that switches swap on at boot.
fn is_swap(line: &str) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let comes = fields.get(3).is_none_or(|options| !options.split(',').any(|option| option == "noauto"));
    !line.trim_start().starts_with('#') && fields.get(2) == Some(&"swap") && comes
}

/// fstab with its swap as comments; none when it has none.
fn without_swap(text: &str) -> Option<String> {
    let mut changed = false;
    let lines: Vec<String> = text
        .split_inclusive('\n')
        .map(|line| {
            changed |= is_swap(line);
            if is_swap(line) { format!("{NOTE}{line}") } else { line.to_owned() }
        })
        .collect();
    changed.then(|| lines.concat())
}

/// Device or file of each active swap; the kernel writes a space in a name as `\040`.
fn active(table: &str) -> Vec<String> {
    let names = table.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    names.map(|name| name.replace("\\040", " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_fstab_becomes_a_comment_and_the_others_stay() {
        let text = "UUID=1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n# /old none swap sw 0 0\nUUID=2 none swap noauto 0 0\n/data/swap /x ext4 defaults 0 2";
        let without = without_swap(text).unwrap();
        assert_eq!(without, text.replace("/swapfile", "# Switched off by kubejoin (join_prerequisites): /swapfile"));
        assert_eq!(without_swap(&without), None);
    }

    #[test]
    fn a_swap_file_may_have_a_space_in_its_name() {
        let table = "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n/srv/my\\040swap  file 1 0 -2\n";
        assert_eq!(active(table), ["/srv/my swap"]);
    }
}
