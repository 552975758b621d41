//! All modules in one program. Ansible would send each of them on its own, on every task; this one is sent once per host.

fn main() -> std::process::ExitCode {
    ansible::main(kubejoin::MODULES)
}
