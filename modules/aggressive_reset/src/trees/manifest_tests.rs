//! Every kind of change, and reading, which is none.

use super::*;

fn look(path: &Path) -> Manifest {
    let table = host::mounts::table().unwrap();
    Manifest::of(path, path, &table, &Deadline::after(Duration::from_secs(60)))
}

#[test]
fn every_kind_of_change_is_seen_and_reading_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let file = path.join("a/film");
    std::fs::create_dir(path.join("a")).unwrap();
    std::fs::write(&file, vec![7; 200_000]).unwrap();
    std::os::unix::fs::symlink("nowhere", path.join("link")).unwrap();
    let before = look(path);
    assert_eq!((before.entries, before.complete, before.samples.len()), (4, true, 1));
    assert_eq!(before.difference(&look(path)), None);
    let stamp = std::fs::metadata(&file).unwrap().modified().unwrap();
    let mut bytes = vec![7; 200_000];
    bytes[199_999] = 8;
    std::fs::write(&file, &bytes).unwrap();
    std::fs::File::open(&file).unwrap().set_modified(stamp).unwrap();
    assert!(before.difference(&look(path)).unwrap().contains("content of"));
    let before = look(path);
    std::fs::rename(&file, path.join("a/movie")).unwrap();
    assert!(before.difference(&look(path)).is_some());
    std::fs::remove_file(path.join("a/movie")).unwrap();
    assert!(before.difference(&look(path)).unwrap().contains("had 4 entries and 200007 bytes, and has 3 and 7"));
}

#[test]
fn a_path_that_is_not_there_is_equal_to_itself() {
    let none = look(Path::new("/nowhere/at/all"));
    assert_eq!((none.exists, none.difference(&none.clone())), (false, None));
}
