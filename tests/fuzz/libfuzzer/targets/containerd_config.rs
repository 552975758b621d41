//! Gives what libfuzzer makes up to `fuzz::containerd_config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::containerd_config::run(data));
