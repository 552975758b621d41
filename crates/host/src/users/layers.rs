//! The layers of overlays, and the files of erofs, which mounts a file without a loop device since Linux 6.12. They may have
//! been given relative to a directory that nobody knows any more, or through links: every place where one can be is taken
//! for it, and one that can be nowhere is said to be unresolved.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::loops::identity;
use super::{Own, Users};
use crate::mounts::{Index, Mount, unescape};

pub(super) fn layers(index: &Index<'_>, own: &Own<'_>, users: &mut Users) {
    // What a directory lies on itself is not made of anything in that directory. It may be a container's root, the layers
    // of which nobody in the container can see; and the root was there before anything that is seen in it.
    let places = own.directories.iter().map(PathBuf::as_path).chain([Path::new("/")]);
    let carriers: Vec<_> = places.filter_map(|path| index.containing(path)).map(|mount| mount.device).collect();
    let outside = |mount: &&Mount| !own.covers(&mount.point) && !carriers.contains(&mount.device);
    // Of one that a later mount hides, the layers are hidden as a rule, too, and nobody who comes by that path sees it.
    for mount in index.table().iter().filter(outside).filter(|mount| !index.is_hidden(mount)) {
        let layers = match mount.fs_type.as_str() {
            "overlay" => named(mount.super_options.as_bytes()),
            "erofs" if mount.device.0 == 0 => files(mount),
            _ => continue,
        };
        let bases = bases(mount, &layers);
        let mut told = false;
        for layer in &layers {
            let places: Vec<PathBuf> = bases.iter().map(|base| base.join(layer)).collect();
            let silent = |place: &&PathBuf| index.containing(place).is_some_and(Mount::may_hang);
            let places = places.iter().filter(|place| !silent(place));
            let found: Vec<_> = places.filter_map(|place| identity(place)).collect();
            if found.is_empty() && !told {
                told = true;
                let (point, layer) = (mount.point.display(), layer.display());
                let kind = &mount.fs_type;
                users.unresolved.push(format!(
                    "{point} is an {kind} of {layer}, which cannot be found; `umount {point}` ends that"
                ));
            }
            for file in found {
                let point = mount.point.display();
                users.add(file, format!("{point} is made of"), format!("umount {point}"), Some(&mount.point));
            }
        }
    }
}

/// Where a relative layer may begin: containerd and Docker change to a directory above the layers, which is also above the
/// upper one or the mount point; anybody else's working directory may still be that of the process that mounted it.
fn bases(mount: &Mount, layers: &[PathBuf]) -> Vec<PathBuf> {
    if layers.iter().all(|layer| layer.is_absolute()) {
        return vec![PathBuf::from("/")];
    }
    let known = layers.iter().filter(|layer| layer.is_absolute()).map(PathBuf::as_path).chain([mount.point.as_path()]);
    let mut bases: Vec<PathBuf> = known.flat_map(Path::ancestors).map(Path::to_owned).collect();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    bases.extend(processes.filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok()));
    bases.sort();
    bases.dedup();
    bases
}

/// The files that an erofs without a device lies on.
fn files(mount: &Mount) -> Vec<PathBuf> {
    let options = mount.super_options.as_bytes().split(|&byte| byte == b',');
    let more = options.filter_map(|option| option.strip_prefix(b"device=")).map(|value| path(&unescape(value)));
    std::iter::once(PathBuf::from(&mount.source)).chain(more).filter(|file| !file.as_os_str().is_empty()).collect()
}

/// The directories that options name. The kernel writes comma, space and backslash as octal numbers; the mount's maker
/// writes a colon in a name as `\:`. Since Linux 6.5 a layer can have an option of its own, `lowerdir+`.
fn named(options: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for option in options.split(|&byte| byte == b',') {
        let Some(at) = option.iter().position(|&byte| byte == b'=') else { continue };
        let value = unescape(&option[at + 1..]);
        match &option[..at] {
            b"lowerdir" => found.extend(split(&value)),
            b"upperdir" | b"workdir" | b"lowerdir+" | b"datadir+" => found.push(path(&value)),
            _ => {}
        }
    }
    found.retain(|layer| !layer.as_os_str().is_empty());
    found
}

fn split(value: &[u8]) -> Vec<PathBuf> {
    let (mut all, mut here) = (Vec::new(), Vec::new());
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => here.extend(bytes.next()),
            b':' => all.push(path(&std::mem::take(&mut here))),
            byte => here.push(byte),
        }
    }
    all.push(path(&here));
    all
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_read_as_the_kernel_and_mount_write_them() {
        let of =
            |options: &str| named(options.as_bytes()).into_iter().map(|p| p.display().to_string()).collect::<Vec<_>>();
        assert_eq!(of("rw,lowerdir=/a:b/c,upperdir=/u,workdir=/w,xino=off"), ["/a", "b/c", "/u", "/w"]);
        assert_eq!(of("ro,lowerdir+=/a:b,lowerdir+=/c,datadir+=/d"), ["/a:b", "/c", "/d"]);
        assert_eq!(of(r"ro,lowerdir=/x\134:y:/a\040b\054c::/data"), ["/x:y", "/a b,c", "/data"]);
        assert!(of("rw,index=on").is_empty());
    }
}
