#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shoptalk::fuzzing::run("linkedin_signature", bytes));
