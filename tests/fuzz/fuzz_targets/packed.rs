//! Promise: no bytes make the reader of packed break a promise of `held.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| paperkin_fuzz::held::check("fuzz.zip", bytes));
