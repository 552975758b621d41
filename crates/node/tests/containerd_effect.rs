//! What of the configuration files a containerd of each release has in force, told from the files alone, and held against
//! the containerd that is installed here.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use node::containerd::config::{Config, effect};
use node::containerd::release::Release;
use std::path::Path;

const fn of(major: u32, minor: u32) -> Release {
    Release { major, minor }
}

const MAIN_V2: &str = r#"version = 2
imports = ["conf.d/*.toml"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "local/pause:1"
  stream_server_port = "10010"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/x"
"#;
const NVIDIA_V3: &str = r#"version = 3
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.nvidia]
runtime_type = "io.containerd.runc.v2"
"#;
const NVIDIA_V2: &str = r#"version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
runtime_type = "io.containerd.runc.v2"
"#;

/// A main file and drop-ins in conf.d beside it.
fn config(dir: &Path, main: &str, drop_ins: &[(&str, &str)]) -> Config {
    let path = dir.join("config.toml");
    std::fs::write(&path, main).unwrap();
    std::fs::remove_dir_all(dir.join("conf.d")).ok();
    std::fs::create_dir(dir.join("conf.d")).unwrap();
    for (name, text) in drop_ins {
        std::fs::write(dir.join("conf.d").join(name), text).unwrap();
    }
    Config::load(&path).unwrap()
}

fn passed_over(config: &Config, release: Release) -> String {
    effect::passed_over(&config.clone().for_release(Some(release)), release).join("\n")
}

#[test]
fn a_drop_in_of_a_higher_version_hides_the_main_file_from_2_0_to_2_2_and_stops_2_3() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), MAIN_V2, &[("99-nvidia.toml", NVIDIA_V3)]);
    for release in [of(2, 0), of(2, 1), of(2, 2)] {
        let told = passed_over(&config, release);
        assert!(
            told.contains("config.toml: sandbox_image, cni.bin_dir of plugins.\"io.containerd.grpc.v1.cri\""),
            "{told}"
        );
        assert!(told.contains("99-nvidia.toml is of version 3 and is read later"), "{told}");
        assert_eq!(effect::refusal(&config, release), None);
    }
    let refused = effect::refusal(&config, of(2, 3)).unwrap();
    assert!(
        refused.contains("99-nvidia.toml is of version 3") && refused.contains("config.toml of version 2"),
        "{refused}"
    );
    assert_eq!((passed_over(&config, of(2, 4)).as_str(), effect::refusal(&config, of(2, 4))), ("", None));
    assert!(effect::refusal(&config, of(1, 7)).unwrap().contains("reads up to version 2"));
}

#[test]
fn a_drop_in_of_version_2_is_good_for_every_2_x() {
    let dir = tempfile::tempdir().unwrap();
    for main in [MAIN_V2, "version = 3\nimports = [\"conf.d/*.toml\"]\n"] {
        let config = config(dir.path(), main, &[("99-nvidia.toml", NVIDIA_V2)]);
        for release in [of(2, 0), of(2, 2), of(2, 3), of(2, 4)] {
            assert_eq!(
                (passed_over(&config, release).as_str(), effect::refusal(&config, release)),
                ("", None),
                "{release:?}"
            );
        }
    }
}

#[test]
fn one_of_version_2_between_others_of_version_3_is_lost_to_2_0_to_2_2() {
    let dir = tempfile::tempdir().unwrap();
    let main = "version = 3\nimports = [\"conf.d/*.toml\"]\n";
    let config = config(dir.path(), main, &[("10-old.toml", NVIDIA_V2), ("20-new.toml", NVIDIA_V3)]);
    assert!(passed_over(&config, of(2, 1)).contains("10-old.toml: containerd.runtimes.nvidia.runtime_type"));
    assert_eq!(passed_over(&config, of(2, 3)), "");
}

#[test]
fn in_1_x_a_later_section_replaces_an_earlier_one_whole() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), MAIN_V2, &[("99-nvidia.toml", NVIDIA_V2)]);
    let told = passed_over(&config, of(1, 7));
    assert!(told.contains("config.toml: sandbox_image, stream_server_port, cni.bin_dir of plugins"), "{told}");
    assert!(told.contains("whose whole section") && told.contains("99-nvidia.toml replaces"), "{told}");
    let apart = "version = 2\n[plugins.\"io.containerd.internal.v1.opt\"]\npath = \"/y\"\n";
    let config = self::config(dir.path(), MAIN_V2, &[("opt.toml", apart)]);
    assert_eq!(passed_over(&config, of(1, 7)), "");
}

#[test]
fn version_4_is_for_2_3_and_later_and_takes_no_old_names() {
    let dir = tempfile::tempdir().unwrap();
    let main = MAIN_V2.replace("version = 2", "version = 4");
    let config = config(dir.path(), &main, &[]);
    assert!(
        effect::refusal(&config, of(2, 2)).unwrap().contains("of version 4, and containerd 2.2 reads up to version 3")
    );
    assert_eq!(effect::refusal(&config, of(2, 3)), None);
    assert!(
        passed_over(&config, of(2, 3)).contains("sandbox_image, cni.bin_dir"),
        "{}",
        passed_over(&config, of(2, 3))
    );
}

#[test]
fn keys_that_are_gone_are_told_from_the_release_that_lacks_them() {
    let dir = tempfile::tempdir().unwrap();
    let main = r#"version = 3
[plugins.'io.containerd.cri.v1.runtime']
enable_cdi = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dir = "/opt/cni/bin"
[plugins.'io.containerd.cri.v1.images'.registry.mirrors."docker.io"]
endpoint = ["http://mirror"]
[plugins.'io.containerd.tracing.processor.v1.otlp']
endpoint = "http://otel:4318"
"#;
    let config = config(dir.path(), main, &[]);
    assert_eq!(passed_over(&config, of(2, 3)), "");
    let four = passed_over(&config, of(2, 4));
    for key in ["enable_cdi", "cni.bin_dir", "otlp.endpoint"] {
        assert!(four.contains(key), "{four}");
    }
    assert!(!four.contains("mirrors") && passed_over(&config, of(2, 7)).contains("registry.mirrors"), "{four}");
    let old = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.x]\nruntime_type = 'io.containerd.runtime.v1.linux'\nruntime_root = '/x'\n[plugins.'io.containerd.grpc.v1.cri']\nsystemd_cgroup = true\n";
    let told = passed_over(&self::config(dir.path(), old, &[]), of(2, 1));
    for key in ["runtimes.x.runtime_type", "runtimes.x.runtime_root", "systemd_cgroup"] {
        assert!(told.contains(key), "{told}");
    }
}

#[test]
fn what_is_shipped_is_all_in_force() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (name, releases) in [
        ("config-default-1.6.20.toml", vec![of(1, 6), of(1, 7), of(2, 1), of(2, 3), of(2, 4)]),
        ("config-default-1.7.24.toml", vec![of(1, 7), of(2, 1), of(2, 3), of(2, 4)]),
        ("config-default-2.1.9.toml", vec![of(2, 1), of(2, 2), of(2, 3), of(2, 4)]),
        ("config-default-2.2.5.toml", vec![of(2, 2), of(2, 3), of(2, 4)]),
        ("debian-2.1.9-packaged.toml", vec![of(1, 6), of(2, 1), of(2, 3), of(2, 4)]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), &std::fs::read_to_string(data.join(name)).unwrap(), &[]);
        for release in releases {
            assert_eq!(
                (passed_over(&config, release).as_str(), effect::refusal(&config, release)),
                ("", None),
                "{name} {release:?}"
            );
        }
    }
}

#[test]
fn a_drop_in_that_no_file_imports_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), "version = 2\n", &[("a.toml", NVIDIA_V2), ("a.toml.rejected", "x")]);
    assert_eq!(effect::unread_drop_ins(&config), [dir.path().join("conf.d/a.toml")]);
    let config = self::config(dir.path(), MAIN_V2, &[("a.toml", NVIDIA_V2)]);
    assert_eq!(effect::unread_drop_ins(&config), Vec::<std::path::PathBuf>::new());
}

/// The containerd that is installed here says the same: what is passed over is not in its dump, and what is refused it refuses.
#[test]
fn containerd_itself_passes_over_and_refuses_the_same() {
    if !testkit::require("program:containerd") {
        return;
    }
    let said = std::process::Command::new("containerd").arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let release = Release::parse(said.split_whitespace().nth(2).unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    // 1.6 takes a relative pattern from where it runs.
    let main = MAIN_V2.replace("conf.d/", &format!("{}/conf.d/", dir.path().display()));
    let untouched = main.replace("version = 2", "version = 3").replace("sandbox_image", "no_such_key");
    for (main, drop_ins) in [
        (main.clone(), vec![]),
        (main.clone(), vec![("a.toml", NVIDIA_V2)]),
        (main.clone(), vec![("a.toml", NVIDIA_V3)]),
        (main.clone(), vec![("a.toml", NVIDIA_V3), ("b.toml", NVIDIA_V2)]),
        (main.clone(), vec![("a.toml", &NVIDIA_V2["version = 2\n".len()..])]),
        (main.replace("version = 2", "version = 4"), vec![]),
        (untouched, vec![]),
    ] {
        let config = config(dir.path(), &main, &drop_ins);
        let path = dir.path().join("config.toml");
        let mut dump = std::process::Command::new("containerd");
        let dump = dump.args(["--config", path.to_str().unwrap(), "config", "dump"]).output().unwrap();
        let names: Vec<_> = drop_ins.iter().map(|(name, _)| name).collect();
        assert_eq!(dump.status.success(), effect::refusal(&config, release).is_none(), "{said}{main}{names:?}");
        if dump.status.success() && main.contains("sandbox_image") {
            let in_force = String::from_utf8(dump.stdout).unwrap().contains("local/pause:1");
            assert_eq!(in_force, !passed_over(&config, release).contains("sandbox_image"), "{said}{main}{names:?}");
        }
    }
}
