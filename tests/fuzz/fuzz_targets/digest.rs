//! Promise: no bytes make the reader of digest break a promise of `held.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| paperkin_fuzz::held::check("fuzz.txt", bytes));
