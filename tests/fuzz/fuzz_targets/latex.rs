//! Promise: whatever is shown as Unicode is shown the same when it is shown again, and nothing is ever slow. A find
//! is kept as fuzz.tex.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| paperkin_fuzz::held::check_latex(bytes));
