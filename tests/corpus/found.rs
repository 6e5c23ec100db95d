//! Promise: what a fuzz target once found is never found again (`scripts/fuzz.sh` puts it there).

use paperkin::{corpus, paper};

#[path = "../fuzz/held.rs"]
mod held;

#[test]
fn what_was_found_stays_mended() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let mut replayed = 0;
    for kind in ["found", "seeds"] {
        for entry in fs_err::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name == ".gitkeep") {
                continue;
            }
            let bytes = fs_err::read(&path).unwrap();
            println!("{}", path.display());
            held::check(&path.file_name().unwrap().to_string_lossy(), &bytes);
            held::check_latex(&bytes);
            replayed += 1;
        }
    }
    assert!(replayed > 0, "the committed seeds are gone");
}
