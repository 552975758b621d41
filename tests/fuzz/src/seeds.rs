//! Where mutations begin: test data that the crates have anyway, and what each check brings itself.

use crate::Check;
use std::path::{Path, PathBuf};

/// Larger files say nothing that a smaller one does not.
const MOST: usize = 64 * 1024;

/// All seeds of a check; an error names the directory that is not there.
pub fn of(check: &Check) -> anyhow::Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all: Vec<Vec<u8>> = check.seeds.iter().map(|seed| seed.to_vec()).collect();
    for dir in check.seed_dirs {
        let dir: PathBuf = root.join(dir);
        for name in host::files::names(&dir)? {
            let path = dir.join(name);
            if path.is_file() {
                all.extend(host::files::read_optional(&path)?.filter(|bytes| bytes.len() <= MOST));
            }
        }
    }
    anyhow::ensure!(!all.is_empty(), "{}: there is no seed in {:?}", check.name, check.seed_dirs);
    Ok(all)
}
