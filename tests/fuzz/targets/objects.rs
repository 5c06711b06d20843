//! Bytes from the fuzzer to `driftline_fuzz::objects`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| driftline_fuzz::objects(data));
