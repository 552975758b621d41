//! The program; the module is `lib.rs`.

fn main() -> std::process::ExitCode {
    ansible::main(&[&aggressive_reset::MODULE])
}
