//! Promise: whatever is shown as Unicode is shown the same when it is shown again, and nothing is ever slow or torn.
#![no_main]

use paperkin_fuzz::paper::{latex_text, normalise, normalised_title, unicode_of};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = normalise(text);
    let begun = std::time::Instant::now();
    let shown = unicode_of(&text).into_owned();
    assert_eq!(unicode_of(&shown), shown, "{text}");
    assert_eq!(normalised_title(&text), normalised_title(&shown), "{text}");
    std::hint::black_box(latex_text(&text));
    assert!(begun.elapsed().as_secs() < 2, "{} bytes", bytes.len());
});
