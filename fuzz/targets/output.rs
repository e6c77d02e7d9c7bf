#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bulk_withdraw::fuzz::output(data));
