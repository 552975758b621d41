//! Gives what libfuzzer makes up to `fuzz::cri`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cri::run(data));
