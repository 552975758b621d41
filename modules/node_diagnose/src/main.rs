//! The module alone; see the library.
fn main() -> std::process::ExitCode {
    ansible::main(&[&node_diagnose::MODULE])
}
