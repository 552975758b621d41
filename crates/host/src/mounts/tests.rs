//! The table against lines the kernel wrote, the order against made-up trees, and real mounts in a sandbox.

use std::os::unix::ffi::{OsStrExt, OsStringExt};

use proptest::prelude::*;

use super::parse::unescape;
use super::*;

const REAL: &str = "\
284 111 0:77 / / rw,relatime - overlay overlay rw,lowerdir=/storage/l/A,upperdir=/storage/e/diff,workdir=/storage/e/work,uuid=on
358 284 254:0 /volumes/data /var/lib/kubelet rw,nosuid,nodev,relatime - ext4 /dev/vda rw,discard
2126 358 254:0 /volumes/data /var/lib/kubelet rw,nosuid,nodev,relatime shared:731 - ext4 /dev/vda rw,discard
2128 2126 0:355 / /var/lib/kubelet/pods/d0/volumes/kubernetes.io~projected/kube-api-access-99znd rw,relatime shared:732 master:7 propagate_from:2 - tmpfs tmpfs rw,size=24581692k
2200 2126 254:0 /srv/media /var/lib/kubelet/pods/p1/volumes/my\\040media ro,relatime unbindable - ext4 /dev/vda rw
2229 284 0:4 net:[4026533131] /run/netns/cni-823acc87-0360-a958-b372-b679276600e5 rw - nsfs nsfs rw
";

fn find(table: &[Mount], id: u64) -> &Mount {
    table.iter().find(|mount| mount.id == id).unwrap()
}

#[test]
fn lines_of_a_real_node_are_understood() {
    let table = parse(REAL.as_bytes()).unwrap();
    assert_eq!(table.len(), 6);
    let media = find(&table, 2200);
    assert_eq!(media.point, Path::new("/var/lib/kubelet/pods/p1/volumes/my media"));
    assert_eq!((media.root.as_path(), media.device, media.is_read_only()), (Path::new("/srv/media"), (254, 0), true));
    assert!(media.propagation.unbindable);
    assert_eq!(find(&table, 2128).propagation, Propagation { shared: Some(732), master: Some(7), unbindable: false });
    assert_eq!(find(&table, 2229).fs_type, "nsfs");
}

#[test]
fn what_is_below_leaves_out_the_directory_itself_and_its_namesakes() {
    let table = parse(REAL.as_bytes()).unwrap();
    let ids = |path: &str| below(&table, Path::new(path)).iter().map(|mount| mount.id).collect::<Vec<_>>();
    assert_eq!(ids("/var/lib/kubelet"), [2200, 2128]);
    assert_eq!(ids("/var/lib/kube"), Vec::<u64>::new());
    assert_eq!(ids("/run/netns/cni-823acc87-0360-a958-b372-b679276600e5"), Vec::<u64>::new());
    assert_eq!(exactly_at(&table, Path::new("/var/lib/kubelet")).unwrap().id, 2126);
    assert_eq!(containing(&table, Path::new("/var/lib/kubelet/config.yaml")).unwrap().id, 2126);
}

#[test]
fn a_stack_on_one_point_comes_off_from_the_top_and_what_it_hides_comes_later() {
    let table = parse(
        b"1 0 8:1 / / rw - ext4 a rw\n2 1 0:2 / /t/x rw - tmpfs b rw\n3 2 0:3 / /t/x/in rw - tmpfs c rw\n4 2 0:4 / /t/x rw - tmpfs d rw\n",
    )
    .unwrap();
    let ids: Vec<u64> = below(&table, Path::new("/t")).iter().map(|mount| mount.id).collect();
    assert_eq!(ids, [4, 2], "3 cannot be reached before 4 is gone");
}

#[test]
fn a_line_that_makes_no_sense_is_an_error_with_its_number() {
    for bad in [
        "1 2 8:1 / /x rw",
        "x 2 8:1 / /x rw - ext4 a rw",
        "1 2 8 / /x rw - ext4 a rw",
        "1 2 8:1 / /x rw shared:x - ext4 a rw",
    ] {
        let text = format!("{REAL}{bad}\n");
        let error = format!("{:#}", parse(text.as_bytes()).unwrap_err());
        assert!(error.starts_with("line 7: "), "{error}");
    }
}

fn escape(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|&byte| match byte {
            b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
            other => vec![other],
        })
        .collect()
}

proptest! {
    #[test]
    fn any_path_survives_the_kernels_escapes(path in proptest::collection::vec(1u8.., 0..64)) {
        prop_assert_eq!(unescape(&escape(&path)), path.clone());
        let mut line = b"7 1 8:1 / /".to_vec();
        line.extend(escape(&path));
        line.extend(b" rw - ext4 /dev/vda rw\n");
        let table = parse(&line).unwrap();
        let mut point = b"/".to_vec();
        point.extend(&path);
        prop_assert_eq!(table[0].point.as_os_str().as_bytes(), &point[..]);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn nearly_right_lines_do_not_make_it_panic(line in "[0-9]{1,22} [0-9]{1,3} [0-9:]{1,6} /[\\\\0-9a-z ]{0,9} /[\\\\0-9/ ]{0,12} rw( shared:[0-9]{0,3})?( -)? [a-z]{0,4} [a-z]{0,4} ?[a-z]{0,4}") {
        let _ = parse(line.as_bytes());
    }

    #[test]
    fn children_come_before_what_they_are_mounted_on(parents in proptest::collection::vec(0usize..20, 1..20), names in proptest::collection::vec("[ab]", 20)) {
        let mut table = Vec::new();
        for (index, parent) in parents.iter().enumerate() {
            // A parent made earlier: a tree. Or itself and later: rings, which must not hang.
            let point = match table.get(*parent) {
                Some(Mount { point, .. }) => point.join(&names[index]),
                None => PathBuf::from("/t").join(&names[index]),
            };
            let point = OsString::from_vec(escape(point.as_os_str().as_bytes()));
            let line = format!("{} {parent} 8:1 / {} rw - ext4 x rw", index, point.to_str().unwrap());
            table.extend(parse(line.as_bytes()).unwrap());
        }
        let order = below(&table, Path::new("/t"));
        let tree = parents.iter().enumerate().all(|(index, parent)| *parent <= index);
        if tree {
            for (at, mount) in order.iter().enumerate() {
                prop_assert!(!order[..at].iter().any(|earlier| earlier.id == mount.parent && earlier.id != mount.id));
            }
        }
    }
}
