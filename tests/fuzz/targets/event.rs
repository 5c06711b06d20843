//! Bytes from the fuzzer to `driftline_fuzz::event`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| driftline_fuzz::event(data));
