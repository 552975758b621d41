//! What is made of files in a target, by every way the kernel has: partitions of loop devices, devices without a node, file
//! systems over several devices, device mapper, md, swap, erofs without a loop device, overlays of the new mount interface.
//! All are refused before anything is touched, naming the file, what is made of it, and how to end that.

use serde_json::json;

use super::layout::{Layout, layouts};

const LOOP: &[&str] = &["root", "file:/dev/loop-control", "program:mkfs.ext4", "program:losetup", "program:addpart"];
const BTRFS: &[&str] = &["root", "file:/dev/loop-control", "fs:btrfs", "program:mkfs.btrfs"];
const MAPPER: &[&str] = &["root", "file:/dev/loop-control", "file:/dev/mapper/control", "program:dmsetup"];
const RAID: &[&str] = &["root", "file:/dev/loop-control", "file:/proc/mdstat", "program:mdadm"];
const EROFS: &[&str] = &["root", "fs:erofs", "file:/dev/loop-control", "program:mkfs.ext4", "program:python3"];
const PYTHON: &[&str] = &["root", "program:python3"];

/// A place for device nodes and an image in a target.
macro_rules! image {
    ($rest:expr) => {
        concat!(
            "mkdir -p /home/nodes /home/d; mount -t tmpfs -o dev nodes /home/nodes; i=/var/lib/kubelet/pods/disk.img; truncate -s 32M $i\n",
            "node() { mknod /home/nodes/$1 b $(tr : ' ' < /sys/class/block/$2/dev); }\n",
            $rest
        )
    };
}

/// An erofs with one film in it, made byte by byte: `erofs PATH`.
macro_rules! erofs {
    ($rest:expr) => {
        concat!(
            "erofs() { python3 - \"$1\" <<'P'\n",
            "import struct, sys\n",
            "B = 4096; i = bytearray(3 * B)\n",
            "s = struct.pack('<IIIBBHQQIIII16s16sI', 0xE0F5E1E2, 0, 0, 12, 0, 40, 1, 0, 0, 3, 0, 0, bytes(16), bytes(16), 0); i[1024:1024 + len(s)] = s\n",
            "n = [(b'.', 40, 2), (b'..', 40, 2), (b'film', 41, 1)]; d = b''; o = 36\n",
            "for a, b, t in n: d += struct.pack('<QHBB', b, o, t, 0); o += len(a)\n",
            "d += b''.join(a for a, _, _ in n)\n",
            "node = lambda mode, size, block: struct.pack('<HHHHIIIIHHI', 0, 0, mode, 1, size, 0, block, 1, 0, 0, 0)\n",
            "i[1280:1312] = node(0o40755, len(d), 1); i[1312:1344] = node(0o100644, 5, 2); i[B:B + len(d)] = d; i[2 * B:2 * B + 5] = b'film\\n'\n",
            "open(sys.argv[1], 'wb').write(i)\nP\n}\n",
            "direct() { python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).mount(sys.argv[1].encode(), sys.argv[2].encode(), b\"erofs\", 1, None))' \"$1\" \"$2\"; }\n",
            "truncate -s 16M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/kubelet; mkdir -p /var/lib/kubelet/pods /home/d\n",
            $rest
        )
    };
}

/// An overlay as the new mount interface makes it (fsopen, fsconfig, fsmount, move_mount), with a layer for each option.
macro_rules! fsopen {
    ($rest:expr) => {
        concat!(
            "overlay() { python3 - \"$@\" <<'P'\n",
            "import ctypes, sys\n",
            "call = ctypes.CDLL(None, use_errno=True).syscall\n",
            "f = call(430, b'overlay', 0)\n",
            "ok = [call(431, f, 1, *(part.encode() for part in option.split('=')), 0) for option in sys.argv[2:]] + [call(431, f, 6, None, None, 0)]\n",
            "m = call(432, f, 0, 0)\n",
            "sys.exit(any(ok) or m < 0 or call(429, m, b'', -100, sys.argv[1].encode(), 4))\nP\n}\n",
            "mkdir -p /var/lib/kubelet/pods/low /home/d; echo film > /var/lib/kubelet/pods/low/film\n",
            $rest
        )
    };
}

fn own(layout: Layout) -> Layout {
    layout.only(json!({"own_paths": ["/var/lib/kubelet"]}))
}

layouts! {
    made_of_a_partition_of_an_image => Layout::refused(image!("l=$(losetup -f --show $i); addpart $l 1 2048 40000; node p ${l#/dev/}p1; mkfs.ext4 -q /home/nodes/p; mount -o ro /home/nodes/p /home/d; sync"),
        "/home/d is made of /var/lib/kubelet/pods/disk.img, which would be deleted; end that (umount /home/d), or move what is to be kept").only(json!({})).needs(LOOP).verify("umount /home/d; l=$(losetup -j /var/lib/kubelet/pods/disk.img | cut -d: -f1); delpart $l 1; losetup -d $l");
    made_of_a_partition_of_an_image_that_is_mounted_nowhere => Layout::refused(image!("l=$(losetup -f --show $i); addpart $l 1 2048 40000"),
        "is made of /var/lib/kubelet/pods/disk.img, which would be deleted; end that (losetup --detach /dev/loop").only(json!({})).needs(LOOP).verify("l=$(losetup -j /var/lib/kubelet/pods/disk.img | cut -d: -f1); delpart $l 1; losetup -d $l");
    made_of_an_image_whose_device_has_no_node => Layout::refused(image!("mkfs.ext4 -q $i; mkdir /home/alias; mount --bind /var/lib/kubelet /home/alias; l=$(losetup -f --show /home/alias/pods/disk.img); node other ${l#/dev/}; mount -o ro /home/nodes/other /home/d; losetup -d $l; umount -l /home/alias; umount $l; echo $l > /run/kubejoin/device; sync"),
        "/home/d is made of /var/lib/kubelet/pods/disk.img").only(json!({})).needs(LOOP).verify("umount /home/d");
    made_of_an_image_of_two_that_make_a_btrfs => Layout::refused(image!("truncate -s 128M $i /etc/other.img; a=$(losetup -f --show /etc/other.img); b=$(losetup -f --show $i); mkfs.btrfs -q -d raid0 $a $b 2> /dev/null; mount -o ro,device=$b $a /home/d; losetup -d $a $b; sync"),
        "/home/d is made of /var/lib/kubelet/pods/disk.img").only(json!({})).needs(BTRFS).verify("umount /home/d");
    made_of_an_image_of_two_by_a_subvolume_at_media => Layout::refused(image!("truncate -s 128M $i /etc/other.img; a=$(losetup -f --show /etc/other.img); b=$(losetup -f --show $i); mkfs.btrfs -q -d raid1 -m raid1 $a $b 2> /dev/null; mount -o device=$b $a /home/d; btrfs -q subvolume create /home/d/films; umount /home/d; mount -o ro,device=$b,subvol=films $a /srv/media; losetup -d $a $b; sync"),
        "preserved path /srv/media is made of /var/lib/kubelet/pods/disk.img").only(json!({})).needs(BTRFS).verify("umount /srv/media");
    made_of_an_image_below_a_mapped_device => Layout::refused(image!("l=$(losetup -f --show $i); echo 0 65536 linear $l 0 | dmsetup create torture; mkfs.ext4 -q /dev/mapper/torture; mount -o ro /dev/mapper/torture /home/d; sync"),
        "/home/d is made of /var/lib/kubelet/pods/disk.img").only(json!({})).needs(MAPPER).verify("umount /home/d; dmsetup remove torture; losetup -d $(losetup -j /var/lib/kubelet/pods/disk.img | cut -d: -f1)");
    made_of_an_image_in_a_raid => Layout::refused(image!("l=$(losetup -f --show $i); mdadm --create /dev/md127 --run --level=1 --force --raid-devices=1 $l > /dev/null 2>&1; mkfs.ext4 -q /dev/md127; mount -o ro /dev/md127 /home/d; sync"),
        "/home/d is made of /var/lib/kubelet/pods/disk.img").only(json!({})).needs(RAID).verify("umount /home/d; mdadm --stop /dev/md127; losetup -d $(losetup -j /var/lib/kubelet/pods/disk.img | cut -d: -f1)");
    made_of_a_swap_file => Layout { held: Some(swap), ..own(Layout::refused("truncate -s 32M /etc/disk.img; mkfs.ext4 -q /etc/disk.img; mount -o loop /etc/disk.img /var/lib/kubelet; mkdir -p /var/lib/kubelet/pods; s=/var/lib/kubelet/pods/swap; dd if=/dev/zero of=$s bs=1M count=4 2> /dev/null; chmod 600 $s; mkswap $s > /dev/null",
        "swap is on /var/lib/kubelet/pods/swap, which would be deleted; end that (swapoff /var/lib/kubelet/pods/swap)")) }.needs(&["root", "file:/dev/loop-control", "program:mkfs.ext4", "program:mkswap"]);
    made_of_a_file_that_erofs_mounts_without_a_device => own(Layout::refused(erofs!("erofs /var/lib/kubelet/pods/img; direct /var/lib/kubelet/pods/img /home/d; test $(cat /home/d/film) = film"),
        "/home/d is made of /var/lib/kubelet/pods/img")).needs(EROFS).verify("umount /home/d");
    made_of_a_file_that_erofs_mounts_by_a_relative_path => own(Layout::refused(erofs!("cd /var/lib/kubelet/pods; erofs img; direct img /home/d; sleep 600 > /dev/null 2>&1 &"),
        "/home/d is made of /var/lib/kubelet/pods/img")).needs(EROFS).verify("umount /home/d; pkill -x sleep");
    made_of_a_file_that_erofs_mounts_and_nobody_can_find => own(Layout::refused(erofs!("(cd /var/lib/kubelet/pods; erofs img; direct img /home/d)"),
        "/home/d is an erofs of img, which cannot be found; `umount /home/d` ends that")).needs(EROFS).verify("umount /home/d");
    made_of_a_layer_of_the_new_interface => Layout::refused(fsopen!("overlay /home/d lowerdir+=/var/lib/kubelet/pods/low lowerdir+=/srv/media; test -e /home/d/film"),
        "/home/d is made of /var/lib/kubelet/pods/low, which would be deleted; end that (umount /home/d)").only(json!({})).needs(PYTHON);
    made_of_a_data_layer_of_the_new_interface => Layout::refused(fsopen!("overlay /home/d lowerdir+=/srv/media datadir+=/var/lib/kubelet/pods/low metacopy=on"),
        "/home/d is made of /var/lib/kubelet/pods/low").only(json!({})).needs(PYTHON);
    made_of_an_upper_directory => Layout::refused("mkdir -p /var/lib/kubelet/pods/{u,w} /home/d; mount -t overlay o -o lowerdir=/srv/media,upperdir=/var/lib/kubelet/pods/u,workdir=/var/lib/kubelet/pods/w /home/d; echo new > /home/d/film",
        "/home/d is made of /var/lib/kubelet/pods/u").only(json!({})).verify("test $(cat /home/d/film) = new");
    made_of_an_image_that_a_server_of_blocks_has => Layout::refused(image!("qemu-nbd --fork --socket=/run/kubejoin.nbd --persistent --format=raw $i"), "(qemu-nbd) has open /var/lib/kubelet/pods/disk.img")
        .only(json!({})).needs(&["root", "program:qemu-nbd"]).verify("pkill -x qemu-nbd");
    made_of_an_image_in_an_unknown_directory_stays => Layout::partly(image!("mkdir /var/lib/kubelet/images; mv $i /var/lib/kubelet/images/; i=/var/lib/kubelet/images/disk.img; mkfs.ext4 -q $i; mount -o loop,ro $i /home/d; sync"), &["/var/lib/kubelet"])
        .only(json!({})).needs(LOOP).verify("umount /home/d; test -e /var/lib/kubelet/images/disk.img; test ! -e /var/lib/kubelet/pods");
    made_of_a_directory_that_stays_as_nobody_knows_it => Layout::partly("mkdir /var/lib/kubelet/photos /home/d; echo x > /var/lib/kubelet/photos/1; mount --bind /var/lib/kubelet/photos /home/d", &["/var/lib/kubelet"])
        .only(json!({})).verify("test -e /home/d/1; test ! -e /var/lib/kubelet/pods");
    made_of_an_image_that_a_pod_mounted_for_itself_goes_with_it => Layout::clean(image!("mv $i /var/lib/kubelet/pods/podsown.img; i=/var/lib/kubelet/pods/podsown.img; mkfs.ext4 -q $i; cp /bin/bash /srv/containerd-shim-runc-v2; /srv/containerd-shim-runc-v2 -c 'unshare --mount --propagation private sh -c \"mount -o loop /var/lib/kubelet/pods/podsown.img /mnt; echo x > /run/kubejoin/ready; sleep 600\"; true' shim -namespace k8s.io -address /run/containerd/containerd.sock > /dev/null 2>&1 & until [ -e /run/kubejoin/ready ]; do :; done"))
        .only(json!({})).needs(LOOP).verify("test -z \"$(losetup -a | grep podsown.img)\"");
}

/// Swap that is on until the end of a row, whatever becomes of it.
struct Swap(&'static str);

impl Drop for Swap {
    fn drop(&mut self) {
        let off = std::process::Command::new("swapoff").arg(self.0).status();
        assert!(off.is_ok_and(|status| status.success()), "swapoff {}", self.0);
    }
}

fn swap() -> Box<dyn std::any::Any> {
    let path = "/var/lib/kubelet/pods/swap";
    let on = std::process::Command::new("swapon").args(["--priority", "0", path]).status();
    assert!(on.is_ok_and(|status| status.success()), "swapon {path}");
    Box::new(Swap(path))
}
