//! Gives what libfuzzer makes up to `fuzz::classify`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::classify::run(data));
