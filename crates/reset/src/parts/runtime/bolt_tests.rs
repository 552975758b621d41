//! The reader against databases laid out by hand, and against any bytes. On a node containerd itself writes them
//! (`tests/node.rs`).
#![allow(clippy::disallowed_methods, reason = "a test's own files and programs")]

use proptest::prelude::*;

use super::*;

const PAGE: usize = 4096;

fn page(id: u64, flags: u16, elements: &[(u32, &[u8], &[u8])]) -> Vec<u8> {
    let mut page = vec![0; PAGE];
    page[..8].copy_from_slice(&id.to_le_bytes());
    page[8..10].copy_from_slice(&flags.to_le_bytes());
    page[10..12].copy_from_slice(&(elements.len() as u16).to_le_bytes());
    let mut data = HEADER + elements.len() * ELEMENT;
    for (index, (kind, key, value)) in elements.iter().enumerate() {
        let at = HEADER + index * ELEMENT;
        let fields = [*kind, (data - at) as u32, key.len() as u32, value.len() as u32];
        for (field, value) in fields.iter().enumerate() {
            page[at + field * 4..at + field * 4 + 4].copy_from_slice(&value.to_le_bytes());
        }
        page[data..data + key.len()].copy_from_slice(key);
        page[data + key.len()..data + key.len() + value.len()].copy_from_slice(value);
        data += key.len() + value.len();
    }
    page
}

fn meta(id: u64, transaction: u64, root: u64) -> Vec<u8> {
    let mut meta = Vec::new();
    meta.extend(MAGIC.to_le_bytes());
    meta.extend(2u32.to_le_bytes());
    meta.extend((PAGE as u32).to_le_bytes());
    meta.extend(0u32.to_le_bytes());
    for word in [root, 0, 0, 9, transaction] {
        meta.extend(word.to_le_bytes());
    }
    // Sequence of the root bucket, freelist, high water mark and transaction: 16 + 5 * 8 bytes so far.
    let sum = meta
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    meta.extend(sum.to_le_bytes());
    let mut page = page(id, 0x04, &[]);
    page[HEADER..HEADER + meta.len()].copy_from_slice(&meta);
    page
}

fn child(root: u64) -> Vec<u8> {
    [root.to_le_bytes(), [0; 8]].concat()
}

/// v1 -> {k8s.io -> images (inline) -> pause, moby -> (a page of its own) containers -> c1}, behind a branch page.
fn database() -> Vec<u8> {
    let images = page(0, LEAF, &[(0, b"pause", b"x")])[..100].to_vec();
    let images = [child(0), images].concat();
    let kubernetes = page(0, LEAF, &[(IS_BUCKET, b"images", &images)])[..300].to_vec();
    let kubernetes = [child(0), kubernetes].concat();
    let mut branch = page(3, BRANCH, &[]);
    branch[10..12].copy_from_slice(&1u16.to_le_bytes());
    branch[HEADER + 8..HEADER + 16].copy_from_slice(&4u64.to_le_bytes());
    [
        meta(0, 6, 2),
        meta(1, 7, 3),
        page(2, LEAF, &[(0, b"older", b"")]),
        branch,
        page(4, LEAF, &[(IS_BUCKET, b"v1", &child(5))]),
        page(5, LEAF, &[(IS_BUCKET, b"k8s.io", &kubernetes), (IS_BUCKET, b"moby", &child(6)), (0, b"version", b"3")]),
        page(6, LEAF, &[(IS_BUCKET, b"containers", &child(7))]),
        page(7, LEAF, &[(IS_BUCKET, b"c1", &child(8))]),
        page(8, LEAF, &[]),
    ]
    .concat()
}

fn open(bytes: &[u8]) -> Result<Bolt> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), bytes).unwrap();
    Bolt::of(file.reopen().unwrap())
}

#[test]
fn buckets_in_pages_and_inline_are_read_from_the_younger_root() {
    let bolt = open(&database()).unwrap();
    assert_eq!(bolt.names(&[]).unwrap(), ["v1"]);
    assert_eq!(bolt.names(&["v1"]).unwrap(), ["k8s.io", "moby", "version"]);
    assert_eq!(bolt.names(&["v1", "k8s.io", "images"]).unwrap(), ["pause"]);
    assert_eq!(bolt.names(&["v1", "moby", "containers"]).unwrap(), ["c1"]);
    assert!(bolt.names(&["v1", "version", "x"]).unwrap().is_empty());
    assert!(bolt.names(&["v1", "nobody"]).unwrap().is_empty());
}

#[test]
fn a_torn_meta_page_falls_back_to_the_other_and_two_are_an_error() {
    let mut bytes = database();
    bytes[PAGE + HEADER + 48] ^= 1;
    assert_eq!(open(&bytes).unwrap().names(&[]).unwrap(), ["older"]);
    bytes[HEADER + 48] ^= 1;
    assert!(format!("{:#}", open(&bytes).err().unwrap()).contains("no whole meta page"));
    assert!(open(b"").is_err());
}

proptest! {
    #[test]
    fn damaged_databases_are_errors_and_never_a_panic(damage in proptest::collection::vec((2 * PAGE..9 * PAGE, any::<u8>()), 1..40)) {
        let mut bytes = database();
        for (at, value) in damage {
            bytes[at] = value;
        }
        if let Ok(bolt) = open(&bytes) {
            for path in [&["v1"][..], &["v1", "k8s.io"], &["v1", "k8s.io", "images"], &["v1", "moby", "containers"]] {
                let _ = bolt.names(path);
            }
        }
    }
}

#[test]
fn a_look_while_somebody_commits_is_tried_again_and_a_pipe_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("meta.db");
    std::fs::write(&path, database()).unwrap();
    let looks = std::cell::Cell::new(0);
    let names = snapshot(&path, |bolt| {
        looks.set(looks.get() + 1);
        let names = bolt.names(&["v1"])?;
        if looks.get() == 1 {
            // The next transaction: its meta page takes the place of the older one.
            let mut bytes = database();
            bytes[..PAGE].copy_from_slice(&meta(0, 8, 2));
            std::fs::write(&path, bytes).unwrap();
        }
        Ok(names)
    });
    assert_eq!((names.unwrap().unwrap(), looks.get()), (Vec::<String>::new(), 2));
    assert!(snapshot(&directory.path().join("none"), |bolt| bolt.names(&[])).unwrap().is_none());
    let pipe = directory.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(format!("{:#}", snapshot(&pipe, |bolt| bolt.names(&[])).unwrap_err()).contains("is not a regular file"));
}

#[test]
fn a_database_that_somebody_has_open_cannot_be_locked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("meta.db");
    std::fs::write(&path, database()).unwrap();
    let first = Locked::take(&path).unwrap().unwrap();
    assert_eq!(first.read().unwrap().names(&["v1", "moby", "containers"]).unwrap(), ["c1"]);
    assert!(format!("{:#}", Locked::take(&path).err().unwrap()).contains("a containerd has it open"));
    drop(first);
    assert!(Locked::take(&path).unwrap().is_some());
    assert!(Locked::take(&directory.path().join("none")).unwrap().is_none());
}
