//! What several integration tests share.

use std::path::{Path, PathBuf};

/// The folder of real texts and judged sets, which are not part of the repository: `PAPERKIN_SHARED`, else next to
/// the checkout. `None`, said aloud, where it is absent; but a machine that must have it (`CI` is set, or
/// `PAPERKIN_REQUIRE_DATA=1`) must not pass by skipping.
///
/// # Panics
///
/// Where the data are required and absent.
pub fn shared_data() -> Option<PathBuf> {
    let data = std::env::var_os("PAPERKIN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    if data.is_dir() {
        return Some(data);
    }
    let required = std::env::var_os("CI").is_some()
        || std::env::var("PAPERKIN_REQUIRE_DATA").is_ok_and(|value| value == "1");
    assert!(!required, "shared data not present at {}; set PAPERKIN_SHARED to its folder", data.display());
    println!("skipped: shared data not present");
    None
}
