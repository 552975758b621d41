//! Gives what libfuzzer makes up to `fuzz::cni_conf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cni_conf::run(data));
