//! What is gone fails; what others add or write is told; reading is nothing.

use super::*;

fn look(path: &Path) -> Manifest {
    let table = host::mounts::table().unwrap();
    Manifest::of(path, path, &Index::of(&table), &Deadline::after(Duration::from_secs(60)))
}

/// As the next run finds it, after one that was interrupted.
fn kept(manifest: &Manifest) -> Manifest {
    serde_json::from_str(&serde_json::to_string(manifest).unwrap()).unwrap()
}

#[test]
fn what_is_gone_is_lost_and_what_others_write_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let file = path.join("a/film");
    std::fs::create_dir(path.join("a")).unwrap();
    std::fs::write(&file, vec![7; 200_000]).unwrap();
    std::os::unix::fs::symlink("nowhere", path.join("link")).unwrap();
    let before = look(path);
    assert_eq!((before.entries, before.complete, before.samples.len(), before.links.len()), (4, true, 1, 1));
    assert_eq!(before.difference(&look(path)), Difference::default());
    assert_eq!(kept(&before).difference(&look(path)), Difference::default());
    std::fs::write(path.join("new"), "recorded").unwrap();
    std::fs::File::options().append(true).open(&file).unwrap().set_len(200_001).unwrap();
    let now = before.difference(&look(path));
    assert!(
        now.lost.is_none() && now.changed.as_ref().unwrap().contains("1 new entries and 1 that others wrote"),
        "{now:?}"
    );
    let now = kept(&before).difference(&look(path));
    assert!(now.lost.is_none() && now.changed.is_some(), "{now:?}");
    std::fs::rename(&file, path.join("a/movie")).unwrap();
    let now = before.difference(&look(path));
    assert!(now.lost.unwrap().contains("1 entries of") && kept(&before).difference(&look(path)).lost.is_some());
}

#[test]
fn a_content_that_changes_under_the_same_time_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("film");
    std::fs::write(&file, vec![7; 200_000]).unwrap();
    let stamp = std::fs::metadata(&file).unwrap().modified().unwrap();
    let before = look(dir.path());
    let mut bytes = vec![7; 200_000];
    bytes[199_999] = 8;
    std::fs::write(&file, &bytes).unwrap();
    std::fs::File::open(&file).unwrap().set_modified(stamp).unwrap();
    assert!(before.difference(&look(dir.path())).lost.unwrap().contains("the content of"));
}

#[test]
fn a_path_that_is_not_there_is_equal_to_itself_and_may_appear() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later");
    let none = look(&path);
    assert_eq!((none.exists, none.difference(&none.clone())), (false, Difference::default()));
    std::fs::create_dir(&path).unwrap();
    assert_eq!(none.difference(&look(&path)).lost, None);
    assert!(look(&path).difference(&none).lost.unwrap().contains("was a directory, and is nothing"));
}
