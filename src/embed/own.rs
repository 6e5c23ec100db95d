//! The first source: a folder that the user names. It may hold the hub's files, the converted ones, or the wheel;
//! those are known by their hashes. Files that no manifest knows (a fine-tuned model, another quantisation) are
//! taken too if their config is of the same architecture: they get pins of their own and with them a fingerprint of
//! their own, so that their vectors are never compared with those of the published weights.

use std::path::Path;

use fs_err::File;

use super::config::ModelConfig;
use super::disk::{Incoming, sha256_of};
use super::error::ModelError;
use super::fetch::{FetchEvent, Progress};
use super::folder::{OwnPins, forget_own_pins};
use super::manifest::{FilePin, Manifest, is_weights};
use super::wheel;

/// Copies what `from` holds into the model's `folder`.
pub(super) fn take(
    manifest: &Manifest,
    folder: &Path,
    from: &Path,
    progress: Progress<'_>,
) -> Result<(), ModelError> {
    let refused =
        |reason: String| ModelError::Folder { name: manifest.name.clone(), folder: from.to_owned(), reason };
    if let Some(pins) = &manifest.wheel
        && from.extension().is_some_and(|end| end == "whl")
    {
        return wheel::install(manifest, pins, folder, from);
    }
    if !from.is_dir() {
        return Err(refused("it is no folder".to_owned()));
    }
    for (_, pins) in manifest.variants() {
        if pins.iter().all(|pin| has(from, pin)) {
            return take_pinned(folder, from, pins);
        }
    }
    if let Some(pins) = &manifest.wheel {
        for path in wheel::wheels_in(from)? {
            if sha256_of(&path)? == pins.sha256 {
                return wheel::install(manifest, pins, folder, &path);
            }
        }
    }
    take_unknown(manifest, folder, from, progress).map_err(|error| match error {
        TakeError::Refused(reason) => refused(reason),
        TakeError::Model(error) => error,
    })
}

/// Whether a file has the pinned length. A folder whose lengths all fit and whose hashes do not is damaged, not
/// unknown, and is refused when it is copied.
fn has(from: &Path, pin: &FilePin) -> bool {
    fs_err::metadata(from.join(&pin.path)).is_ok_and(|found| found.len() == pin.bytes)
}

fn take_pinned(folder: &Path, from: &Path, pins: &[FilePin]) -> Result<(), ModelError> {
    let mut incoming = Incoming::new(folder);
    for pin in pins {
        let remedy = format!("the copy in {} is damaged, nothing was taken", from.display());
        incoming.write_pinned(pin, &mut File::open(from.join(&pin.path))?, &remedy)?;
    }
    incoming.publish()?;
    forget_own_pins(folder)
}

enum TakeError {
    Refused(String),
    Model(ModelError),
}

impl<E: Into<ModelError>> From<E> for TakeError {
    fn from(error: E) -> Self {
        Self::Model(error.into())
    }
}

fn take_unknown(
    manifest: &Manifest,
    folder: &Path,
    from: &Path,
    progress: Progress<'_>,
) -> Result<(), TakeError> {
    let config = ModelConfig::read(&from.join("config.json"))?;
    if config.hidden != manifest.dimension {
        let text = format!("its vectors have {} numbers, not {}", config.hidden, manifest.dimension);
        return Err(TakeError::Refused(text));
    }
    if config.positions < manifest.max_tokens {
        let text = format!("it reads {} tokens, not {}", config.positions, manifest.max_tokens);
        return Err(TakeError::Refused(text));
    }
    let names = ["config.json".to_owned(), "tokenizer.json".to_owned(), only_weights(from)?];

    let mut incoming = Incoming::new(folder);
    let mut pins = OwnPins { from: from.display().to_string(), files: Vec::new() };
    for path in names {
        pins.files.push(incoming.write(&path, &mut File::open(from.join(&path))?)?);
    }
    let (name, text) = pins.to_file()?;
    incoming.write(name, &mut text.as_bytes())?;
    incoming.publish()?;
    let notice = format!(
        "the files in {} are not those published as '{}'; they were taken because they have its architecture, and \
         vectors made with them are kept apart",
        from.display(),
        manifest.name
    );
    progress(FetchEvent::Notice(&notice));
    Ok(())
}

fn only_weights(from: &Path) -> Result<String, TakeError> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(from)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_weights(&name) {
            found.push(name);
        }
    }
    match (found.len(), found.pop()) {
        (1, Some(name)) => Ok(name),
        (0, _) => Err(TakeError::Refused("it has no .safetensors and no .gguf".to_owned())),
        (count, _) => Err(TakeError::Refused(format!("it has {count} files of weights, one is wanted"))),
    }
}
