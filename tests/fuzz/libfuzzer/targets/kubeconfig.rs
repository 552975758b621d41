//! Gives what libfuzzer makes up to `fuzz::kubeconfig`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::kubeconfig::run(data));
