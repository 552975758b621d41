//! The module as a program of its own.

fn main() -> std::process::ExitCode {
    ansible::main(&[&containerd_upgrade::MODULE])
}
