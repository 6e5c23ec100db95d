//! The compiled tokenizer in the model's folder: a copy of what `tokenizer.json` says, that may go at any time. Missing,
//! made of another file, damaged, or in a folder that cannot be written: the user never hears of it, only loading
//! takes longer. A file that has its name is never written again, since others may have mapped it.

use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::super::disk::{Incoming, beside};
use super::super::fetch::lock;
use super::compiled::{Bytes, Compiled};

/// Where the compiled form of `tokenizer` lies.
pub(super) fn place(tokenizer: &Path) -> PathBuf {
    beside(tokenizer, ".compiled")
}

/// What lies at `place`, if it was made of the file whose sha256 is `source`.
pub(super) fn open(place: &Path, source: &str) -> Option<Compiled> {
    let file = fs_err::File::open(place).ok()?;
    #[expect(unsafe_code, reason = "memory mapping is unsafe by nature")]
    // SAFETY: the map is only read, and nothing of ours writes into a file once it has its name: `keep` writes under
    // another name and renames, which leaves a mapped file as it was.
    let map = unsafe { Mmap::map(file.file()) }.ok()?;
    Compiled::open(Bytes::Mapped(map), source).ok()
}

/// Puts `bytes` at `place`, unless somebody is writing into the folder: whoever it is, the next to load tries again.
pub(super) fn keep(place: &Path, bytes: &[u8]) {
    let (Some(folder), Some(name)) = (place.parent(), place.file_name().and_then(|name| name.to_str()))
    else {
        return;
    };
    let Ok(_lock) = lock(folder) else { return };
    let mut incoming = Incoming::new(folder);
    if incoming.write(name, &mut &bytes[..]).is_ok() {
        // Where it fails the staged file is removed, and nothing is lost.
        let _ = incoming.publish();
    }
}
